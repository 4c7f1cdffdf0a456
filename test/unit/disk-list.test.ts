import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { DiskId, Ipv4, PiId } from '../../core/ids.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { addPi, findPi, patchPi } from '../../db/pis.ts';
import { renderDiskList, untilLetGo } from '../../server/operations/disk-list.ts';
import type { OperationPorts } from '../../server/operations/ports.ts';
import { fakeClock } from '../lab/fake-clock.ts';

const PI = '5564247d' as PiId;
const DISK = '0b2d9f60-41f7-4c0e-8f55-6a1a5a9de2aa' as DiskId;
const signal = new AbortController().signal;
let db: Db;
/** Whether a driver can switch the Pi. */
let isSwitched = true;

/** Waits for a Pi that tells these one after the other, and the last one for ever. @returns how often it was asked. */
async function wait(...told: (readonly string[] | Error)[]): Promise<{ asked: number; warned: number; ms: number }> {
  const clock = fakeClock();
  let [asked, warned] = [0, 0];
  const ports = {
    db,
    clock,
    power: { controls: () => isSwitched },
    places: { root: (pi: PiId) => `/nfs/${pi}` },
    log: { debug() {}, info() {}, error() {}, warn: () => void warned++ },
    images: {
      async readDiskState() {
        const now = told[Math.min(asked++, told.length - 1)] ?? [];
        if (now instanceof Error) throw now;
        return now;
      },
    },
  } as unknown as OperationPorts;
  const before = clock.monotonic();
  await untilLetGo(ports, { pi: PI, disk: DISK, signal });
  return { asked, warned, ms: clock.monotonic() - before };
}

beforeEach(async () => {
  db = await openDatabase(':memory:');
  isSwitched = true;
  await addPi(db, { id: PI, quarantine: false, confirmed: true, now: 1 });
  await patchPi(db, PI, { manageDisks: true, desiredPower: 'on' });
});

test('a detach waits until the Pi says that it has let go', async () => {
  assert.deepEqual(await wait([DISK], ['another', DISK], ['another']), { asked: 3, warned: 0, ms: 1_000 });
});

test('a detach waits 20 s for a Pi that does not let go, and says so', async () => {
  assert.deepEqual(await wait([DISK]), { asked: 41, warned: 1, ms: 20_000 });
});

test('a detach waits for no Pi that says nothing, is off, or has its disks managed by somebody else', async () => {
  const atOnce = { warned: 0, ms: 0 };
  assert.deepEqual(await wait([]), { asked: 1, ...atOnce });
  assert.deepEqual(await wait(new Error('a link')), { asked: 1, ...atOnce });
  await patchPi(db, PI, { desiredPower: 'off' });
  assert.deepEqual(await wait([DISK]), { asked: 0, ...atOnce });
  isSwitched = false;
  assert.equal((await wait([DISK], [])).asked, 2, 'a person may have switched it on');
  await patchPi(db, PI, { desiredPower: 'on', manageDisks: false });
  assert.deepEqual(await wait([DISK]), { asked: 0, ...atOnce });
});

test('who manages the disks of a Pi is forgotten with what it was baked from', async () => {
  await patchPi(db, PI, { bakeform: null });
  assert.equal((await findPi(db, PI))?.manageDisks, false);
});

test('the list has the data disks of a Pi that are whole, as the CPI writes them', () => {
  const place = { pi: PI, fsUuid: 'x', exportId: 1 };
  const facts = {
    nfsAddress: '10.99.0.1' as Ipv4,
    places: { root: () => '', bakeform: () => '', disk: (id: DiskId) => `/data/nfs/${id}` },
  };
  const disks = [
    { ...place, id: 'root' as DiskId, role: 'root', state: 'ready', sizeMiB: 0, position: 0 },
    { ...place, id: DISK, role: 'data', state: 'ready', sizeMiB: 64, position: 1 },
    { ...place, id: 'going' as DiskId, role: 'data', state: 'removing', sizeMiB: 64, position: 2 },
  ] as const;
  assert.deepEqual(JSON.parse(renderDiskList(disks, facts)), [
    { id: DISK, location: `/data/nfs/${DISK}`, size: 64, nfsAddress: '10.99.0.1' },
  ]);
  assert.equal(renderDiskList([], facts), '[]\n');
});
