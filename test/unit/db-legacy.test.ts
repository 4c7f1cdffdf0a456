import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import type { PiId } from '../../core/ids.ts';
import { enterLegacyPi, isLegacyFile, listImports, noteImport, readLegacyInventory } from '../../db/legacy.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, movePi } from '../../db/pis.ts';
import { layInventory } from '../lab/legacy-root.ts';

const PI = '687680cd' as PiId;
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-legacy-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
const rowsOf = (file: string) => {
  const db = new Database(file, { readonly: true });
  const rows = db.prepare('select * from inventory').all();
  db.close();
  return rows;
};

test('a database of the original is copied aside, whole and private, before ours is made of it, and its table stays', async (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'pi.db');
  layInventory(file, [[PI, 2, 'debian', 'a,b']]);
  const original = readFileSync(file);
  assert.equal(isLegacyFile(file), true);
  assert.ok(readFileSync(file).equals(original), 'the question changes nothing');
  const db = await openDatabase(file);
  t.after(() => db.destroy());
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('legacy')),
    ['pi.db.legacy'],
  );
  assert.ok(readFileSync(`${file}.legacy`).equals(original));
  assert.equal(statSync(`${file}.legacy`).mode & 0o777, 0o600);
  assert.deepEqual(await readLegacyInventory(db), [{ id: PI, status: 2, bakeform: 'debian', diskIds: 'a,b' }]);
  assert.equal(isLegacyFile(file), false);
  for (const end of ['', '-wal']) assert.equal(statSync(`${file}${end}`).mode & 0o777, 0o600, end);
});

test('the copy has what the original had only in its journal', async (t) => {
  const file = join(folderOf(t), 'pi.db');
  const writer = new Database(file);
  writer.pragma('journal_mode = WAL');
  writer.pragma('wal_autocheckpoint = 0');
  writer.exec(
    "create table inventory (id text not null primary key, status integer); insert into inventory values ('a', 1)",
  );
  assert.ok(statSync(file).size < statSync(`${file}-wal`).size);
  await (await openDatabase(file)).destroy();
  writer.close();
  assert.deepEqual(rowsOf(`${file}.legacy`), [{ id: 'a', status: 1 }]);
});

test('a copy of an earlier attempt is never overwritten, and one with the same bytes is enough', async (t) => {
  const file = join(folderOf(t), 'pi.db');
  layInventory(file, [[PI, 2, 'debian', '']]);
  const original = readFileSync(file);
  writeFileSync(`${file}.legacy`, 'an earlier one');
  await (await openDatabase(file)).destroy();
  assert.equal(readFileSync(`${file}.legacy`, 'utf8'), 'an earlier one');
  assert.ok(readFileSync(`${file}.legacy-2`).equals(original));
  // As after a crash between the copy and the first migration.
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
  writeFileSync(file, original);
  await (await openDatabase(file)).destroy();
  assert.equal(existsSync(`${file}.legacy-3`), false);
});

test('a database that was never the original’s, or is ours already, is not copied', async (t) => {
  const folder = folderOf(t);
  for (let start = 0; start < 2; start++) {
    const db = await openDatabase(join(folder, 'bakery.db'));
    assert.equal(await readLegacyInventory(db), undefined);
    await db.destroy();
  }
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('legacy')),
    [],
  );
});

test('a table of the original’s first days has no bakeforms and no disks', async (t) => {
  const file = join(folderOf(t), 'pi.db');
  const old = new Database(file);
  old.exec(
    "create table inventory (id text not null primary key, status integer); insert into inventory values ('x', 1)",
  );
  old.close();
  const db = await openDatabase(file);
  t.after(() => db.destroy());
  assert.deepEqual(await readLegacyInventory(db), [{ id: 'x', status: 1, bakeform: null, diskIds: null }]);
});

test('a Pi is put into quarantine only from the fridge', async (t) => {
  const db = await openDatabase(':memory:');
  t.after(() => db.destroy());
  const flags = () => db.selectFrom('pis').select(['quarantine', 'confirmed']).executeTakeFirstOrThrow();
  await addPi(db, { id: PI, quarantine: false, confirmed: false, now: 1 });
  await enterLegacyPi(db, { id: PI, quarantine: true, now: 2 });
  assert.deepEqual(await flags(), { quarantine: 1, confirmed: 1 });
  await enterLegacyPi(db, { id: PI, quarantine: false, now: 2 });
  await movePi(db, PI, 'bake');
  await enterLegacyPi(db, { id: PI, quarantine: true, now: 3 });
  assert.deepEqual(await flags(), { quarantine: 0, confirmed: 1 });
});

test('the last word about an item counts', async (t) => {
  const db = await openDatabase(':memory:');
  t.after(() => db.destroy());
  await noteImport(db, { item: 'pi:x', outcome: 'problem', text: 'no', at: 1 });
  await noteImport(db, { item: 'pi:x', outcome: 'done', text: 'yes', source: 'nfs/x', at: 2 });
  assert.deepEqual(await listImports(db), [{ item: 'pi:x', outcome: 'done', text: 'yes', source: 'nfs/x', at: 2 }]);
});
