import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { DiskId, PiId } from '../../core/ids.ts';
import { addDisk, removeDisk } from '../../db/disks.ts';
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
  const serve = async (wanted: NfsExport) => {
    calls.push(`serve ${wanted.id}`);
    served.set(wanted.id, wanted);
  };
  const backend = {
    list: async () => {
      calls.push('list');
      return [...served.values()];
    },
    outline: async () => {
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
  let now = 0;
  const drifts: ExportDrift[] = [];
  const keeper = createExportKeeper({
    db,
    backend,
    policy: { kind: 'any' },
    places: { root: String, disk: (id) => `/nfs/${id}`, bakeform: String },
    mounted: async () => new Set(Array.from({ length: disks }, (_, i) => `/nfs/disk${i + 1}`)),
    access: () => 'rw',
    broken: async () => new Set(),
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
  return { db, served, keeper, drifts, round };
}

test('a round in which nothing has changed costs one call to the NFS server, however many exports there are', async () => {
  const { round } = await setUp(50);
  assert.equal((await round()).length, 51);
  for (let n = 0; n < 5; n++) assert.deepEqual(await round(), ['outline']);
  assert.deepEqual(await round(60_000), ['list'], 'all is read back once a minute');
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

test('what the inventory changes is no drift, nor that a new NFS server serves nothing', async () => {
  const { db, served, keeper, drifts, round } = await setUp(3);
  await round();
  await removeDisk(db, 'disk2' as DiskId);
  assert.deepEqual(await round(), ['outline', 'remove 2']);
  served.clear();
  keeper.forget();
  await round();
  assert.deepEqual([...served.keys()].toSorted(), [1, 3]);
  assert.deepEqual(drifts, []);
});
