import type { Clock } from '../../core/host/clock.ts';
import type { Ipv4, Mac } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { Pi } from '../../core/pi.ts';
import type { Db } from '../../db/open.ts';
import { listPis, patchPi } from '../../db/pis.ts';
import type { ExportKeeper } from '../operations/ports.ts';

/** An address that nobody has used for this long is nobody's (design §6). */
const EXPIRES_MS = 24 * 3_600_000;

/** Which Pis are at their addresses now, and which addresses have expired. */
export function sortAddresses(
  pis: readonly Pi[],
  reachable: ReadonlyMap<Ipv4, Mac>,
  now: number,
): { seen: Pi[]; expired: Pi[] } {
  const addressed = pis.filter((pi) => pi.address !== undefined);
  const here = (pi: Pi) => pi.address !== undefined && pi.mac !== undefined && reachable.get(pi.address) === pi.mac;
  return {
    seen: addressed.filter(here),
    expired: addressed.filter((pi) => !here(pi) && now - (pi.addressSeenAt ?? 0) > EXPIRES_MS),
  };
}

/**
 * Notes which addresses are in use, so that nobody can take the address of a running Pi, which asks for no boot files for
 * months; and gives back those that have been silent for a day.
 */
export async function watchAddresses(ports: {
  db: Db;
  exports: ExportKeeper;
  reachable: () => Promise<ReadonlyMap<Ipv4, Mac>>;
  clock: Clock;
  log: Log;
}): Promise<void> {
  const { db, clock, log } = ports;
  const { seen, expired } = sortAddresses(await listPis(db), await ports.reachable(), clock.now());
  for (const pi of seen) await patchPi(db, pi.id, { addressSeenAt: clock.now() });
  for (const pi of expired) {
    log.info({ pi: pi.id, address: pi.address }, 'the address of a Pi has expired');
    await patchPi(db, pi.id, { address: null });
  }
  if (expired.length > 0) await ports.exports.converge([]);
}
