import { z } from 'zod';
import type { BakeformName, PiId } from '../../core/ids.ts';
import { listClaimed } from '../../db/claims.ts';
import { addDisk, removeDisk, setDiskState } from '../../db/disks.ts';
import type { Executor } from '../../db/open.ts';
import { listPis, movePi, patchPi } from '../../db/pis.ts';
import { tellDisks } from './disk-list.ts';
import type { OperationKind } from './kind.ts';
import { cloneRoot, type GoldenBytes, mintRoot, NewRoot, type RootWish, settleRoot } from './new-root.ts';
import { type PiChoice, pickPi } from './pick.ts';
import type { OperationPorts } from './ports.ts';
import { powerOnStep } from './power-on.ts';

const Params = NewRoot.extend({
  pi: z.string().transform((id) => id as PiId),
  powerOn: z.boolean().optional(),
  manageDisks: z.boolean().optional(),
});
/** A bake's choice and the ids minted for it, fixed in the transaction that admits it. */
export type BakeParams = z.output<typeof Params>;

/** What a bake is asked for. */
export interface BakeWish extends RootWish, PiChoice {
  readonly bakeform: BakeformName;
  /** Switched on when all is in place; else its power is left as it is. */
  readonly powerOn?: boolean | undefined;
  /** Bakery writes the list of its disks; else it is left to the client, as the BOSH CPI has it. */
  readonly manageDisks?: boolean | undefined;
}

/**
 * Picks a free Pi and mints the ids of its root. Runs in the admitting transaction, so no two bakes get the same Pi.
 * @throws BakeryError `bakeform-unknown`, `root-too-small` (invalid), and what `pickPi` throws.
 */
export async function planBake(
  trx: Executor,
  wish: BakeWish,
  facts: { controls(pi: PiId): boolean; goldenBytes: GoldenBytes },
): Promise<BakeParams> {
  const root = await mintRoot(trx, wish, facts.goldenBytes);
  const claimed = await listClaimed(trx);
  const isClaimed = (pi: PiId) => claimed.has(`pi:${pi}`);
  const pi = pickPi(await listPis(trx), wish, { controls: facts.controls, isClaimed });
  const { powerOn, manageDisks } = wish;
  return { pi: pi.id, ...root, ...(powerOn ? { powerOn } : {}), ...(manageDisks ? { manageDisks } : {}) };
}

/** Takes a Pi from the fridge with a clone of a bakeform. Powers it on only when told to: else the client does that. */
export function bakeKind(ports: OperationPorts): OperationKind<BakeParams> {
  const { db, volumes, exports, places } = ports;
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
      await patchPi(trx, params.pi, {
        bakeform: { name: params.bakeform, volume: params.golden },
        // Whatever it was in a life before.
        manageDisks: params.manageDisks ?? false,
      });
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
        do: ({ params }) => cloneRoot(ports, params),
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
          await settleRoot(ports, params, { mountPoint: places.root(params.pi), pi: params.pi });
          await tellDisks(ports, { pi: params.pi });
        },
      },
      {
        name: 'export',
        timeoutMs: 60_000,
        async do({ params }) {
          await mount(params);
          await setDiskState(db, params.disk, 'ready');
          await exports.converge([params.exportId], 'only');
        },
        async undo({ params }) {
          await setDiskState(db, params.disk, 'making');
          await exports.converge([params.exportId], 'only');
        },
      },
      powerOnStep<BakeParams>(ports),
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
