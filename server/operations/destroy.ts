import type { DiskId, PiId } from '../../core/ids.ts';
import { findDisk, listDisksOf, setDiskState } from '../../db/disks.ts';
import type { Claim } from '../../db/journal.ts';
import type { Executor } from '../../db/open.ts';
import type { Step } from './kind.ts';
import type { OperationPorts } from './ports.ts';
import { dropSnapshotsOf } from './snapshots.ts';
import { Discarded, forgetDisk } from './trash.ts';

/** A Pi and the disks that end with what it is baked as. */
interface Doomed {
  readonly pi: PiId;
  readonly disks: readonly DiskId[];
}

/** The disks that are on a Pi now. Runs in the admitting transaction. */
export async function disksOn(trx: Executor, pi: PiId): Promise<DiskId[]> {
  return (await listDisksOf(trx, pi)).map((disk) => disk.id);
}

/** What destroying them needs to hold. */
export function destroyClaims({ pi, disks }: Doomed, purpose: string): Claim[] {
  return [
    { resource: `pi:${pi}`, purpose },
    ...disks.map((disk) => ({ resource: `disk:${disk}`, purpose: 'destroy with its Pi' })),
  ];
}

/** Withdraws all exports of a Pi, then unmounts its volumes and puts them into the trash. There is no undo. */
export function destroySteps<P extends Doomed>(ports: OperationPorts): Step<P>[] {
  const { db, volumes, exports, places } = ports;
  return [
    {
      name: 'withdraw',
      timeoutMs: 60_000,
      async do({ params }) {
        const disks = await db.transaction().execute(async (trx) => {
          for (const disk of params.disks) await setDiskState(trx, disk, 'removing');
          return listDisksOf(trx, params.pi);
        });
        const ids = disks.map((disk) => disk.exportId);
        await exports.converge(ids, 'only');
      },
    },
    {
      name: 'discard',
      timeoutMs: 5 * 60_000,
      async do({ params }) {
        const disks = await Promise.all(params.disks.map((id) => findDisk(db, id)));
        const hasTwoRoots = disks.filter((disk) => disk?.role === 'root').length > 1;
        for (const id of params.disks) {
          const isRoot = (await findDisk(db, id))?.role === 'root';
          const at = isRoot ? places.root(params.pi) : places.disk(id);
          // A rebake that is stuck leaves two roots, of which one at most is mounted there.
          if (isRoot && hasTwoRoots) await volumes.unmountFrom({ id, places: [at, places.disk(id)] });
          else await volumes.unmount({ id, at });
          if (ports.keepsTrash) await volumes.discard({ id });
          else {
            await dropSnapshotsOf(ports, id);
            await volumes.remove({ id });
          }
          // The rebake may have put it there.
          if (isRoot && hasTwoRoots && !ports.keepsTrash) await volumes.purge({ id });
        }
        return { trashed: ports.keepsTrash };
      },
    },
  ];
}

/** Forgets the destroyed disks; in the committing transaction. `outputs` are those of `destroySteps`. */
export async function forgetDestroyed(
  trx: Executor,
  { disks }: Doomed,
  { outputs, now }: { outputs: Readonly<Record<string, unknown>>; now: number },
): Promise<void> {
  const { trashed } = Discarded.parse(outputs.discard);
  for (const disk of disks) await forgetDisk(trx, disk, { trashed, now });
}
