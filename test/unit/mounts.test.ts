import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskId, PiId } from '../../core/ids.ts';
import { addDisk, removeDisk, setDiskState } from '../../db/disks.ts';
import { addOperation, takeClaim } from '../../db/journal.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, findPi } from '../../db/pis.ts';
import type { VolumePort } from '../../server/operations/ports.ts';
import { mountMissing } from '../../server/reconcile/mounts.ts';

const PI = '5564247d' as PiId;
const DISK = '00000000-0000-4000-8000-000000000001' as DiskId;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function setUp(mount: () => Promise<void>, unmount = async () => {}) {
  const db = await openDatabase(':memory:');
  await addPi(db, { id: PI, quarantine: false, confirmed: true, now: 1 });
  await addDisk(db, {
    id: DISK,
    role: 'root',
    state: 'ready',
    sizeMiB: 0,
    pi: PI,
    position: 0,
    fsUuid: 'u',
    exportId: 1,
    now: 1,
  });
  const places = { root: (pi: PiId) => `/nfs/${pi}`, disk: (id: DiskId) => `/nfs/${id}`, bakeform: (id: string) => id };
  const ports = {
    db,
    volumes: { mount, unmount } as unknown as VolumePort,
    places,
    clock: { now: () => 1 },
    log: quiet,
  };
  return {
    db,
    round: async () => (await mountMissing(ports)).failed.length,
    fault: async () => (await findPi(db, PI))?.fault,
  };
}

test('a volume that cannot be mounted is a fault of its Pi, which clears itself when it can', async () => {
  let broken = true;
  const { round, fault } = await setUp(async () => {
    if (broken) throw new Error('no');
  });
  assert.equal(await round(), 1);
  assert.match((await fault()) ?? '', /cannot be mounted/);
  broken = false;
  assert.equal(await round(), 0);
  assert.equal(await fault(), undefined);
});

test('a disk that an operation holds is left to the operation', async () => {
  let mounts = 0;
  const { db, round } = await setUp(async () => void mounts++);
  const id = '00000000-0000-4000-8000-00000000000a' as never;
  await addOperation(db, { id, kind: 'unbake', version: 1, params: {}, claims: [], by: undefined, now: 1 });
  await takeClaim(db, id, { resource: `disk:${DISK}`, purpose: 'destroy with its Pi' });
  assert.equal(await round(), 0);
  assert.equal(mounts, 0);
});

test('a Pi that is unbaked while its disk is looked at gets no fault', async () => {
  const { db, round, fault } = await setUp(async () => {
    await removeDisk(db, DISK);
    throw new Error('the volume is gone');
  });
  assert.equal(await round(), 0);
  assert.equal(await fault(), undefined);
});

test('a disk that is destroyed while its volume is mounted does not stay mounted', async () => {
  let mounted = 0;
  const { db, round } = await setUp(
    async () => {
      mounted++;
      await setDiskState(db, DISK, 'removing');
    },
    async () => void mounted--,
  );
  assert.equal(await round(), 0);
  assert.equal(mounted, 0);
});
