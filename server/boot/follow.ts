import { describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { findPi, findPiBy } from '../../db/pis.ts';
import { decideAddress } from '../../netboot/addresses.ts';
import { type MovePorts, moveAddress } from './move.ts';

/** How often it is looked whether a board is there, and for how long. */
const LOOK_EVERY_MS = 250;
const LOOKS = 120;
/** Pis that are followed at a time; whoever is on the wire can make us follow one. */
const MAX_FOLLOWED = 64;

/** Follows Pis to addresses from which they never ask for a boot file: a kernel's lease may be another than its boot ROM's. */
export interface Follower {
  /**
   * Looks for half a minute whether the board with that MAC is at `address`, and moves the Pi's address there when it may move. It does
   * not wait, and never throws. A newer call for a Pi ends the one before.
   */
  follow(id: PiId, mac: Mac, address: Ipv4): void;
  /** Ends all of it; may be called twice. */
  stop(): void;
}

/** What it acts through. */
export interface FollowPorts extends MovePorts {
  /** True for an address on a wire of ours. */
  isNear(address: Ipv4): boolean;
  /** Sends something to `address`, so that the kernel asks which board is there. */
  nudge(address: Ipv4): Promise<void>;
  /** The MAC that the neighbour table shows at an address. */
  neighbour(address: Ipv4): Promise<Mac | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Builds it. What names the address (a REQUEST by DHCP) proves nothing: the address moves by the neighbour table, as when the Pi asks
 * for a file.
 */
export function createFollower(ports: FollowPorts): Follower {
  const { db, clock, log } = ports;
  const followed = new Map<PiId, { readonly address: Ipv4; readonly abort: AbortController }>();

  /** True when there is nothing more to look for. */
  async function look(id: PiId, mac: Mac, address: Ipv4): Promise<boolean> {
    const neighbour = await ports.neighbour(address);
    if (neighbour === undefined) return false;
    const pi = await findPi(db, id);
    if (neighbour !== mac || !pi || pi.mac !== mac) return true;
    const decision = decideAddress({
      now: clock.now(),
      claimed: id,
      client: address,
      relay: false,
      neighbour,
      toldSerial: undefined,
      pi,
      macOwner: id,
      addressOwner: (await findPiBy(db, 'address', address))?.id,
    });
    if (decision.kind === 'bind') await moveAddress(ports, { id, ...decision });
    return true;
  }

  async function run(id: PiId, mac: Mac, { address, abort }: { address: Ipv4; abort: AbortController }): Promise<void> {
    for (let looks = 0; looks < LOOKS; looks++) {
      if (abort.signal.aborted || (await look(id, mac, address))) return;
      await ports.nudge(address);
      await clock.sleep(LOOK_EVERY_MS, abort.signal);
    }
  }

  return {
    follow(id, mac, address) {
      const known = followed.get(id);
      if (known?.address === address || (!known && followed.size >= MAX_FOLLOWED) || !ports.isNear(address)) return;
      known?.abort.abort();
      const mine = { address, abort: new AbortController() };
      followed.set(id, mine);
      run(id, mac, mine)
        .catch((error) => {
          if (!mine.abort.signal.aborted) {
            log.error({ pi: id, address, error: describeError(error) }, 'could not follow a Pi to its address');
          }
        })
        .finally(() => {
          if (followed.get(id) === mine) followed.delete(id);
        });
    },
    stop() {
      for (const { abort } of followed.values()) abort.abort();
    },
  };
}
