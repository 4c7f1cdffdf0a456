import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Disk } from '../../core/disk.ts';
import type { Exec } from '../../core/host/exec.ts';
import type { DiskId } from '../../core/ids.ts';
import { exportDrift } from '../../exports/nfs/converge.ts';
import { sight, surveyVolumes } from '../../exports/volumes/survey.ts';
import { rightlyMounted, sortDisks } from '../../server/reconcile/drift-mounts.ts';

const places = { root: (pi: string) => `/nfs/${pi}`, disk: (id: string) => `/nfs/${id}`, bakeform: String };
const diskOf = (id: string, state: Disk['state'] = 'ready'): Disk => ({
  id: id as DiskId,
  role: 'data',
  state,
  sizeMiB: 1,
  pi: undefined,
  position: undefined,
  fsUuid: `uuid of ${id}`,
  exportId: 1,
});
const loop = (name: string, inode: number) => ({ name, inode, device: '8:1', file: '/any' });
const mount = (source: string, mountPoint: string) => ({
  source,
  mountPoint,
  device: '7:0',
  type: 'ext4',
  options: '',
});
const survey = sight({
  files: ['a', 'b', 'c', 'd'].map((id, i) => ({ name: `${id}.ext4`, inode: i + 1, device: '8:1' })),
  loops: [loop('/dev/loop1', 1), loop('/dev/loop2', 2), loop('/dev/loop9', 99)],
  // The volume of b is mounted where that of d belongs; that of e is mounted, and its file deleted.
  mounts: [mount('/dev/loop1', '/nfs/a'), mount('/dev/loop2', '/nfs/d'), mount('/dev/loop9', '/nfs/e')] as never,
  uuids: new Map([['/dev/loop9', 'uuid of e']]),
});

test('a disk stands by its own volume, in its own place', () => {
  const at = (id: string) => survey.of({ ...diskOf(id), at: `/nfs/${id}` });
  assert.deepEqual(at('a'), { isThere: true, mount: 'own' });
  assert.deepEqual(at('b'), { isThere: true, mount: 'none' });
  assert.deepEqual(at('d'), { isThere: true, mount: 'other' });
  assert.deepEqual(at('e'), { isThere: false, mount: 'own' });
  assert.deepEqual(at('f'), { isThere: false, mount: 'none' });
});

test('only what is rightly mounted may be exported: never the volume of another disk', () => {
  const right = rightlyMounted(
    ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => diskOf(id)),
    survey,
    places,
  );
  assert.deepEqual([...right], ['/nfs/a', '/nfs/e']);
});

test('a disk that an operation holds, or that is not ready, is nobody else to judge', () => {
  const disks = [...['a', 'b', 'c', 'd', 'e'].map((id) => diskOf(id)), diskOf('f', 'making')];
  const sorted = sortDisks(disks, { claimed: new Set(['disk:c']), survey, places });
  const ids = Object.entries(sorted).map(([how, list]) => `${how} ${list.map(({ id }) => id).join(' ')}`);
  assert.deepEqual(ids, ['whole a', 'missing e', 'unmounted b d']);
});

test('drift of exports is what differs from what was left served, by id', () => {
  const one = (id: number, path = `/${id}`) => ({ id, path, client: { kind: 'any' }, access: 'rw' }) as const;
  assert.equal(exportDrift([one(1), one(2)], [one(2), one(1)]), undefined);
  assert.deepEqual(exportDrift([one(1), one(2), one(3)], [one(2, '/x'), one(3), one(4)]), {
    missing: [1],
    changed: [2],
    foreign: [4],
  });
});

test('a look at all volumes is one look at the loop devices, however many volumes there are', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-survey-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'volumes'));
  for (let n = 0; n < 300; n++) writeFileSync(join(folder, 'volumes', `v${n}.ext4`), '');
  const calls: string[] = [];
  const exec: Exec = async (program) => {
    calls.push(program);
    return { code: 0, stdout: '', stderr: '' };
  };
  const look = await surveyVolumes(exec, { folder });
  for (let n = 0; n < 300; n++) {
    const disk = diskOf(`v${n}`);
    assert.deepEqual(look.of({ ...disk, at: `/nfs/v${n}` }), { isThere: true, mount: 'none' });
  }
  assert.deepEqual(calls, ['losetup']);
});
