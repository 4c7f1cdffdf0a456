import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { call } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { sh } from '../lab/sh.ts';
import { codeOf, createDisk, diskCount, openFaultLab, until } from './lab.ts';

/** Takes every byte that is left. */
function fill(file: string): void {
  const handle = openSync(file, 'a');
  try {
    for (const size of [4096, 1]) {
      try {
        for (;;) writeSync(handle, Buffer.alloc(size, 'f'));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ENOSPC');
      }
    }
  } finally {
    closeSync(handle);
  }
}

/** A server whose database is on a small disk of its own; what lies on the pool. */
async function openLab(t: Pick<TestContext, 'after'>) {
  const lab = await openFaultLab(t, {
    mib: 1000,
    type: 'xfs',
    pace: { operations: 250 },
    before(folder) {
      mkdirSync(join(folder, 'db'));
      sh('mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', join(folder, 'db'));
      return { DB_PATH: join(folder, 'db', 'bakery.db') };
    },
  });
  return { lab, folder: join(lab.folder, 'db'), volumes: () => readdirSync(join(lab.root, 'pool', 'volumes')) };
}

inOwnNamespace(import.meta.url, () => {
  test('a database without room: changes are refused as such, reads go on, and what was interrupted ends when there is room', async (t) => {
    const { lab, folder, volumes } = await openLab(t);
    assert.equal((await createDisk(lab)).status, 201);
    fill(join(folder, 'filler'));
    // What the log still has room for is written: one of these is cut off somewhere in the middle.
    const answers: { status: number; body: object }[] = [];
    for (let tries = 0; tries < 60 && answers.filter(({ status }) => status === 507).length < 3; tries++) {
      answers.push(await createDisk(lab));
    }
    const refused = answers.filter(({ status }) => status !== 201);
    assert.ok(refused.length >= 3);
    for (const answer of refused) assert.deepEqual([answer.status, codeOf(answer)], [507, 'database-full']);
    const made = answers.filter(({ status }) => status === 201).length + 1;
    assert.equal(await diskCount(lab), made);

    rmSync(join(folder, 'filler'));
    await until('a disk can be made', async () => (await createDisk(lab)).status === 201);
    await until('nothing is left over', async () => {
      const { operations } = await lab.ask<{ operations: { state: string }[] }>('GET', '/operations', 200);
      return operations.every(({ state }) => state === 'done' || state === 'failed');
    });
    const disks = await diskCount(lab);
    assert.equal(volumes().length, disks, 'every volume is a disk');
    assert.equal(disks, made + 1);
  });

  test('an operation whose journal cannot be written any more is undone when there is room again, not at the next start', async (t) => {
    const { lab, folder } = await openLab(t);
    const [image, incoming] = [readFileSync(join(lab.folder, 'tiny.img')), join(lab.root, 'pool', 'incoming')];
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => stream.enqueue(image.subarray(0, 1 << 20)),
      async pull(stream) {
        await until('it is being received', () => readdirSync(incoming).length === 1);
        fill(join(folder, 'filler'));
        stream.enqueue(image.subarray(1 << 20));
        stream.close();
      },
    });
    const answer = await call(lab.bakery, 'POST', '/bakeforms/tiny', body);
    assert.deepEqual([answer.status, codeOf(answer)], [507, 'database-full']);
    rmSync(join(folder, 'filler'));
    await until('it is undone', async () => {
      const { operations } = await lab.ask<{ operations: { state: string }[] }>('GET', '/operations', 200);
      return operations.map(({ state }) => state).join() === 'failed';
    });
    assert.deepEqual(readdirSync(incoming), []);
    assert.equal((await lab.upload('tiny')).status, 201);
  });

  test('a database that is moved away: nothing is written to it any more, until it is back', async (t) => {
    const { lab, folder } = await openLab(t);
    const [file, away] = [join(folder, 'bakery.db'), join(folder, 'away.db')];
    const readiness = async () => (await fetch(new URL('/readyz', lab.bakery.base))).status;
    assert.equal(await readiness(), 200);
    renameSync(file, away);
    await until('it is noticed', async () => (await readiness()) === 503);
    const refused = await createDisk(lab);
    assert.deepEqual([refused.status, codeOf(refused)], [503, 'database-moved']);
    assert.equal(await diskCount(lab), 0);
    writeFileSync(file, 'another file in its place');
    await until('another file is no database of ours', async () => (await readiness()) === 503);
    assert.equal(codeOf(await createDisk(lab)), 'database-moved');

    renameSync(away, file);
    await until('it is noticed', async () => (await readiness()) === 200);
    assert.equal((await createDisk(lab)).status, 201);
    assert.equal(await diskCount(lab), 1);
  });
});
