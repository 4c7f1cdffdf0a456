import type { Clock } from '../../core/host/clock.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { Pi } from '../../core/pi.ts';
import { addFeedEvent } from '../../db/events.ts';
import type { Db } from '../../db/open.ts';
import { listPis, patchPi } from '../../db/pis.ts';
import type { ExportKeeper } from '../operations/ports.ts';

/** An address that nobody has used for this long is nobody's (design §6). */
const EXPIRES_MS = 24 * 3_600_000;

/** Which Pis are at their addresses now, and which addresses have expired; `silentMs` says for how long a Pi has been silent. */
export function sortAddresses(
  pis: readonly Pi[],
  reachable: ReadonlyMap<Ipv4, Mac>,
  silentMs: (pi: Pi) => number,
): { seen: Pi[]; expired: Pi[] } {
  const addressed = pis.filter((pi) => pi.address !== undefined);
  const here = (pi: Pi) => pi.address !== undefined && pi.mac !== undefined && reachable.get(pi.address) === pi.mac;
  return {
    seen: addressed.filter(here),
    expired: addressed.filter((pi) => !here(pi) && silentMs(pi) > EXPIRES_MS),
  };
}

/** Looks after the addresses of Pis. */
export interface AddressWatch {
  /**
   * Notes which addresses are in use, so that nobody can take the address of a running Pi, which asks for no boot files for
   * months; and gives back those that have been silent for a day.
   */
  round(): Promise<void>;
}

/**
 * Builds it. Silence is counted by a clock that nobody can set, from this start of the server on: a machine without a battery
 * learns the date from the network, and that jump of years must not take the roots of running Pis away.
 */
export function createAddressWatch(ports: {
  db: Db;
  exports: ExportKeeper;
  reachable: () => Promise<ReadonlyMap<Ipv4, Mac>>;
  clock: Clock;
  log: Log;
}): AddressWatch {
  const { db, clock, log } = ports;
  /** When a Pi was last seen, or first found silent at that address. */
  const lastSeen = new Map<PiId, { address: Ipv4 | undefined; at: number }>();

  function silentMs(pi: Pi): number {
    const known = lastSeen.get(pi.id);
    if (known?.address !== pi.address) lastSeen.set(pi.id, { address: pi.address, at: clock.monotonic() });
    return known?.address === pi.address ? clock.monotonic() - (known?.at ?? 0) : 0;
  }

  return {
    async round() {
      const pis = await listPis(db);
      const { seen, expired } = sortAddresses(pis, await ports.reachable(), silentMs);
      for (const pi of seen) {
        lastSeen.set(pi.id, { address: pi.address, at: clock.monotonic() });
        await patchPi(db, pi.id, { addressSeenAt: clock.now() });
      }
      for (const pi of expired) {
        log.info({ pi: pi.id, address: pi.address }, 'the address of a Pi has expired');
        await db.transaction().execute(async (trx) => {
          await patchPi(trx, pi.id, { address: null });
          await addFeedEvent(
            trx,
            { type: 'pi.address-expired', pi: pi.id, data: { address: pi.address } },
            clock.now(),
          );
        });
      }
      const known = new Set(pis.map((pi) => pi.id));
      for (const id of lastSeen.keys()) if (!known.has(id)) lastSeen.delete(id);
      if (expired.length > 0) await ports.exports.converge([]);
    },
  };
}
