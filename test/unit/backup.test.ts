import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import Database from 'better-sqlite3';
import { systemClock } from '../../core/host/clock.ts';
import type { DiskId } from '../../core/ids.ts';
import { backUp, restoreBackup } from '../../db/backup.ts';
import { outdated } from '../../db/backup-files.ts';
import { findBackupMark, GRACE_MS, settleBackup } from '../../db/backup-mark.ts';
import { addDisk, listDisks, mintExportId } from '../../db/disks.ts';
import { addFeedEvent, listFeed } from '../../db/events.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { readSetting, writeSetting } from '../../db/settings.ts';
import { addTrash, listTrash } from '../../db/trash.ts';
import { createBackupKeeper, isDue } from '../../server/reconcile/backups.ts';
import { readFileCommand } from '../../server/reconcile/backups-commands.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const top = mkdtempSync(join(tmpdir(), 'bakery-backup-'));
after(() => rmSync(top, { recursive: true, force: true }));

let folders = 0;
function newFolder(): string {
  const folder = join(top, String(folders++));
  mkdirSync(folder);
  return folder;
}
const idOf = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}` as DiskId;

async function addDisks(db: Db, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    const facts = { role: 'data', state: 'ready', sizeMiB: 1, pi: undefined, position: undefined } as const;
    await addDisk(db, { ...facts, id: idOf(n), fsUuid: idOf(n), exportId: await mintExportId(db), now: n });
  }
}
async function disksIn(file: string): Promise<number> {
  const db = await openDatabase(file);
  const { length } = await listDisks(db);
  await db.destroy();
  return length;
}

test('a backup made while somebody writes without a pause ends, is whole, and has all that was there when it began', async () => {
  const folder = newFolder();
  const [file, copy] = [join(folder, 'bakery.db'), join(folder, 'copy.db')];
  const db = await openDatabase(file);
  await addDisks(db, 0, 50);
  // Large enough that it is copied in many turns of the event loop.
  for (let n = 0; n < 3_000; n++) await addFeedEvent(db, { type: 'x.y', data: { text: 'x'.repeat(1_000) } }, n);
  let isMade = false;
  let written = 0;
  const making = backUp({ from: file, to: copy, replace: false, now: 5 }).finally(() => {
    isMade = true;
  });
  // One that begins anew with every commit would not end.
  while (!isMade && written < 5_000) {
    await addDisks(db, 1_000 + written, 1_001 + written);
    written++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(isMade, 'it ends while they write');
  await making;
  await db.destroy();
  assert.ok(written > 2, `${written} commits meanwhile`);
  assert.deepEqual(readdirSync(folder).toSorted(), ['bakery.db', 'copy.db'], 'nothing beside it');
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  const opened = await openDatabase(copy);
  const ids = new Set((await listDisks(opened)).map(({ id }) => id));
  for (let n = 0; n < 50; n++) assert.ok(ids.has(idOf(n)), `disk ${n}`);
  assert.equal(await findBackupMark(opened), 5, 'it says what it is');
  await opened.destroy();
  const original = await openDatabase(file);
  assert.equal(await findBackupMark(original), undefined, 'the original does not');
  await original.destroy();
});

test('a backup replaces no file unless told to, and makes no folder', async () => {
  const folder = newFolder();
  const [from, to] = [join(folder, 'bakery.db'), join(folder, 'copy.db')];
  await (await openDatabase(from)).destroy();
  writeFileSync(to, 'precious');
  const wish = { from, to, replace: false, now: 1 };
  await assert.rejects(backUp(wish), { code: 'backup-exists' });
  assert.equal(readFileSync(to, 'utf8'), 'precious');
  await assert.rejects(backUp({ ...wish, to: join(folder, 'gone', 'copy.db') }), { code: 'backup-folder-missing' });
  await assert.rejects(backUp({ ...wish, from: join(folder, 'none.db') }), { code: 'database-missing' });
  await backUp({ ...wish, replace: true });
  assert.equal(await disksIn(to), 0);
  assert.deepEqual(readdirSync(folder).toSorted(), ['bakery.db', 'copy.db']);
});

test('a backup of a damaged database fails and leaves nothing under its name', async () => {
  const folder = newFolder();
  const file = join(folder, 'bakery.db');
  const db = await openDatabase(file);
  await addDisks(db, 0, 400);
  await db.destroy();
  const bytes = readFileSync(file);
  // The last pages are the disks': nothing else that a backup does looks at them.
  bytes.fill(0x5a, bytes.length - 4096 * 3);
  writeFileSync(file, bytes);
  await assert.rejects(backUp({ from: file, to: join(folder, 'copy.db'), replace: false, now: 1 }));
  assert.deepEqual(readdirSync(folder), ['bakery.db']);
});

test('what is restored takes the place of the database, which is kept whole, with what only its log had', async () => {
  const folder = newFolder();
  const [file, copy, kept] = ['bakery.db', 'copy.db', 'kept.db'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const db = await openDatabase(file);
  await addDisks(db, 0, 3);
  await backUp({ from: file, to: copy, replace: false, now: 1 });
  await addDisks(db, 3, 8);
  // As a killed server leaves it: the newest commits are in the log alone.
  const killed = join(folder, 'killed.db');
  for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${killed}${end}`);
  await db.destroy();
  assert.equal(await restoreBackup({ from: copy, file: killed, keepAs: kept, now: 9 }), kept);
  assert.deepEqual(readdirSync(folder).toSorted(), ['bakery.db', 'copy.db', 'kept.db', 'killed.db']);
  assert.equal(await disksIn(killed), 3);
  assert.equal(await disksIn(kept), 8);
  assert.equal(await disksIn(copy), 3);
});

test('a restore takes nothing that is not a whole database of a Bakery it knows', async () => {
  const folder = newFolder();
  const file = join(folder, 'bakery.db');
  await (await openDatabase(file)).destroy();
  const other = join(folder, 'other.db');
  const wish = { from: other, file, keepAs: `${file}.kept`, now: 1 };
  await assert.rejects(restoreBackup(wish), { code: 'backup-missing' });
  writeFileSync(other, 'no database at all, but long enough to be read as one'.repeat(20));
  await assert.rejects(restoreBackup(wish), { code: 'backup-damaged' });
  rmSync(other);
  const foreign = new Database(other);
  foreign.exec('CREATE TABLE inventory (id TEXT)');
  foreign.close();
  await assert.rejects(restoreBackup(wish), { code: 'backup-damaged' });
  rmSync(other);
  const newer = await openDatabase(other);
  await newer.destroy();
  const raw = new Database(other);
  raw.exec("INSERT INTO kysely_migration VALUES ('9999-future', 'now')");
  raw.close();
  await assert.rejects(restoreBackup(wish), { code: 'backup-newer' });
  assert.deepEqual(readdirSync(folder).toSorted(), ['bakery.db', 'other.db']);
  assert.equal(await disksIn(file), 0);
});

test("a database is not opened with another one's log beside it", async () => {
  const folder = newFolder();
  const [file, copy, over] = ['bakery.db', 'copy.db', 'over.db'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const db = await openDatabase(file);
  await addDisks(db, 0, 3);
  await backUp({ from: file, to: copy, replace: false, now: 1 });
  await addDisks(db, 3, 8);
  for (const end of ['-wal', '-shm']) copyFileSync(`${file}${end}`, `${over}${end}`);
  await db.destroy();
  copyFileSync(copy, over);
  const before = readFileSync(over);
  await assert.rejects(openDatabase(over), { code: 'database-log-foreign' });
  assert.deepEqual(readFileSync(over), before);
  assert.ok(existsSync(`${over}-wal`));
  // The command copes, and plays the log into neither of the two.
  await restoreBackup({ from: copy, file: over, keepAs: join(folder, 'kept.db'), now: 2 });
  assert.equal(await disksIn(over), 3);
  assert.ok(!existsSync(`${over}-wal`));
  rmSync(`${file}-wal`, { force: true });
  copyFileSync(copy, file);
  assert.equal(await disksIn(file), 3, 'without a log it is opened');
});

test('after a restore nothing is given out again, nothing in the trash is due, and the mark goes last', async () => {
  const file = join(newFolder(), 'bakery.db');
  const db = await openDatabase(file);
  await addDisks(db, 0, 10);
  await addFeedEvent(db, { type: 'a.b' }, 1);
  const trashed = { role: 'data', sizeMiB: 1, pi: undefined, bakeform: undefined, bakeformVolume: undefined } as const;
  await addTrash(db, { ...trashed, id: idOf(99), fsUuid: 'u', discardedAt: 1 });
  await db
    .updateTable('trash')
    .set({ kept_ms: 23 * 3_600_000 })
    .execute();
  await writeSetting(db, 'backup', JSON.stringify({ at: 7 }));
  assert.equal(await findBackupMark(db), 7);
  await db.transaction().execute((trx) => settleBackup(trx, { now: 9, data: { madeAt: 7 } }));
  assert.equal(await findBackupMark(db), undefined);
  const last = Number(await readSetting(db, 'last-export-id'));
  assert.ok(last > 10 + 16_000 && last < 10 + 49_500, `${last}`);
  assert.equal((await listTrash(db))[0]?.keptMs, -GRACE_MS);
  const [first, restored] = await listFeed(db, { after: 0, limit: 10 });
  assert.equal(restored?.type, 'database.restored');
  assert.equal(restored?.seq, (first?.seq ?? 0) + 1_000_000);
  await addFeedEvent(db, { type: 'c.d' }, 1);
  assert.equal((await listFeed(db, { after: restored?.seq ?? 0, limit: 10 }))[0]?.seq, (restored?.seq ?? 0) + 1);
  await db.destroy();
});

test('backups are due by the time since the last one, and when that is in the future', () => {
  assert.ok(isDue(undefined, 0, 10));
  assert.ok(!isDue(5, 14, 10));
  assert.ok(isDue(5, 15, 10));
  assert.ok(isDue(20, 15, 10));
});

test('the newest backups are kept, and above all the one just made; files of other names are not touched', () => {
  const names = ['bakery-20260101T000000Z.db', 'bakery-20260102T000000Z.db', 'bakery-20260103T000000Z.db', 'mine.db'];
  const [first = '', second = '', third = ''] = names;
  assert.deepEqual(outdated(names, { keep: 2, made: third }), [first]);
  assert.deepEqual(outdated(names, { keep: 1, made: first }), [second, third], 'a clock set back');
  assert.deepEqual(outdated(names, { keep: 7, made: third }), []);
  const partial = `${first}.0123456789ab.partial`;
  assert.deepEqual(outdated([...names, partial, `${partial}-journal`], { keep: 7, made: third }), [
    partial,
    `${partial}-journal`,
  ]);
});

test('the schedule makes a backup when it is due, survives restarts, deletes the oldest, and tells what it did', async () => {
  const folder = newFolder();
  const [file, backups] = [join(folder, 'bakery.db'), join(folder, 'backups')];
  const db = await openDatabase(file);
  let now = Date.UTC(2026, 0, 1);
  const clock = { ...systemClock, now: () => now, monotonic: () => now };
  const keeper = () =>
    createBackupKeeper({ db, file, folder: backups, everyMs: 3_600_000, keep: 3, clock, log: quiet });
  assert.equal(await keeper().tidy(), 'bakery-20260101T000000Z.db');
  now += 3_599_000;
  assert.equal(await keeper().tidy(), undefined, 'a restart adds none');
  for (let n = 0; n < 5; n++) {
    now += 3_600_000;
    assert.ok(await keeper().tidy());
  }
  assert.equal(readdirSync(backups).length, 3);
  assert.equal(statSync(backups).mode & 0o777, 0o700);
  assert.equal((await listFeed(db, { after: 0, limit: 99 })).filter(({ type }) => type === 'backup.done').length, 6);

  rmSync(backups, { recursive: true });
  writeFileSync(backups, 'in the way');
  now += 3_600_000;
  const failing = keeper();
  for (let n = 0; n < 3; n++) assert.equal(await failing.tidy(), undefined);
  const told = (await listFeed(db, { after: 0, limit: 99 })).filter(({ type }) => type === 'backup.failed');
  assert.equal(told.length, 1, 'once until the next attempt');
  assert.deepEqual(await failing.report(), { everyMs: 3_600_000, last: now - 3_600_000, failed: true });
  rmSync(backups);
  now += 3_600_000;
  assert.ok(await failing.tidy(), 'it goes on when it can');
  assert.deepEqual(await failing.report(), { everyMs: 3_600_000, last: now, failed: false });
  const never = createBackupKeeper({ db, file, folder: backups, everyMs: 0, keep: 3, clock, log: quiet });
  now += 1e9;
  assert.equal(await never.tidy(), undefined);
  await db.destroy();
});

test('the file of a command may stand before or behind the settings', () => {
  assert.deepEqual(readFileCommand('backup', ['/a.db', '--root', '/r']), {
    file: '/a.db',
    force: false,
    flags: ['--root', '/r'],
  });
  assert.deepEqual(readFileCommand('backup', ['--force', '--root=/r', '/a.db']), {
    file: '/a.db',
    force: true,
    flags: ['--root=/r'],
  });
  assert.deepEqual(readFileCommand('restore', ['--root', '/r', '/a.db']).file, '/a.db');
  for (const args of [[], ['--root', '/r'], ['--force']]) {
    assert.throws(() => readFileCommand('backup', args), { code: 'bad-setting' });
  }
});
