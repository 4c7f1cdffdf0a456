import assert from 'node:assert/strict';
import { BakeryError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import type { BakeformName, Ipv4, PiId } from '../../core/ids.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { addPi, patchPi } from '../../db/pis.ts';
import { createEngine, type Engine, type Started } from '../../server/operations/engine.ts';
import type { OperationKind } from '../../server/operations/kind.ts';
import type { OperationPorts } from '../../server/operations/ports.ts';
import { operationKinds } from '../../server/operations/registry.ts';

/**
 * When a call of a port goes wrong: before it has acted, or after. `hang` never returns, as when the process is killed. With `until` it
 * is slow, and heeds no signal.
 */
export type Mishap =
  | { readonly call: number; readonly how: 'before' | 'after' | 'hang-before' | 'hang-after' }
  | { readonly call: number; readonly until: Promise<void> };

/** A pool, an NFS server and a switch in memory, under the real operations, engine and inventory. */
export interface World {
  readonly db: Db;
  /** What exists now, one line a thing. */
  readonly things: Set<string>;
  /** Calls of ports that act, in order. */
  readonly calls: string[];
  mishap: Mishap | undefined;
  /** Calls that are made while there is one act when it resolves. */
  wait: Promise<void> | undefined;
  /** The kernel does not grow what is mounted. */
  refusesGrowth: boolean;
  /** A new process on the same database and the same things; `twice` does and undoes each step two times. */
  restart(how?: 'once' | 'twice'): Engine;
}

/** Cancels an operation in the middle of a call that goes on all the same: nothing is undone before the call has ended. */
export async function cancelDuring(
  call: number,
  { world, engine, start, why }: { world: World; engine: Engine; start: () => Promise<Started>; why?: BakeryError },
): Promise<Started> {
  const slow = Promise.withResolvers<void>();
  world.mishap = { call, until: slow.promise };
  const started = await start();
  while (world.calls.length <= call) await new Promise((resolve) => setTimeout(resolve, 2));
  assert.equal(await engine.cancel(started.id, why), true);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(world.calls.length, call + 1, 'an undo works against the call');
  slow.resolve();
  return started;
}

export const PI = '5564247d' as PiId;
export const FORM = 'debian' as BakeformName;
/** What a bake is planned by: any power works, and a golden volume has 8 GiB. */
export const FACTS = { controls: () => true, goldenBytes: async () => 8 * 1024 ** 3 };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** The kind with each of its steps done two times, and undone two times, as when a server dies between act and journal. */
function twice(kind: OperationKind<never>): OperationKind<never> {
  const steps = kind.steps.map(({ undo, ...step }) => ({
    ...step,
    async do(context: never) {
      await step.do(context);
      return step.do(context);
    },
    ...(undo
      ? {
          async undo(context: never) {
            await undo(context);
            await undo(context);
          },
        }
      : {}),
  }));
  return { ...kind, steps };
}

/** A world with one Pi in the fridge. */
export async function makeWorld(): Promise<World> {
  const db = await openDatabase(':memory:');
  await addPi(db, { id: PI, quarantine: false, confirmed: true, now: 1 });
  const things = new Set<string>();
  const calls: string[] = [];

  async function act<T>(name: string, effect: () => T): Promise<T> {
    const number = calls.push(name) - 1;
    const mishap = world.mishap?.call === number ? world.mishap : undefined;
    const how = mishap && 'how' in mishap ? mishap.how : undefined;
    await world.wait;
    if (mishap && 'until' in mishap) await mishap.until;
    if (how === 'before') throw new Error(`${name} failed`);
    if (how === 'hang-before') return new Promise<T>(() => undefined);
    const result = effect();
    if (how === 'after') throw new Error(`${name} failed after all`);
    if (how === 'hang-after') return new Promise<T>(() => undefined);
    return result;
  }
  const add = (thing: string) => () => void things.add(thing);
  const drop =
    (...gone: string[]) =>
    () =>
      gone.forEach((thing) => void things.delete(thing));

  const dropLists = (at: string) => {
    for (const thing of [...things]) if (thing.startsWith(`list at ${at}:`)) things.delete(thing);
  };
  const wished = (pi: PiId, desiredPower: 'on' | 'off') => patchPi(db, pi, { desiredPower });
  const rename = (from: string, to: string) => () => {
    if (things.delete(from)) things.add(to);
  };

  const ports: OperationPorts = {
    db,
    keepsTrash: true,
    nfsAddress: '10.99.0.1' as Ipv4,
    clock: { ...systemClock, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    log: quiet,
    places: { root: (pi) => `/nfs/${pi}`, disk: (id) => `/nfs/${id}`, bakeform: (id) => `/golden/${id}` },
    volumes: {
      createDisk: ({ id }) => act('createDisk', add(`volume ${id}`)),
      copyDisk: ({ id }) => act('copyDisk', add(`volume ${id}`)),
      snapshot: ({ id }) => act('snapshot', add(`snapshot ${id}`)),
      removeSnapshot: ({ id }) => act('removeSnapshot', drop(`snapshot ${id}`)),
      stage: ({ id }) => act('stage', add(`next ${id}`)),
      unstage: ({ id }) => act('unstage', drop(`next ${id}`)),
      replace: ({ id }) => act('replace', rename(`next ${id}`, `replaced ${id}`)),
      async extend() {
        await act('extend', () => undefined);
        const message = 'the kernel refuses';
        if (world.refusesGrowth) throw new BakeryError('conflict', 'growth-needs-interruption', message);
      },
      lengthen: ({ id }) => act('lengthen', add(`longer ${id}`)),
      goldenBytes: FACTS.goldenBytes,
      clone: ({ id }) => act('clone', add(`volume ${id}`)),
      mount: ({ id, at }) => act('mount', add(`mount ${id} at ${at}`)),
      unmount: ({ id, at }) => act('unmount', drop(`mount ${id} at ${at}`)),
      unmountFrom: ({ id, places }) =>
        act('unmountFrom', () => {
          for (const at of places) things.delete(`mount ${id} at ${at}`);
        }),
      check: () => act('check', () => undefined),
      discard: ({ id }) => act('discard', rename(`volume ${id}`, `trash ${id}`)),
      recover: ({ id }) => act('recover', rename(`trash ${id}`, `volume ${id}`)),
      purge: ({ id }) => act('purge', drop(`trash ${id}`)),
      remove: ({ id }) =>
        act('remove', () => {
          dropLists(`/nfs/${id}`);
          drop(`volume ${id}`, `content of ${id}`)();
        }),
      removeGolden: (id) => act('removeGolden', drop(`golden ${id}`)),
    },
    images: {
      async receive(body, { id }) {
        let bytes = 0;
        for await (const chunk of body) bytes += chunk.length;
        await act('receive', add(`upload ${id}`));
        return { bytes, sha256: 'cafe' };
      },
      async adopt({ id }) {
        await act('adopt', add(`upload ${id}`));
        return { bytes: 1, sha256: 'cafe' };
      },
      makeGolden: ({ id }) => act('makeGolden', add(`golden ${id}`)),
      unpack: () => act('unpack', () => ({ content: 'image' as const, layers: [] })),
      prepare: () =>
        act('prepare', () => ({ bootFolder: 'boot', notes: [], lint: [], root: { usedBytes: 1, sizeBytes: 2 } })),
      tidy: ({ id }) => act('tidy', drop(`upload ${id}`)),
      giveIdentity: () => act('giveIdentity', () => undefined),
      furnish: () => act('furnish', () => undefined),
      writeDiskList: ({ mountPoint, text }) =>
        act('writeDiskList', () => {
          dropLists(mountPoint);
          if (text !== '[]\n') things.add(`list at ${mountPoint}: ${text}`);
        }),
      readDiskState: () => act('readDiskState', () => []),
      carryPiConfig: () => act('carryPiConfig', () => ({ files: 1, skipped: 0 })),
    },
    takeover: {
      createRoot: ({ id }) => act('createRoot', add(`volume ${id}`)),
      async fill({ id }) {
        await act('fill', () => {
          things.add(`work mount of ${id}`);
          things.add(`content of ${id}`);
        });
        things.delete(`work mount of ${id}`);
      },
      unfill: ({ id }) => act('unfill', drop(`work mount of ${id}`)),
      placeBoot: () => act('placeBoot', () => undefined),
    },
    exports: {
      // What is served follows the inventory, as the real keeper's does.
      async converge() {
        const rows = await db
          .selectFrom('disks')
          .select('id')
          .where('pi', 'is not', null)
          .where('state', '=', 'ready')
          .where('withheld', '=', 0)
          .execute();
        await act('converge', () => {
          for (const thing of [...things]) if (thing.startsWith('export ')) things.delete(thing);
          for (const row of rows) things.add(`export ${row.id}`);
        });
      },
    },
    power: {
      controls: () => true,
      reach: () => 'port',
      whyNone: () => undefined,
      cycleWaitMs: () => 0,
      isSwitching: () => false,
      observe: async () => undefined,
      on: (pi) => wished(pi, 'on').then(() => act('on', add('power'))),
      cycle: (pi) => wished(pi, 'on').then(() => act('cycle', add('power'))),
      off: async (pi) => {
        await wished(pi, 'off');
        return act('off', () => {
          things.delete('power');
          return 'off' as const;
        });
      },
    },
  };
  const world: World = {
    db,
    things,
    calls,
    mishap: undefined,
    wait: undefined,
    refusesGrowth: false,
    restart(how = 'once') {
      const kinds = operationKinds(ports);
      return createEngine({ db, kinds: how === 'twice' ? kinds.map(twice) : kinds, clock: ports.clock, log: quiet });
    },
  };
  return world;
}

/** Everything there is: things, and rows of the inventory without what only tells of the past. */
export async function snapshot(world: World): Promise<string[]> {
  const { db } = world;
  const pis = await db.selectFrom('pis').select(['id', 'state', 'bakeform']).execute();
  const disks = await db
    .selectFrom('disks')
    .select(['id', 'role', 'state', 'pi', 'position', 'size_mib', 'withheld', 'name', 'source'])
    .execute();
  const snapshots = await db.selectFrom('snapshots').select(['id', 'disk', 'name', 'state', 'size_mib']).execute();
  const bakeforms = await db.selectFrom('bakeforms').select(['name', 'state', 'volume_id']).execute();
  const trash = await db.selectFrom('trash').select(['disk', 'role', 'pi', 'bakeform']).execute();
  const claims = await db.selectFrom('claims').select(['resource']).execute();
  const rows = Object.entries({ pis, disks, snapshots, bakeforms, trash, claims }).flatMap(([table, list]) =>
    list.map((row) => `${table} ${JSON.stringify(row)}`),
  );
  return [...world.things, ...rows].toSorted();
}
