import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChildRunner, startChildRunner } from '../../core/host/child-runner.ts';
import { childMark, endSurvivors } from '../../core/host/survivors.ts';

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`${what}: not in time`);
    await sleep(20);
  }
}
/** Who starts programs. */
const parent = async ({ exec }: ChildRunner) => Number((await exec('sh', ['-c', 'echo $PPID'])).stdout);
const isGone = (pid: number) =>
  !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

/** Once its process is there. */
async function started(t: { after(end: () => void): void }, endOrphans = async () => undefined): Promise<ChildRunner> {
  const runner = startChildRunner({ MARK: 'ours' }, endOrphans);
  t.after(() => runner.stop());
  await until('its process is there', async () => (await parent(runner)) !== process.pid);
  return runner;
}

test('programs are started by a process of its own, as the server itself would start them', async (t) => {
  const { exec } = await started(t);
  assert.equal((await exec('printf', ['%s|', '$HOME', 'a b', ';ls'])).stdout, '$HOME|a b|;ls|');
  assert.equal((await exec('cat', [], { input: 'yes\n' })).stdout, 'yes\n');
  assert.equal((await exec('od', ['-An', '-tx1'], { input: Buffer.from([0, 255]) })).stdout.trim(), '00 ff');
  assert.equal((await exec('sh', ['-c', 'echo "$A"; pwd'], { env: { A: 'b' }, cwd: '/usr' })).stdout, 'b\n/usr\n');
  assert.equal((await exec('env', [])).stdout.includes('MARK'), false, 'its environment is its own');
  assert.deepEqual(await exec('sh', ['-c', 'echo no >&2; exit 3'], { okCodes: [3] }), {
    code: 3,
    stdout: '',
    stderr: 'no\n',
  });
  await assert.rejects(
    exec('sh', ['-c', 'echo no >&2; exit 3']),
    (error: { code: string; kind: string; detail: string }) => {
      assert.deepEqual([error.kind, error.code], ['internal', 'tool-failed']);
      return error.detail.endsWith('(exit 3): no');
    },
  );
  await assert.rejects(exec('no-such-program-here', []), { code: 'tool-missing' });
  await assert.rejects(exec('sleep', ['60'], { timeoutMs: 100 }), { code: 'tool-timeout' });
  await assert.rejects(exec('sleep', ['60'], { signal: AbortSignal.timeout(100) }), { code: 'tool-cancelled' });
});

test('what is streamed goes through the server itself', async (t) => {
  const { exec } = await started(t);
  async function* bytes() {
    yield Buffer.from('a');
    yield Buffer.from('b');
  }
  assert.equal((await exec('cat', [], { input: bytes() })).stdout, 'ab');
  let got = '';
  const onOutput = async (chunk: Uint8Array) => {
    got += Buffer.from(chunk).toString();
  };
  await exec('printf', ['x'], { onOutput });
  assert.equal(got, 'x');
});

test('when it dies, what it ran has failed, and the next programs run all the same', async (t) => {
  const order: string[] = [];
  const runner = await started(t, async () => {
    order.push('its programs are ended');
    return undefined;
  });
  const first = await parent(runner);
  const held = runner.exec('sleep', ['60']);
  held.catch(() => order.push('it has failed'));
  await sleep(50);
  process.kill(first, 'SIGKILL');
  await assert.rejects(held, { code: 'tool-failed' });
  assert.deepEqual(order, ['its programs are ended', 'it has failed']);
  assert.equal((await runner.exec('echo', ['on'])).stdout, 'on\n');
  await until('another is there', async () => ![first, process.pid].includes(await parent(runner)));
});

test('to end what a dead one ran ends not the next one, which has the same mark', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-runner-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const mark = await childMark(folder);
  const runner = startChildRunner(mark, () => endSurvivors(folder));
  t.after(() => runner.stop());
  await until('its process is there', async () => (await parent(runner)) !== process.pid);
  const first = await parent(runner);
  const held = runner.exec('sh', ['-c', 'echo $$ > "$1"; exec sleep 60', 'sh', join(folder, 'pid')], { env: mark });
  held.catch(() => undefined);
  await until(
    'it runs',
    () => existsSync(join(folder, 'pid')) && readFileSync(join(folder, 'pid'), 'utf8').endsWith('\n'),
  );
  process.kill(first, 'SIGKILL');
  await assert.rejects(held, { code: 'tool-failed' });
  assert.ok(isGone(Number(readFileSync(join(folder, 'pid'), 'utf8'))), 'it goes on behind nobody');
  await until('another is there', async () => ![first, process.pid].includes(await parent(runner)));
});

test('it goes with whoever holds it, and not by the signals that a terminal sends to all', async () => {
  const script = `
    import { startChildRunner } from ${JSON.stringify(new URL('../../core/host/child-runner.ts', import.meta.url).href)};
    const runner = startChildRunner({}, async () => undefined);
    for (;;) {
      const { stdout } = await runner.exec('sh', ['-c', 'echo $PPID']);
      if (Number(stdout) !== process.pid) { console.log(stdout.trim()); break; }
    }
    setInterval(() => undefined, 1_000);
  `;
  const holder = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  holder.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until('it says who', () => said.endsWith('\n'));
  const pid = Number(said);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal);
  await sleep(200);
  assert.equal(isGone(pid), false);
  holder.kill('SIGKILL');
  await until('it is gone', () => isGone(pid));
});
