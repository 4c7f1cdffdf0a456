import type { PiId } from '../../core/ids.ts';
import type { Pi } from '../../core/pi.ts';
import { decodeRevision, formatRevision } from '../../core/revision.ts';
import { listDisks } from '../../db/disks.ts';
import { listPiHolders } from '../../db/journal.ts';
import type { Executor } from '../../db/open.ts';
import { requirePi } from '../../db/pis.ts';
import { listUnlisted } from '../../db/unlisted.ts';
import type { PiPower } from '../operations/ports.ts';
import type { Pi as PiShape } from '../schema/pi.ts';
import { iso } from './operation-views.ts';
import { piInfo, type ViewFacts } from './views.ts';

/** What the shape of a Pi needs beside its record. */
export interface PiFacts extends ViewFacts {
  readonly power: Pick<PiPower, 'reach'>;
}

/** Pis as the API shows them, with all that is known of them. */
export async function piShapes(ex: Executor, pis: readonly Pi[], facts: PiFacts): Promise<PiShape[]> {
  const disks = new Map((await listDisks(ex)).map((disk) => [disk.id, disk]));
  const holders = await listPiHolders(ex);
  const unlisted = await listUnlisted(ex);
  return pis.map((pi) => {
    const board = pi.revision === undefined ? undefined : decodeRevision(pi.revision);
    const operation = holders.get(pi.id);
    return {
      ...piInfo(pi, disks, facts),
      ...(pi.quarantine ? { quarantine: true } : {}),
      ...(pi.name ? { name: pi.name } : {}),
      tags: [...pi.tags],
      ...(pi.notes === '' ? {} : { notes: pi.notes }),
      ...(pi.manageDisks ? { manageDisks: true } : {}),
      ...(pi.port ? { port: pi.port } : {}),
      ...(unlisted.has(pi.id) ? { portUnlisted: true } : {}),
      ...(pi.movedTo ? { movedTo: pi.movedTo } : {}),
      ...(pi.revision === undefined ? {} : { revision: formatRevision(pi.revision) }),
      ...(board?.model ? { model: board.model } : {}),
      ...(board?.memoryMiB ? { memoryMiB: board.memoryMiB } : {}),
      ...(board?.processor ? { processor: board.processor } : {}),
      ...(pi.addressSeenAt === undefined ? {} : { lastSeenAt: iso(pi.addressSeenAt) }),
      power: { reach: facts.power.reach(pi.id), ...(pi.desiredPower ? { desired: pi.desiredPower } : {}) },
      ...(operation ? { operation } : {}),
    };
  });
}

/** One of them. */
export async function piShape(ex: Executor, id: PiId, facts: PiFacts): Promise<PiShape> {
  const [shape] = await piShapes(ex, [await requirePi(ex, id)], facts);
  if (!shape) throw new Error('one Pi has one shape');
  return shape;
}
