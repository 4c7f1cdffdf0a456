import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskId, UploadId } from '../../core/ids.ts';
import { listDisksOf } from '../../db/disks.ts';
import { listOpenOperations } from '../../db/journal.ts';
import { movePi, patchPi } from '../../db/pis.ts';
import { addUpload } from '../../db/uploads.ts';
import { planBake } from '../../server/operations/bake.ts';
import { planDelete, planUpload } from '../../server/operations/bakeforms.ts';
import { planBulk } from '../../server/operations/bulk.ts';
import { planCreateDisk } from '../../server/operations/disks.ts';
import type { Engine, Started } from '../../server/operations/engine.ts';
import { planHeal } from '../../server/operations/heal.ts';
import { planImportDisks } from '../../server/operations/import-disks.ts';
import type { OperationKind } from '../../server/operations/kind.ts';
import { planPower } from '../../server/operations/power.ts';
import { planRebake } from '../../server/operations/rebake.ts';
import { operationKinds } from '../../server/operations/registry.ts';
import { planRelease } from '../../server/operations/release.ts';
import { planGrow, planRevert } from '../../server/operations/replace-disk.ts';
import { planDeleteSnapshot, planSnapshot } from '../../server/operations/snapshots.ts';
import { planRestore } from '../../server/operations/trash.ts';
import { planUnbake } from '../../server/operations/unbake.ts';
import { cancelDuring, FACTS, FORM, makeWorld, PI, snapshot, type World } from './world.ts';

/** A port that was not switched yet. */
const PORT = { reach: () => 'port' as const, whyNone: () => undefined, cycleWaitMs: () => 0 };

/** How to bring a world to where an operation can begin, and how it is begun. */
interface Scenario {
  readonly before: (world: World, engine: Engine) => Promise<void>;
  readonly start: (world: World, engine: Engine) => Promise<Started>;
  /** What of it is not taken back: a switch cannot be unswitched. */
  readonly stays?: readonly string[];
  /** Calls that may fail: the operation ends well all the same. */
  readonly forgives?: readonly string[];
  /** The first call of the step with no way back, where it has another name. */
  readonly noWayBack?: string;
}

async function* body() {
  yield Buffer.from('image');
}
const upload = (_world: World, engine: Engine) =>
  engine.start('upload-bakeform', (trx) => planUpload(trx, FORM), { attachment: { body: body() } });
const PIECES = 'd3b07384-d9a0-4c7a-9f5e-1c2b3a4d5e6f' as UploadId;
const uploadOfPieces = (_world: World, engine: Engine) =>
  engine.start('upload-bakeform', (trx) => planUpload(trx, FORM, { upload: PIECES }));
const bake = (_world: World, engine: Engine) => engine.start('bake', (trx) => planBake(trx, { bakeform: FORM }, FACTS));
const WISHES = {
  user: { name: 'ada', passwordHash: '$6$salt$hash' },
  authorizedKeys: ['ssh-ed25519 AAAA ada'],
  userData: '#cloud-config\n',
  rootBytes: 16 * 1024 ** 3,
};
const bakeByChoice = (_world: World, engine: Engine) =>
  engine.start('bake', (trx) =>
    planBake(trx, { bakeform: FORM, piId: PI, powerOn: true, manageDisks: true, ...WISHES }, FACTS),
  );
const bakeManaged = (_world: World, engine: Engine) =>
  engine.start('bake', (trx) => planBake(trx, { bakeform: FORM, manageDisks: true }, FACTS));
const rebake = (_world: World, engine: Engine) =>
  engine.start('rebake', (trx) => planRebake(trx, { pi: PI, bakeform: FORM, ...WISHES }, FACTS));
const createDisk = (_world: World, engine: Engine) =>
  engine.start('create-disk', (trx) => planCreateDisk(trx, { sizeMiB: 64 }));
async function dataDisk(world: World): Promise<DiskId> {
  const row = await world.db.selectFrom('disks').select('id').where('role', '=', 'data').executeTakeFirstOrThrow();
  return row.id as DiskId;
}
const deleteDisk = async (world: World, engine: Engine) => engine.start('delete-disk', { disk: await dataDisk(world) });
const unbake = (_world: World, engine: Engine) => engine.start('unbake', (trx) => planUnbake(trx, PI));
async function trashedDisk(world: World): Promise<DiskId> {
  const row = await world.db.selectFrom('trash').select('disk').executeTakeFirstOrThrow();
  return row.disk as DiskId;
}
const restored = (_world: World, engine: Engine) =>
  engine.start('restore', async (trx) => {
    const row = await trx.selectFrom('trash').select('disk').executeTakeFirstOrThrow();
    return planRestore(trx, row.disk as DiskId);
  });
async function snapshotId(world: World): Promise<string> {
  return (await world.db.selectFrom('snapshots').select('id').executeTakeFirstOrThrow()).id;
}
const takeSnapshot = async (world: World, engine: Engine) => {
  const disk = await dataDisk(world);
  return engine.start('snapshot', (trx) => planSnapshot(trx, { disk }));
};
/** What a stuck unbake leaves: nobody's any more, and not free. */
async function holdPi(world: World): Promise<void> {
  await movePi(world.db, PI, 'unbake');
  await movePi(world.db, PI, 'stuck');
}
const OLD_ROOT = '6f1a3c52-8a0f-4a53-9d3e-0d6a4e1c7b11' as DiskId;
const OLD_DATA = '0b2d9f60-41f7-4c0e-8f55-6a1a5a9de2aa' as DiskId;
const takeOver: Scenario['start'] = (_world, engine) =>
  engine.start('import-disks', (trx) =>
    planImportDisks(trx, {
      pi: PI,
      bakeform: FORM,
      boot: '/old/boot/debian',
      disks: [
        { id: OLD_ROOT, role: 'root', position: 0, sizeMiB: 0, from: `/nfs/${OLD_ROOT}`, source: `nfs/${OLD_ROOT}` },
        { id: OLD_DATA, role: 'data', position: 1, sizeMiB: 64, from: `/nfs/${OLD_DATA}`, source: `nfs/${OLD_DATA}` },
      ],
      notes: [],
    }),
  );
const placed = (kind: string) => async (world: World, engine: Engine) =>
  engine.start(kind, { disk: await dataDisk(world), pi: PI });
const then =
  (...steps: Scenario['start'][]): Scenario['before'] =>
  async (world, engine) => {
    for (const step of steps) await (await step(world, engine)).done;
  };

const attached = then(upload, bake, createDisk, placed('attach'));
const grow =
  (may: { mayInterrupt: boolean; growsMounted: boolean }): Scenario['start'] =>
  async (world, engine) => {
    const disk = await dataDisk(world);
    return engine.start('grow-disk', (trx) => planGrow(trx, { disk, sizeMiB: 128, ...may }));
  };

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'upload-bakeform': { before: then(), start: upload },
  'upload-bakeform of an upload in pieces': {
    before: (world) => addUpload(world.db, { id: PIECES, bytes: 1, createdAt: 0 }, 1),
    start: uploadOfPieces,
  },
  'delete-bakeform': {
    before: then(upload),
    start: (_world, engine) => engine.start('delete-bakeform', (trx) => planDelete(trx, FORM)),
  },
  bake: { before: then(upload), start: bakeByChoice, forgives: ['on'] },
  rebake: { before: then(upload, bakeByChoice, createDisk, placed('attach')), start: rebake, forgives: ['on'] },
  'create-disk': { before: then(), start: createDisk },
  'delete-disk': {
    before: then(createDisk),
    start: deleteDisk,
  },
  attach: { before: then(upload, bake, createDisk), start: placed('attach') },
  detach: { before: attached, start: placed('detach') },
  'attach to a Pi that is told': { before: then(upload, bakeManaged, createDisk), start: placed('attach') },
  'detach from a Pi that is told': {
    before: then(upload, bakeManaged, createDisk, placed('attach')),
    start: placed('detach'),
    forgives: ['writeDiskList', 'readDiskState'],
  },
  restore: { before: then(createDisk, deleteDisk), start: restored },
  'restore a root': { before: then(upload, bake, unbake), start: restored },
  snapshot: { before: attached, start: takeSnapshot },
  'delete-snapshot': {
    before: then(createDisk, takeSnapshot),
    start: async (world, engine) =>
      engine.start('delete-snapshot', await planDeleteSnapshot(world.db, await snapshotId(world))),
  },
  'create-disk from a snapshot': {
    before: then(createDisk, takeSnapshot),
    start: async (world, engine) => {
      const from = await snapshotId(world);
      return engine.start('create-disk', (trx) => planCreateDisk(trx, { sizeMiB: 128, name: 'copy', from }));
    },
  },
  'grow-disk': { before: attached, start: grow({ mayInterrupt: true, growsMounted: false }) },
  'grow-disk in use': {
    before: attached,
    start: grow({ mayInterrupt: false, growsMounted: true }),
    noWayBack: 'mount',
  },
  'grow-disk in use, which the kernel refuses': {
    async before(world, engine) {
      await attached(world, engine);
      world.refusesGrowth = true;
    },
    start: grow({ mayInterrupt: true, growsMounted: true }),
  },
  'revert-disk': {
    before: then(createDisk, takeSnapshot),
    start: async (world, engine) => {
      const [disk, snapshot] = [await dataDisk(world), await snapshotId(world)];
      return engine.start('revert-disk', (trx) => planRevert(trx, { disk, snapshot }));
    },
  },
  purge: {
    before: then(createDisk, takeSnapshot, deleteDisk),
    start: async (world, engine) => engine.start('purge', { disk: await trashedDisk(world) }),
  },
  heal: {
    before: attached,
    start: async (world, engine) => engine.start('heal', await planHeal(world.db, await dataDisk(world))),
  },
  release: {
    before: async (world, engine) => {
      await attached(world, engine);
      await holdPi(world);
    },
    start: (_world, engine) => engine.start('release', (trx) => planRelease(trx, { pi: PI, isOff: true, now: 2 })),
  },
  'import-disks': { before: then(upload), start: takeOver },
  bulk: {
    before: (world) => patchPi(world.db, PI, { maintenance: true }),
    start: (_world, engine) =>
      engine.start('bulk', (trx) =>
        planBulk(trx, {
          wish: { action: 'power', power: 'on' },
          targets: { pis: [PI] },
          atATime: 1,
          stopAtFirstFailure: false,
        }),
      ),
    stays: ['power'],
  },
  power: {
    before: (world) => patchPi(world.db, PI, { maintenance: true }),
    start: (_world, engine) => engine.start('power', (trx) => planPower(trx, { pi: PI, action: 'on', power: PORT })),
    stays: ['power'],
  },
  unbake: {
    before: attached,
    start: unbake,
  },
};

async function begin(kind: string) {
  const scenario = SCENARIOS[kind];
  assert.ok(scenario, `no scenario for ${kind}`);
  const world = await makeWorld();
  const engine = world.restart();
  await scenario.before(world, engine);
  const { stays = [] } = scenario;
  const takenBack = async () => (await snapshot(world)).filter((line) => !stays.includes(line));
  const clean = await takenBack();
  world.calls.length = 0;
  return { scenario, world, engine, clean, takenBack };
}

const kinds = operationKinds({} as never) as unknown as readonly OperationKind<never>[];
/** Kinds that work differently on different things have a scenario for each. */
const VARIANTS = [
  'restore a root',
  'create-disk from a snapshot',
  'upload-bakeform of an upload in pieces',
  'attach to a Pi that is told',
  'detach from a Pi that is told',
  'grow-disk in use',
  'grow-disk in use, which the kernel refuses',
].map((variant) => {
  const kind = kinds.find((one) => variant.startsWith(`${one.kind} `));
  assert.ok(kind);
  return { ...kind, kind: variant };
});

test('every kind of operation has a scenario here', () => {
  const expected = [...kinds, ...VARIANTS].map(({ kind }) => kind);
  assert.deepEqual(expected.toSorted(), Object.keys(SCENARIOS).toSorted());
});

for (const { kind, afterCrash, steps } of [...kinds, ...VARIANTS]) {
  const rehearsal = await begin(kind);
  await (await rehearsal.scenario.start(rehearsal.world, rehearsal.engine)).done;
  const done = (await snapshot(rehearsal.world)).length;
  const calls = [...rehearsal.world.calls];
  /** The first call that has no way back: of a step of that name, in a kind that has one, unless the scenario has a call of another. */
  const lastWayBack = rehearsal.scenario.noWayBack ?? steps.find((step) => step.noWayBack)?.name;
  const noWayBack = afterCrash === 'forward' ? 0 : lastWayBack ? calls.indexOf(lastWayBack) : calls.length;
  assert.notEqual(noWayBack, -1);
  const isForgiven = (name: string) => rehearsal.scenario.forgives?.includes(name) === true;

  test(`${kind}: does its work and leaves no claim`, () => {
    assert.ok(calls.length > 0);
    assert.ok([...rehearsal.world.things].every((thing) => !thing.startsWith('upload ')));
  });

  test(`${kind}: each of its steps done twice is done once`, async () => {
    const { scenario, world } = await begin(kind);
    await (await scenario.start(world, world.restart('twice'))).done;
    assert.equal((await snapshot(world)).length, done);
  });

  if (noWayBack > 0) {
    test(`${kind}: each of its steps undone twice is undone once`, async () => {
      const { scenario, world, clean, takenBack } = await begin(kind);
      // The second time of the last call that can be undone.
      const last = calls.findLastIndex((name, call) => call < noWayBack && !isForgiven(name));
      world.mishap = { call: last * 2 + 1, how: 'after' };
      await assert.rejects((await scenario.start(world, world.restart('twice'))).done);
      assert.deepEqual(await takenBack(), clean);
    });
  }

  for (const [call, name] of calls.entries()) {
    const forward = call >= noWayBack;
    for (const how of ['before', 'after'] as const) {
      const promise = forward || isForgiven(name) ? 'ends all the same' : 'leaves the world as it was';
      test(`${kind}: ${promise} when ${name} (call ${call + 1}) fails ${how} it acts`, async () => {
        const { scenario, world, engine, clean, takenBack } = await begin(kind);
        world.mishap = { call, how };
        const started = await scenario.start(world, engine);
        if (isForgiven(name)) await started.done;
        else if (forward) {
          await started.done;
          assert.equal((await snapshot(world)).length, done);
        } else {
          await assert.rejects(started.done);
          assert.deepEqual(await takenBack(), clean);
        }
        assert.deepEqual(await listOpenOperations(world.db), []);
      });
    }

    for (const how of ['hang-before', 'hang-after'] as const) {
      const undone = afterCrash === 'rollback' && !forward;
      const promise = undone ? 'is undone' : 'is ended';
      test(`${kind}: ${promise} by the next start when the server dies in ${name} (call ${call + 1}), ${how}`, async () => {
        const { scenario, world, engine, clean } = await begin(kind);
        world.mishap = { call, how };
        await scenario.start(world, engine);
        while (world.calls.length <= call) await new Promise((resolve) => setTimeout(resolve, 5));
        world.mishap = undefined;
        await world.restart().recover();
        if (undone) assert.deepEqual(await snapshot(world), clean);
        else assert.equal((await snapshot(world)).length, done);
        assert.deepEqual(await listOpenOperations(world.db), []);
      });
    }
  }
}

test('a bake that is cancelled while it works is undone, and the Pi can be baked again', async () => {
  const { scenario, world, engine, clean } = await begin('bake');
  const started = await cancelDuring(1, { world, engine, start: () => scenario.start(world, engine) });
  await assert.rejects(started.done, { code: 'cancelled' });
  assert.deepEqual(await snapshot(world), clean);
  world.mishap = undefined;
  await (await bake(world, engine)).done;
});

test('a Pi whose clean-up is stuck is held, never silently free, and comes back when it is tried again', async () => {
  const { scenario, world, engine } = await begin('unbake');
  const original = world.calls.push.bind(world.calls);
  // Every try of the switch fails.
  let broken = true;
  world.calls.push = (...names) => {
    const length = original(...names);
    if (broken && names[0] === 'off') world.mishap = { call: length - 1, how: 'before' };
    return length;
  };
  const started = await scenario.start(world, engine);
  await assert.rejects(started.done);
  const held = await world.db.selectFrom('pis').select('state').executeTakeFirstOrThrow();
  assert.equal(held.state, 'held');
  assert.equal((await listDisksOf(world.db, PI)).length, 2, 'its disks are still there');
  await assert.rejects(bake(world, engine), { code: 'no-free-pi' });
  broken = false;
  await (await engine.retry(started.id)).done;
  assert.equal((await world.db.selectFrom('pis').select('state').executeTakeFirstOrThrow()).state, 'fridge');
});
