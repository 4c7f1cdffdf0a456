import { z } from 'zod';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { BakeformName, DiskId, Ipv4, PiId } from '../../core/ids.ts';
import { addDisk, listDisksOf, placeDisk, removeDisk, setDiskState } from '../../db/disks.ts';
import { findOperation } from '../../db/journal.ts';
import type { Executor } from '../../db/open.ts';
import { findPiBy, movePi, patchPi, requirePi } from '../../db/pis.ts';
import { tellDisks } from './disk-list.ts';
import { notBaked } from './disks.ts';
import type { OperationKind } from './kind.ts';
import { cloneRoot, type GoldenBytes, mintRoot, NewRoot, type RootWish, settleRoot } from './new-root.ts';
import type { OperationPorts } from './ports.ts';
import { POWER_ON_MS, powerOnStep } from './power-on.ts';
import { forgetDisk } from './trash.ts';

/** Places of the root that is being made, and of the one that was: no client attaches anything there. */
const MAKING_PLACE = -1;
const PARTED_PLACE = -2;

const Address = z.string().transform((text) => text as Ipv4);

const Params = NewRoot.extend({
  pi: z.string().transform((id) => id as PiId),
  /** The root that goes. */
  old: z.object({ disk: z.string().transform((id) => id as DiskId), fsUuid: z.string(), exportId: z.number() }),
  keepPiConfig: z.boolean(),
  /** On when all is done. */
  powerOn: z.boolean(),
  /** How the Pi was, for when it is undone. */
  before: z.object({ isOn: z.boolean(), awaitOff: z.boolean(), address: Address.optional() }),
});
/** A rebake's choice and the ids minted for it, fixed in the transaction that admits it. */
export type RebakeParams = z.output<typeof Params>;

/** What a rebake is asked for. */
export interface RebakeWish extends RootWish {
  readonly pi: PiId;
  readonly bakeform: BakeformName;
  /** How its power is afterwards; absent, as it was before. */
  readonly power?: 'on' | 'off' | undefined;
  /** The files of /piConfig go along; they do unless told otherwise. */
  readonly keepPiConfig?: boolean | undefined;
}

/**
 * Looks the Pi up and mints the ids of its new root. Runs in the admitting transaction.
 * @throws BakeryError `pi-unknown` (not-found), `pi-not-baked` (conflict), `bakeform-unknown`, `root-too-small` (invalid).
 */
export async function planRebake(
  trx: Executor,
  wish: RebakeWish,
  facts: { controls(pi: PiId): boolean; goldenBytes: GoldenBytes },
): Promise<RebakeParams> {
  const pi = await requirePi(trx, wish.pi);
  const old = (await listDisksOf(trx, pi.id)).find(({ role, state }) => role === 'root' && state === 'ready');
  if (pi.state !== 'baked' || !old) throw notBaked(pi.id, pi.state);
  // One that was never switched by Bakery and has an address is in use all the same.
  const isOn = pi.desiredPower === 'on' || (pi.desiredPower === undefined && pi.address !== undefined);
  return {
    pi: pi.id,
    old: { disk: old.id, fsUuid: old.fsUuid, exportId: old.exportId },
    keepPiConfig: wish.keepPiConfig ?? true,
    powerOn: wish.power === undefined ? isOn && facts.controls(pi.id) : wish.power === 'on',
    before: { isOn, awaitOff: pi.awaitOff, ...(pi.address ? { address: pi.address } : {}) },
    ...(await mintRoot(trx, wish, facts.goldenBytes)),
  };
}

/**
 * Gives a baked Pi another root: a clone of a bakeform, as a bake does. Its other disks stay, in their places and exported. Both
 * roots are mounted at one place, so the new one is made ready elsewhere while the Pi runs on; then the Pi is off for as long as
 * it takes to exchange them. Until the last step ends, the old root is whole and an undo brings it back.
 */
export function rebakeKind(ports: OperationPorts): OperationKind<RebakeParams> {
  const { db, volumes, images, exports, power, places, log } = ports;
  const at = ({ pi }: RebakeParams) => places.root(pi);
  /** Where the new root is made ready. Never exported: an export of a root is at its Pi's place. */
  const aside = ({ disk }: RebakeParams) => places.disk(disk);
  const mountOld = (params: RebakeParams) =>
    volumes.mount({ id: params.old.disk, fsUuid: params.old.fsUuid, at: at(params) });
  const mountNew = (params: RebakeParams, place: string) =>
    volumes.mount({ id: params.disk, fsUuid: params.fsUuid, at: place });
  const bothExports = ({ exportId, old }: RebakeParams) => [exportId, old.exportId];

  /** The address is given back unless another Pi has got it since. */
  async function restoreFlags({ pi, before }: RebakeParams): Promise<void> {
    const address = (await requirePi(db, pi)).address ?? before.address;
    const owner = address && (await findPiBy(db, 'address', address));
    const isFree = address !== undefined && (!owner || owner.id === pi);
    await patchPi(db, pi, { awaitOff: before.awaitOff, ...(isFree ? { address } : {}) });
  }

  return {
    kind: 'rebake',
    version: 1,
    afterCrash: 'resume',
    parse: (params) => Params.parse(params),
    claims: (params, operation) => [
      { resource: `pi:${params.pi}`, purpose: 'rebake' },
      { resource: `disk:${params.disk}`, purpose: 'make its new root' },
      { resource: `disk:${params.old.disk}`, purpose: 'replace it' },
      { resource: `bakeform:${params.bakeform}/reader:${operation}`, purpose: 'clone' },
    ],
    async admit(trx, params) {
      await movePi(trx, params.pi, 'rebake');
      await addDisk(trx, {
        id: params.disk,
        role: 'root',
        state: 'making',
        sizeMiB: 0,
        pi: params.pi,
        position: MAKING_PLACE,
        fsUuid: params.fsUuid,
        exportId: params.exportId,
        now: ports.clock.now(),
      });
    },
    steps: [
      {
        name: 'prepare',
        timeoutMs: 30 * 60_000,
        async do({ params }) {
          await cloneRoot(ports, params);
          await mountNew(params, aside(params));
          await settleRoot(ports, params, { mountPoint: aside(params), pi: params.pi });
        },
        async undo({ params }) {
          await volumes.unmountFrom({ id: params.disk, places: [aside(params)] });
          await volumes.remove({ id: params.disk });
        },
      },
      {
        name: 'power-off',
        // Its undoing switches the Pi on.
        timeoutMs: POWER_ON_MS,
        async do({ params, signal }) {
          const outcome = await power.off(params.pi, signal);
          await patchPi(db, params.pi, { awaitOff: outcome === 'unconfirmed', address: null });
          return outcome;
        },
        async undo({ operation, params, signal }) {
          await restoreFlags(params);
          const why = (await findOperation(db, operation))?.error?.code;
          if (!params.before.isOn || !power.controls(params.pi) || why === cancelledByUnbake().code) return;
          // A switch that fails is a fault of the Pi, whose root is back all the same.
          await power.on(params.pi, signal).catch((error) => {
            log.warn({ pi: params.pi, error: describeError(error) }, 'a Pi could not be switched on again');
          });
        },
      },
      {
        name: 'withdraw',
        timeoutMs: 5 * 60_000,
        async do({ params }) {
          await setDiskState(db, params.old.disk, 'removing');
          await exports.converge(bothExports(params));
          await mountNew(params, aside(params));
          if (!params.keepPiConfig) {
            await tellDisks(ports, { pi: params.pi, mountPoint: aside(params) });
            return { files: 0, skipped: 0 };
          }
          await mountOld(params);
          const carried = await images.carryPiConfig({ from: at(params), to: aside(params) });
          await tellDisks(ports, { pi: params.pi, mountPoint: aside(params) });
          if (carried.skipped > 0) log.warn({ pi: params.pi, ...carried }, 'not all of a piConfig can be carried over');
          return carried;
        },
        async undo({ params }) {
          await mountOld(params);
          await setDiskState(db, params.old.disk, 'ready');
          await exports.converge(bothExports(params));
        },
      },
      {
        name: 'exchange',
        timeoutMs: 2 * 60_000,
        async do({ params }) {
          await volumes.unmountFrom({ id: params.disk, places: [aside(params), at(params)] });
          await volumes.unmount({ id: params.old.disk, at: at(params) });
          await mountNew(params, at(params));
        },
        undo: ({ params }) => volumes.unmountFrom({ id: params.disk, places: [aside(params), at(params)] }),
      },
      {
        name: 'export',
        timeoutMs: 2 * 60_000,
        async do({ params }) {
          await mountNew(params, at(params));
          await db.transaction().execute(async (trx) => {
            await placeDisk(trx, params.old.disk, { pi: params.pi, position: PARTED_PLACE });
            await placeDisk(trx, params.disk, { pi: params.pi, position: 0 });
            await setDiskState(trx, params.disk, 'ready');
          });
          await exports.converge(bothExports(params));
          // A rename, which `undo` turns back. With a trash that keeps nothing it is emptied right after.
          await volumes.discard({ id: params.old.disk });
        },
        async undo({ params }) {
          await volumes.recover({ id: params.old.disk });
          await db.transaction().execute(async (trx) => {
            await setDiskState(trx, params.disk, 'making');
            await placeDisk(trx, params.disk, { pi: params.pi, position: MAKING_PLACE });
            await placeDisk(trx, params.old.disk, { pi: params.pi, position: 0 });
          });
          await exports.converge(bothExports(params));
        },
      },
      powerOnStep<RebakeParams>(ports),
    ],
    async commit(trx, { params }) {
      await forgetDisk(trx, params.old.disk, { trashed: true, now: ports.clock.now() });
      await patchPi(trx, params.pi, { bakeform: { name: params.bakeform, volume: params.golden } });
      await movePi(trx, params.pi, 'baked');
    },
    async unwound(trx, { params }) {
      await removeDisk(trx, params.disk);
      await movePi(trx, params.pi, 'kept');
    },
    retried: async (trx, { params }) => void (await movePi(trx, params.pi, 'retry-bake')),
  };
}

/** Why an unbake cancels a rebake; it leaves the Pi off. */
export function cancelledByUnbake(): BakeryError {
  return new BakeryError('conflict', 'cancelled-by-unbake', 'an unbake of its Pi cancelled it');
}
