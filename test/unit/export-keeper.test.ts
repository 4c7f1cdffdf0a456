import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import type { DiskId, OperationId, PiId } from '../../core/ids.ts';
import { addDisk, removeDisk, withholdDisk } from '../../db/disks.ts';
import { addOperation, takeClaim } from '../../db/journal.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi } from '../../db/pis.ts';
import type { NfsBackend, NfsExport } from '../../exports/nfs/backend.ts';
import type { ExportDrift } from '../../exports/nfs/converge.ts';
import { createExportKeeper } from '../../server/operations/exports.ts';

const PI = '5564247d' as PiId;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function setUp(disks: number) {
  const db = await openDatabase(':memory:');
  await addPi(db, { id: PI, quarantine: false, confirmed: true, now: 1 });
  for (let n = 1; n <= disks; n++) {
    const id = `disk${n}` as DiskId;
    const facts = { role: 'data', state: 'ready', sizeMiB: 1, pi: PI, position: n } as const;
    await addDisk(db, { ...facts, id, fsUuid: id, exportId: n, now: 1 });
  }
  const served = new Map<number, NfsExport>();
  const calls: string[] = [];
  const refused = new Set<number>();
  let isDead = false;
  const serve = async (wanted: NfsExport) => {
    if (refused.has(wanted.id)) throw new BakeryError('unavailable', 'export-refused', 'no');
    calls.push(`serve ${wanted.id}`);
    served.set(wanted.id, wanted);
  };
  const backend = {
    start: async (exports: () => Promise<readonly NfsExport[]>) => {
      if (!isDead) return { adopted: true };
      isDead = false;
      served.clear();
      for (const entry of await exports()) served.set(entry.id, entry);
      return { adopted: false };
    },
    list: async () => {
      calls.push('list');
      return [...served.values()];
    },
    clients: async () => [],
    operations: async () => ({ v3: 0, v4: 0, v4Failed: 0 }),
    outline: async () => {
      if (isDead) throw new BakeryError('unavailable', 'nfs-unavailable', 'it does not run');
      calls.push('outline');
      return [...served.values()];
    },
    add: serve,
    update: serve,
    remove: async (id: number) => {
      calls.push(`remove ${id}`);
      served.delete(id);
    },
  } as unknown as NfsBackend;
  const all = Array.from({ length: disks }, (_, i) => `/nfs/disk${i + 1}`);
  const mountState = { mounted: () => new Set(all), broken: () => new Set<string>() };
  let now = 0;
  const drifts: ExportDrift[] = [];
  const looks: string[] = [];
  const keeper = createExportKeeper({
    db,
    backend,
    policy: { kind: 'any' },
    places: { root: String, disk: (id) => `/nfs/${id}`, bakeform: String },
    async look(of) {
      looks.push(of ? of.map(({ id }) => id).join() : 'all');
      return { mounted: mountState.mounted(), broken: mountState.broken() };
    },
    access: () => 'rw',
    onDrift: async (drift) => void drifts.push(drift),
    clock: { ...systemClock, monotonic: () => now },
    log: quiet,
  });
  const round = async (ms = 5_000) => {
    now += ms;
    calls.length = 0;
    await keeper.converge([]);
    return [...calls];
  };
  const die = () => {
    isDead = true;
  };
  /** Converges these alone, all at once: the calls, and whose mounts were looked at. */
  const only = async (...ids: number[][]) => {
    calls.length = 0;
    looks.length = 0;
    await Promise.all(ids.map((some) => keeper.converge(some, 'only')));
    return { calls: [...calls], looks: [...looks] };
  };
  return { db, served, refused, die, keeper, drifts, round, only, mountState };
}

test('a round in which nothing has changed costs one call to the NFS server, however many exports there are', async () => {
  const { round } = await setUp(50);
  assert.equal((await round()).length, 51);
  for (let n = 0; n < 5; n++) assert.deepEqual(await round(), ['outline']);
  assert.deepEqual(await round(60_000), ['list'], 'all is read back once a minute');
});

test('a disk that an operation withholds is exported to nobody, and served under its id again after it', async () => {
  const { db, round } = await setUp(2);
  assert.deepEqual(await round(), ['list', 'serve 1', 'serve 2']);
  await withholdDisk(db, 'disk2' as DiskId, true);
  assert.deepEqual(await round(), ['outline', 'remove 2']);
  await withholdDisk(db, 'disk2' as DiskId, false);
  assert.deepEqual(await round(), ['outline', 'serve 2']);
});

test('a broken volume that is about to be unmounted is not served', async () => {
  const { db, round, mountState, served } = await setUp(1);
  await addOperation(db, {
    id: 'heal-1' as OperationId,
    kind: 'heal',
    version: 1,
    params: {},
    by: undefined,
    now: 1,
    claims: [{ resource: 'disk:disk1', purpose: 'heal' }],
  });
  await takeClaim(db, 'heal-1' as OperationId, { resource: 'disk:disk1', purpose: 'heal' });
  mountState.broken = () => new Set(['/nfs/disk1']);
  await round();
  assert.deepEqual([...served.keys()], []);
  mountState.mounted = () => new Set();
  mountState.broken = () => new Set();
  await round();
  assert.deepEqual([...served.keys()], [], 'the folder below it');
  mountState.mounted = () => new Set(['/nfs/disk1']);
  assert.deepEqual(await round(), ['outline', 'serve 1']);
});

test('what somebody removes or adds is repaired and told in the next round, what somebody changes within a minute', async () => {
  const { served, drifts, round } = await setUp(3);
  await round();
  const [second, third] = [served.get(2), served.get(3)];
  assert.ok(second && third);
  served.delete(2);
  served.set(9, { ...second, id: 9 });
  await round();
  assert.deepEqual(drifts.splice(0), [{ missing: [2], changed: [], foreign: [9] }]);
  assert.deepEqual([...served.keys()].toSorted(), [1, 2, 3]);
  served.set(3, { ...third, access: 'ro' });
  await round(60_000);
  assert.deepEqual(drifts.splice(0), [{ missing: [], changed: [3], foreign: [] }]);
  assert.equal(served.get(3)?.access, 'rw');
});

test('it knows how many exports there should be and how many are served, none once the NFS server does not answer', async () => {
  const { db, keeper, refused, die, round } = await setUp(3);
  assert.deepEqual(keeper.counts(), { wanted: 0, served: 0 });
  refused.add(2);
  await round();
  assert.deepEqual(keeper.counts(), { wanted: 3, served: 2 });
  refused.clear();
  await round();
  assert.deepEqual(keeper.counts(), { wanted: 3, served: 3 });
  await removeDisk(db, 'disk2' as DiskId);
  die();
  await assert.rejects(round(), { code: 'nfs-unavailable' });
  assert.deepEqual(keeper.counts(), { wanted: 2, served: 0 });
});

test('a new NFS server is given all that it should serve before it answers; one that runs is left as it is', async () => {
  const { db, served, keeper, die, round } = await setUp(3);
  await round();
  await withholdDisk(db, 'disk2' as DiskId, true);
  assert.equal(await keeper.start(), false);
  assert.deepEqual([...served.keys()], [1, 2, 3]);
  die();
  assert.equal(await keeper.start(), true);
  assert.deepEqual([...served.keys()], [1, 3]);
  assert.deepEqual(await round(), ['list']);
});

test('what the inventory changes is no drift, nor what a new NFS server does not serve', async () => {
  const { db, served, keeper, drifts, die, round } = await setUp(3);
  await round();
  await removeDisk(db, 'disk2' as DiskId);
  assert.deepEqual(await round(), ['outline', 'remove 2']);
  die();
  assert.equal(await keeper.start(), true);
  served.delete(3);
  await round();
  assert.deepEqual([...served.keys()].toSorted(), [1, 3]);
  assert.deepEqual(drifts, []);
});

test('who has changed one export alone waits for no look at the others, once it is known how they were left', async () => {
  const { db, keeper, drifts, served, round, only } = await setUp(50);
  assert.deepEqual((await only([7])).looks, ['all'], 'nobody knows yet');
  await removeDisk(db, 'disk7' as DiskId);
  await withholdDisk(db, 'disk8' as DiskId, true);
  assert.deepEqual(await only([7]), { calls: ['remove 7'], looks: [] });
  assert.deepEqual(keeper.counts(), { wanted: 49, served: 49 });
  assert.deepEqual(await only([8]), { calls: ['remove 8'], looks: [] });
  await withholdDisk(db, 'disk8' as DiskId, false);
  assert.deepEqual(await only([8]), { calls: ['serve 8'], looks: ['disk8'] });
  assert.deepEqual(await only([8]), { calls: [], looks: ['disk8'] });
  assert.deepEqual(await only([]), { calls: [], looks: [] });
  assert.deepEqual(keeper.counts(), { wanted: 49, served: 49 });
  assert.deepEqual(await round(), ['outline'], 'and then all is as it was left');
  assert.deepEqual(drifts, []);
  assert.equal(served.size, 49);
});

test('those who come while exports are changed share the next look: at what they name, or at all when one wants that', async () => {
  const { db, keeper, round, only } = await setUp(5);
  const hide = async (isWithheld: boolean) => {
    for (const id of ['disk1', 'disk2', 'disk3']) await withholdDisk(db, id as DiskId, isWithheld);
    if (isWithheld) await round();
  };
  await hide(true);
  await hide(false);
  assert.deepEqual(await only([1], [2], [3]), {
    calls: ['serve 1', 'serve 2', 'serve 3'],
    looks: ['disk1', 'disk2,disk3'],
  });
  await hide(true);
  await hide(false);
  const first = only([1], [2]);
  await keeper.converge([]);
  const { calls, looks } = await first;
  assert.deepEqual(looks, ['disk1', 'all']);
  assert.deepEqual(calls, ['serve 1', 'outline', 'serve 2', 'serve 3']);
});

test('one export that is refused has all looked at: what somebody else serves may be in its way', async () => {
  const { db, refused, keeper, round, only } = await setUp(3);
  await withholdDisk(db, 'disk2' as DiskId, true);
  await round();
  await withholdDisk(db, 'disk2' as DiskId, false);
  refused.add(2);
  await assert.rejects(keeper.converge([2], 'only'), { code: 'export-refused' });
  assert.deepEqual(keeper.counts(), { wanted: 3, served: 2 });
  refused.clear();
  assert.deepEqual((await only([2])).looks, ['all']);
  assert.deepEqual(keeper.counts(), { wanted: 3, served: 3 });
});

test('where nothing is to be served nobody looks at what is mounted', async () => {
  const { db, round, only } = await setUp(2);
  await round();
  await withholdDisk(db, 'disk2' as DiskId, true);
  assert.deepEqual(await only([2]), { calls: ['remove 2'], looks: [] });
});

test('of one export alone, a volume that is not mounted is not served either', async () => {
  const { db, served, mountState, round, only, keeper } = await setUp(2);
  await withholdDisk(db, 'disk2' as DiskId, true);
  await round();
  await withholdDisk(db, 'disk2' as DiskId, false);
  mountState.mounted = () => new Set(['/nfs/disk1']);
  assert.deepEqual((await only([2])).calls, []);
  assert.deepEqual([...served.keys()], [1]);
  assert.deepEqual(keeper.counts(), { wanted: 2, served: 1 });
});
