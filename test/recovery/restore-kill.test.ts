import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { backUp, type RestorePoint } from '../../db/backup.ts';
import { findBackupMark } from '../../db/backup-mark.ts';
import { openDatabase } from '../../db/open.ts';
import { readSetting, writeSetting } from '../../db/settings.ts';

const HELD = fileURLToPath(new URL('restore-main.ts', import.meta.url));

/** A stopped server's database, whose newest commit is in its log alone, and an older backup of it. */
async function makeRoot(): Promise<{ root: string; file: string; copy: string }> {
  const root = mkdtempSync(join(tmpdir(), 'bakery-restore-'));
  const [work, file, copy] = [join(root, 'work.db'), join(root, 'bakery.db'), join(root, 'copy.db')];
  const db = await openDatabase(work);
  await writeSetting(db, 'age', 'older');
  await backUp({ from: work, to: copy, replace: false, now: 1 });
  await writeSetting(db, 'age', 'newer');
  for (const end of ['', '-wal']) copyFileSync(`${work}${end}`, `${file}${end}`);
  await db.destroy();
  rmSync(work);
  return { root, file, copy };
}

async function ageOf(file: string): Promise<string> {
  const db = await openDatabase(file);
  try {
    return `${await readSetting(db, 'age')}${(await findBackupMark(db)) === undefined ? '' : ', a backup'}`;
  } finally {
    await db.destroy();
  }
}

/** Runs the command to `point` and kills it there from outside. */
async function killAt(root: string, copy: string, point: RestorePoint): Promise<void> {
  const child = spawn(process.execPath, [HELD, root, copy, point], { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = new Promise<NodeJS.Signals | null>((resolve) => child.once('close', (_code, signal) => resolve(signal)));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (bytes) => String(bytes).includes(`at ${point}`) && resolve());
    child.once('close', () => reject(new Error(`it ended before ${point}`)));
  });
  child.kill('SIGKILL');
  assert.equal(await end, 'SIGKILL');
}

const POINTS: Record<RestorePoint, string> = {
  begun: 'newer',
  staged: 'newer',
  settled: 'newer',
  kept: 'newer',
  replaced: 'older, a backup',
};

for (const [point, expected] of Object.entries(POINTS) as [RestorePoint, string][]) {
  test(`a restore that is killed when it has ${point} leaves the ${expected.split(',')[0]} database, and can be repeated`, async (t) => {
    const { root, file, copy } = await makeRoot();
    t.after(() => rmSync(root, { recursive: true, force: true }));
    await killAt(root, copy, point);
    assert.equal(await ageOf(file), expected);
    await killAt(root, copy, 'replaced');
    assert.equal(await ageOf(file), 'older, a backup');
    assert.ok(!existsSync(`${file}.restore.partial`));
    const kept = readdirSync(root).filter((name) => /before-restore-\w+(-\d+)?$/.test(name));
    const ages = await Promise.all(kept.map((name) => ageOf(join(root, name))));
    assert.ok(ages.includes('newer'), 'the one that was there first is kept');
  });
}

test('a database that cannot be read is kept as it is, and its log is not mixed with the new one', async (t) => {
  const { root, file, copy } = await makeRoot();
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const rubbish = Buffer.alloc(8_192, 'rubbish');
  for (const end of ['', '-wal']) writeFileSync(`${file}${end}`, rubbish);
  await killAt(root, copy, 'kept');
  const kept = readdirSync(root).filter((name) => name.includes('before-restore'));
  assert.ok(kept.length >= 1);
  for (const name of kept) assert.deepEqual(readFileSync(join(root, name)), rubbish);
  for (const name of kept) rmSync(join(root, name));
  await killAt(root, copy, 'replaced');
  if (existsSync(`${file}-wal`)) await assert.rejects(openDatabase(file), { code: 'database-log-foreign' });
  const again = spawn(process.execPath, [HELD, root, copy, 'nowhere'], { stdio: 'inherit' });
  assert.equal(await new Promise((resolve) => again.once('close', resolve)), 0);
  assert.equal(await ageOf(file), 'older, a backup');
});
