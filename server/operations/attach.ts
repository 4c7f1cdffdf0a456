import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import type { DiskId, PiId } from '../../core/ids.ts';
import { findDisk, nextPosition, placeDisk, requireReadyDisk, unplaceDisk } from '../../db/disks.ts';
import type { Executor } from '../../db/open.ts';
import { requirePi } from '../../db/pis.ts';
import { tellDisks, tellGone, untilLetGo } from './disk-list.ts';
import { attachedTo, notBaked } from './disks.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';

const PlaceParams = z.object({
  disk: z.string().transform((id) => id as DiskId),
  pi: z.string().transform((id) => id as PiId),
});

async function exportIdOf(ex: Executor, id: DiskId): Promise<number[]> {
  const disk = await findDisk(ex, id);
  return disk ? [disk.exportId] : [];
}

/** Gives a disk to a Pi: it is exported to that Pi from then on. */
export function attachKind(ports: OperationPorts): OperationKind<z.output<typeof PlaceParams>> {
  const { db, exports } = ports;
  return {
    kind: 'attach',
    version: 1,
    afterCrash: 'rollback',
    parse: (params) => PlaceParams.parse(params),
    claims: ({ disk, pi }) => [
      { resource: `disk:${disk}`, purpose: 'attach' },
      { resource: `pi:${pi}`, purpose: 'attach a disk' },
    ],
    async admit(trx, params) {
      const disk = await requireReadyDisk(trx, params.disk);
      if (disk.pi) throw attachedTo(disk.id, disk.pi);
      const pi = await requirePi(trx, params.pi);
      if (pi.state !== 'baked') throw notBaked(pi.id, pi.state);
    },
    steps: [
      {
        name: 'export',
        timeoutMs: 60_000,
        // It gets its place here, not at admission: what has a place is exported by any convergence, and only a step is undone.
        async do({ params: { disk, pi } }) {
          await db.transaction().execute(async (trx) => {
            const isPlaced = (await findDisk(trx, disk))?.pi === pi;
            if (!isPlaced) await placeDisk(trx, disk, { pi, position: await nextPosition(trx, pi) });
          });
          await exports.converge(await exportIdOf(db, disk), 'only');
        },
        async undo({ params }) {
          await unplaceDisk(db, params.disk);
          await exports.converge(await exportIdOf(db, params.disk), 'only');
        },
      },
      {
        name: 'tell',
        timeoutMs: 60_000,
        // What it tells can be mounted by then.
        do: ({ params }) => tellDisks(ports, { pi: params.pi }),
        undo: ({ params }) => tellGone(ports, { pi: params.pi, except: params.disk }),
      },
    ],
    commit: async () => undefined,
  };
}

/**
 * Takes a disk from its Pi: its export is withdrawn, the disk stays. A Pi whose disks Bakery manages is told first, and has time to let
 * go; until then the disk has its place, for what has none is exported by no convergence.
 */
export function detachKind(ports: OperationPorts): OperationKind<z.output<typeof PlaceParams>> {
  const { db, exports } = ports;
  return {
    kind: 'detach',
    version: 1,
    afterCrash: 'forward',
    parse: (params) => PlaceParams.parse(params),
    claims: ({ disk, pi }) => [
      { resource: `disk:${disk}`, purpose: 'detach' },
      { resource: `pi:${pi}`, purpose: 'detach a disk' },
    ],
    async admit(trx, params) {
      const disk = await requireReadyDisk(trx, params.disk);
      if (disk.role === 'root') {
        throw new BakeryError('forbidden', 'disk-is-root', 'the root disk of a Pi cannot be detached');
      }
      if (disk.pi !== params.pi) {
        throw new BakeryError('conflict', 'disk-not-attached', `disk ${disk.id} is not attached to Pi ${params.pi}`);
      }
    },
    steps: [
      {
        name: 'tell',
        timeoutMs: 60_000,
        do: ({ params }) => tellGone(ports, { pi: params.pi, except: params.disk }),
      },
      {
        name: 'wait',
        timeoutMs: 60_000,
        do: ({ params, signal }) => untilLetGo(ports, { ...params, signal }),
      },
      {
        name: 'withdraw',
        timeoutMs: 60_000,
        async do({ params }) {
          await unplaceDisk(db, params.disk);
          await exports.converge(await exportIdOf(db, params.disk), 'only');
        },
      },
    ],
    commit: async () => undefined,
  };
}
