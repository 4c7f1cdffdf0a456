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
  const keeper = createExportKeeper({
    db,
    backend,
    policy: { kind: 'any' },
    places: { root: String, disk: (id) => `/nfs/${id}`, bakeform: String },
    mounted: async () => mountState.mounted(),
    access: () => 'rw',
    broken: async () => mountState.broken(),
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
  return { db, served, refused, die, keeper, drifts, round, mountState };
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

test('a broken volume that is unmounted while it is looked at is not served from the folder below it', async () => {
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
  // Whoever looks first sees it before it is unmounted, whoever looks then sees it after.
  let looks = 0;
  mountState.broken = () => new Set(looks++ === 0 ? ['/nfs/disk1'] : []);
  mountState.mounted = () => new Set(looks++ === 0 ? ['/nfs/disk1'] : []);
  await round();
  assert.deepEqual([...served.keys()], []);
  mountState.broken = () => new Set();
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
