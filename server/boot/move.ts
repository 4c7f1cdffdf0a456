import type { Clock } from '../../core/host/clock.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { listDisksOf } from '../../db/disks.ts';
import type { Db } from '../../db/open.ts';
import { endLeavingOf, patchPi, requirePi } from '../../db/pis.ts';
import { keptAddress } from '../../netboot/addresses.ts';
import type { ExportKeeper } from '../operations/ports.ts';

/** What a move is made through. */
export interface MovePorts {
  readonly db: Db;
  readonly exports: ExportKeeper;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Binds an address, and the MAC that was seen there, to a Pi. Whoever had the address loses it; the one that the Pi had keeps its access
 * until the address watch ends it. The exports are as they should be when it returns: a reply that needs them may follow.
 */
export async function moveAddress(
  { db, exports, clock, log }: MovePorts,
  move: { id: PiId; mac: Mac; address: Ipv4; previousOwner: PiId | undefined },
): Promise<void> {
  const { id, mac, address, previousOwner } = move;
  await db.transaction().execute(async (trx) => {
    if (previousOwner) await patchPi(trx, previousOwner, { address: null });
    await endLeavingOf(trx, address, id);
    const pi = await requirePi(trx, id);
    // A Pi without a disk has nothing to lose.
    const kept = pi.disks.length > 0 ? keptAddress(pi, address) : undefined;
    await patchPi(trx, id, { mac, address, previousAddress: kept ?? null, addressSeenAt: clock.now() });
  });
  log.info({ pi: id, mac, address, previousOwner }, 'the address of a Pi is bound');
  await exports.converge((await listDisksOf(db, id)).map((disk) => disk.exportId));
}
