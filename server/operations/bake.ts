import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import { type BakeformName, type DiskId, mintDiskId, type PiId } from '../../core/ids.ts';
import { requireReadyBakeform } from '../../db/bakeforms.ts';
import { addDisk, mintExportId, removeDisk, setDiskState } from '../../db/disks.ts';
import { findClaim } from '../../db/journal.ts';
import type { Executor } from '../../db/open.ts';
import { listPis, movePi, patchPi } from '../../db/pis.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';

const Params = z.object({
  pi: z.string().transform((id) => id as PiId),
  bakeform: z.string().transform((name) => name as BakeformName),
  golden: z.string(),
  disk: z.string().transform((id) => id as DiskId),
  fsUuid: z.string(),
  exportId: z.number(),
});
/** A bake's choice and the ids minted for it, fixed in the transaction that admits it. */
export type BakeParams = z.output<typeof Params>;

/**
 * Picks a free Pi and mints the ids of its root. Runs in the admitting transaction, so no two bakes get the same Pi.
 * @throws BakeryError `bakeform-unknown` (invalid), `no-free-pi` (not-found).
 */
export async function planBake(
  trx: Executor,
  wish: { bakeform: BakeformName; controls: (pi: PiId) => boolean },
): Promise<BakeParams> {
  const bakeform = await requireReadyBakeform(trx, wish.bakeform, 'invalid');
  const free = (await listPis(trx)).filter(
    (pi) => pi.state === 'fridge' && !pi.maintenance && !pi.quarantine && !pi.awaitOff && pi.fault === undefined,
  );
  // A Pi whose power works can be started; one without comes last.
  free.sort((a, b) => Number(wish.controls(b.id)) - Number(wish.controls(a.id)));
  for (const pi of free) {
    if (await findClaim(trx, `pi:${pi.id}`)) continue;
    return {
      pi: pi.id,
      bakeform: bakeform.name,
      golden: bakeform.volumeId,
      disk: mintDiskId(),
      fsUuid: randomUUID(),
      exportId: await mintExportId(trx),
    };
  }
  throw new BakeryError('not-found', 'no-free-pi', 'no available Pi found');
}

/** Takes a Pi from the fridge with a clone of a bakeform. Never powers it on: the client does, when all is in place. */
export function bakeKind(ports: OperationPorts): OperationKind<BakeParams> {
  const { db, volumes, images, exports, places } = ports;
  // The journal may say that it is mounted, and the machine have been restarted since: each step that needs it asks again.
  const mount = ({ disk, fsUuid, pi }: BakeParams) => volumes.mount({ id: disk, fsUuid, at: places.root(pi) });
  return {
    kind: 'bake',
    version: 1,
    afterCrash: 'resume',
    parse: (params) => Params.parse(params),
    claims: (params, operation) => [
      { resource: `pi:${params.pi}`, purpose: 'bake' },
      { resource: `bakeform:${params.bakeform}/reader:${operation}`, purpose: 'clone' },
    ],
    async admit(trx, params) {
      await movePi(trx, params.pi, 'bake');
      await patchPi(trx, params.pi, { bakeform: { name: params.bakeform, volume: params.golden } });
      await addDisk(trx, {
        id: params.disk,
        role: 'root',
        state: 'making',
        sizeMiB: 0,
        pi: params.pi,
        position: 0,
        fsUuid: params.fsUuid,
        exportId: params.exportId,
        now: ports.clock.now(),
      });
    },
    steps: [
      {
        name: 'clone',
        timeoutMs: 30 * 60_000,
        do: ({ params }) => volumes.clone({ golden: params.golden, id: params.disk, fsUuid: params.fsUuid }),
        undo: ({ params }) => volumes.remove({ id: params.disk }),
      },
      {
        name: 'mount',
        timeoutMs: 60_000,
        do: ({ params }) => mount(params),
        undo: ({ params }) => volumes.unmount({ id: params.disk, at: places.root(params.pi) }),
      },
      {
        name: 'identity',
        timeoutMs: 60_000,
        async do({ params }) {
          await mount(params);
          await images.giveIdentity({ mountPoint: places.root(params.pi), piId: params.pi });
        },
      },
      {
        name: 'export',
        timeoutMs: 60_000,
        async do({ params }) {
          await mount(params);
          await setDiskState(db, params.disk, 'ready');
          await exports.converge([params.exportId]);
        },
        async undo({ params }) {
          await setDiskState(db, params.disk, 'removing');
          await exports.converge([params.exportId]);
        },
      },
    ],
    commit: async (trx, { params }) => void (await movePi(trx, params.pi, 'baked')),
    async unwound(trx, { params }) {
      await removeDisk(trx, params.disk);
      await patchPi(trx, params.pi, { bakeform: null });
      await movePi(trx, params.pi, 'undone');
    },
    retried: async (trx, { params }) => void (await movePi(trx, params.pi, 'retry-bake')),
  };
}
