import type { Clock } from '../../core/host/clock.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { Pi } from '../../core/pi.ts';
import { addFeedEvent } from '../../db/events.ts';
import type { Db } from '../../db/open.ts';
import { findPi, listPis, patchPi } from '../../db/pis.ts';
import { decideLeaving } from '../../netboot/addresses.ts';
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

/**
 * Pis that are not at their address and whose board answers at another: also such as were silent for a day and are back. Not what was
 * switched off, whose board may answer for some seconds more, and not to another Pi's address unless a boot is expected: two boards that
 * answer at one address would take it from each other for ever. And not back to where one has just come from, nor away from where it has
 * mounted: what is in the neighbour table may be half a minute old.
 */
function strayed(
  pis: readonly Pi[],
  { reachable, connected, now }: { reachable: ReadonlyMap<Ipv4, Mac>; connected: ReadonlySet<Ipv4>; now: number },
): { pi: PiId; mac: Mac; address: Ipv4 }[] {
  const places = new Map([...reachable].map(([address, mac]) => [mac, address]));
  const owned = new Set(pis.map(({ address }) => address));
  return pis.flatMap(({ id, mac, address, previousAddress, bootExpectedUntil, desiredPower }) => {
    const place = mac && places.get(mac);
    if (!mac || !place || place === previousAddress) return [];
    if (address && (reachable.get(address) === mac || connected.has(address))) return [];
    const isExpected = (bootExpectedUntil ?? 0) > now;
    const isOff = address === undefined && desiredPower === 'off';
    return isExpected || (!isOff && !owned.has(place)) ? [{ pi: id, mac, address: place }] : [];
  });
}

/** Looks after the addresses of Pis. */
export interface AddressWatch {
  /**
   * Notes which addresses are in use, so that nobody can take the address of a running Pi, which asks for no boot files for
   * months; gives back those that have been silent for a day; and ends the access of those that Pis have left.
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
  /** The addresses that have a connection to the NFS server: they have mounted. */
  connected: () => Promise<ReadonlySet<Ipv4>>;
  /** Looks whether a Pi is at another address now, and moves it there when it may. */
  follow: (pi: PiId, mac: Mac, address: Ipv4) => void;
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

  /** Since when a Pi has been leaving which address for which. */
  const leaving = new Map<PiId, { move: string; since: number }>();

  /** Ends what has been left, or puts a Pi back. @returns whether an export has to change. */
  async function endLeaving(
    pis: readonly Pi[],
    { reachable, connected }: { reachable: ReadonlyMap<Ipv4, Mac>; connected: ReadonlySet<Ipv4> },
  ): Promise<boolean> {
    const moved = pis.filter((pi) => pi.previousAddress !== undefined);
    for (const id of leaving.keys()) if (!moved.some((pi) => pi.id === id)) leaving.delete(id);
    let isChanged = false;
    for (const pi of moved) {
      const { id, address, previousAddress } = pi;
      const move = `${previousAddress} ${address}`;
      if (leaving.get(id)?.move !== move) leaving.set(id, { move, since: clock.monotonic() });
      const at = (place: Ipv4 | undefined) => {
        const mac = place && reachable.get(place);
        return mac === undefined ? 'nobody' : mac === pi.mac ? 'itself' : 'another';
      };
      const decision = decideLeaving({
        leftMs: clock.monotonic() - (leaving.get(id)?.since ?? 0),
        isNewMounted: address !== undefined && connected.has(address),
        atOld: at(previousAddress),
        atNew: at(address),
      });
      if (decision === 'wait') continue;
      const back = decision === 'back' ? previousAddress : undefined;
      isChanged = (await leave(pi, back)) || isChanged;
    }
    return isChanged;
  }

  /** False when it has moved again meanwhile. */
  async function leave({ id, address, previousAddress }: Pi, back: Ipv4 | undefined): Promise<boolean> {
    return db.transaction().execute(async (trx) => {
      const now = await findPi(trx, id);
      if (now?.address !== address || now?.previousAddress !== previousAddress) return false;
      await patchPi(trx, id, { previousAddress: null, ...(back ? { address: back } : {}) });
      if (back) log.warn({ pi: id, address, back }, 'a Pi never mounted from its new address; it has its old one back');
      else log.info({ pi: id, address, previousAddress }, 'the old address of a Pi has no access any more');
      return true;
    });
  }

  return {
    async round() {
      const pis = await listPis(db);
      const reachable = await ports.reachable();
      const { seen, expired } = sortAddresses(pis, reachable, silentMs);
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
      const connected = await ports.connected();
      const facts = { reachable, connected, now: clock.now() };
      for (const { pi, mac, address } of strayed(pis, facts)) ports.follow(pi, mac, address);
      const isLeft = await endLeaving(pis, facts);
      const known = new Set(pis.map((pi) => pi.id));
      for (const id of lastSeen.keys()) if (!known.has(id)) lastSeen.delete(id);
      if (expired.length > 0 || isLeft) await ports.exports.converge([]);
    },
  };
}
