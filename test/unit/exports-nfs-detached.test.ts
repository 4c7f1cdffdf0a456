import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import {
  adopt,
  boundLog,
  type DetachedProcess,
  endProcess,
  findByArgument,
  isAlive,
  logTail,
  parseProcStat,
  startDetached,
} from '../../core/host/detached.ts';
import { isBakeryCode } from '../contract/nfs-expect.ts';

describe('a detached daemon', () => {
  let folder: string;
  let started: DetachedProcess[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bakery-detached-'));
    started = [];
  });
  afterEach(async () => {
    for (const process of started) await endProcess(process);
    rmSync(folder, { recursive: true });
  });

  const options = (program: string, ...args: readonly string[]) => ({
    program,
    args,
    logFile: join(folder, 'log'),
    recordFile: join(folder, 'record.json'),
  });
  const start = async (program: string, ...args: readonly string[]): Promise<DetachedProcess> => {
    const process = await startDetached(options(program, ...args));
    started.push(process);
    return process;
  };

  test('has a session of its own and is adopted by its record', async () => {
    const process = await start('sleep', '60');
    const session = readFileSync(`/proc/${process.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3];
    assert.equal(session, String(process.pid));
    assert.deepEqual(await adopt(join(folder, 'record.json')), process);
  });

  test('ends on SIGTERM, and ending it again is fine', async () => {
    const process = await start('sleep', '60');
    await endProcess(process, { recordFile: join(folder, 'record.json') });
    await endProcess(process);
    assert.equal(await isAlive(process), false);
    assert.equal(await adopt(join(folder, 'record.json')), undefined);
  });

  test('is killed when it ignores SIGTERM', async () => {
    const process = await start('sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done');
    while (!(await logTail(join(folder, 'log'))).includes('ready')) await systemClock.sleep(10);
    await endProcess(process, { graceMs: 100 });
    assert.equal(await isAlive(process), false);
  });

  test('one that ended by itself is not alive, and its output is in the log', async () => {
    const process = await start('sh', '-c', 'echo out; echo err >&2');
    while (await isAlive(process)) await systemClock.sleep(10);
    assert.equal(await adopt(join(folder, 'record.json')), undefined);
    assert.equal(await logTail(join(folder, 'log')), 'out\nerr');
  });

  test('a pid that is used again, or of another boot, is never ours', async () => {
    const process = await start('sleep', '60');
    for (const wrong of [
      { ...process, startTime: '1' },
      { ...process, bootId: 'another' },
    ]) {
      assert.equal(await isAlive(wrong), false);
      await endProcess(wrong);
      writeFileSync(join(folder, 'wrong.json'), JSON.stringify(wrong));
      assert.equal(await adopt(join(folder, 'wrong.json')), undefined);
    }
    assert.equal(await isAlive(process), true);
  });

  test('a record that is none is no process', async () => {
    const file = join(folder, 'record.json');
    assert.equal(await adopt(file), undefined);
    for (const text of ['', '{', 'null', '[]', '{"pid":1,"startTime":"1","bootId":"x"}', '{"pid":"5"}']) {
      writeFileSync(file, text);
      assert.equal(await adopt(file), undefined);
    }
  });

  test('a program that is not there', async () => {
    await assert.rejects(startDetached(options('no-such-program')), isBakeryCode('tool-missing'));
  });

  test('is found by an argument only it has', async () => {
    const argument = `60.${process.pid}`;
    const found = await start('sleep', argument);
    // The exec may be a moment behind the fork that gave the pid.
    while ((await findByArgument('sleep', argument)).length === 0) await systemClock.sleep(10);
    assert.deepEqual(await findByArgument('sleep', argument), [found]);
    assert.deepEqual(await findByArgument('other', argument), []);
  });

  test('a log is bounded in place', async () => {
    const file = join(folder, 'log');
    writeFileSync(file, `${'old '.repeat(100)}end`);
    await boundLog(file, 1_000);
    assert.equal(statSync(file).size, 403);
    await boundLog(file, 7);
    assert.equal(statSync(file).size, 0);
    assert.equal(readFileSync(`${file}.1`, 'utf8'), 'old end');
    await boundLog(join(folder, 'none'));
  });
});

test('a command named like the fields of its own line', () => {
  const line = `12 (a) R 1 2) S 1 12 12 0 -1 4194304 ${'0 '.repeat(12)}987654 0 0`;
  assert.deepEqual(parseProcStat(line), { state: 'S', startTime: '987654' });
  assert.equal(parseProcStat(''), undefined);
});
