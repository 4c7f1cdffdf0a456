import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { lockRoot } from '../../db/lock.ts';
import { openDatabase } from '../../db/open.ts';

test('a commit that has returned is on the disk: WAL, synchronous=FULL, foreign keys', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-db-'));
  const db = await openDatabase(join(folder, 'bakery.db'));
  try {
    const pragma = async (name: string) =>
      Object.values((await sql.raw(`pragma ${name}`).execute(db)).rows[0] as object)[0];
    assert.equal(await pragma('journal_mode'), 'wal');
    // 2 is FULL (sqlite.org/pragma.html#pragma_synchronous): the WAL is synced at each commit.
    assert.equal(await pragma('synchronous'), 2);
    assert.equal(await pragma('foreign_keys'), 1);
  } finally {
    await db.destroy();
    rmSync(folder, { recursive: true });
  }
});

test('a root that a server has is refused to another, until the first has ended, however it ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-lock-'));
  const file = join(folder, 'lock.db');
  const module = fileURLToPath(new URL('../../db/lock.ts', import.meta.url));
  const script = `import { lockRoot } from ${JSON.stringify(module)}; globalThis.lock = lockRoot(process.argv[1]); console.log('locked'); setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', script, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await new Promise((resolve) => other.stdout.once('data', resolve));
    assert.throws(() => lockRoot(file), { code: 'root-in-use' });
    const ended = new Promise((resolve) => other.once('close', resolve));
    other.kill('SIGKILL');
    await ended;
    lockRoot(file)();
    lockRoot(file)();
  } finally {
    other.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
