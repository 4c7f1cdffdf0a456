import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Ipv4 } from '../../../core/ids.ts';
import { startTftpServer, type TftpAnswer, type TftpOptions, type TftpServer } from '../../../netboot/tftp/server.ts';
import { fetchFile, nextDatagram, openSocket, readRequest, sendTo, until } from './client.ts';

const LOOPBACK = '127.0.0.1' as Ipv4;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const folder = mkdtempSync(join(tmpdir(), 'bakery-threads-'));
writeFileSync(join(folder, 'file'), randomBytes(600_000));
writeFileSync(join(folder, 'small'), randomBytes(1500));
after(() => rmSync(folder, { recursive: true }));

const isFile = async ({ filename }: { filename: string }): Promise<TftpAnswer> =>
  filename === 'crash' ? { kind: 'error', code: 0, message: 'crash' } : { kind: 'file', root: folder, path: filename };

async function startFor(context: TestContext, change: Partial<TftpOptions> = {}): Promise<TftpServer> {
  const server = await startTftpServer({ addresses: [LOOPBACK], port: 0, log: quiet, resolve: isFile, ...change });
  context.after(() => server.close());
  return server;
}

test('a transfer goes on while the thread that answers requests does nothing else', async (context) => {
  const server = await startFor(context);
  const shared = new SharedArrayBuffer(8);
  const flags = new Int32Array(shared);
  const workerData = { port: server.port, name: 'file', shared };
  const client = new Worker(new URL('./busy-client.ts', import.meta.url), { workerData });
  context.after(() => client.terminate());
  assert.deepEqual(await once(client, 'message'), ['begun']);
  Atomics.store(flags, 0, 1);
  Atomics.notify(flags, 0);
  // From here on nothing runs in this thread, for 30 s at most, until the client has it all.
  Atomics.wait(flags, 1, 0, 30_000);
  assert.equal(Atomics.load(flags, 1), 600_000);
});

/** How many threads go first: each has a nice value of its own (proc(5), field 19; the second field may hold blanks). */
const preferred = () =>
  readdirSync('/proc/self/task').filter((id) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16] === '-5';
  }).length;

test('its threads go before everything else in the process', async (context) => {
  // The pool of threads for files takes on the value of whoever needs it first.
  await readdir('/proc/self/task');
  const before = preferred();
  await startFor(context, { threads: 3 });
  assert.equal(preferred() - before, 3);
});

test('a thread with a crowd of clients goes with the others, and first again when few are left', async (context) => {
  await readdir('/proc/self/task');
  const before = preferred();
  const held: (() => void)[] = [];
  const server = await startFor(context, {
    threads: 1,
    resolve: () =>
      new Promise((resolve) => held.push(() => resolve({ kind: 'error', code: 1, message: 'File not found' }))),
  });
  const ask = async (many: number) => {
    for (let n = 0; n < many; n++) await sendTo(openSocket(context), readRequest('name'), server.port);
    await until('all have asked', () => held.length === many);
  };
  await ask(32);
  // Told at most five times a second.
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(preferred() - before, 1, 'a rack of them is no crowd');
  for (const release of held.splice(0)) release();
  await ask(33);
  await until('it goes with the others', () => preferred() === before);
  for (const release of held.splice(0)) release();
  await until('it goes first again', () => preferred() - before === 1);
});

test('requests of many clients are spread over the threads, and those of one port go to one', async (context) => {
  const asked: string[] = [];
  const held: ((answer: TftpAnswer) => void)[] = [];
  const server = await startFor(context, {
    threads: 4,
    resolve({ filename }) {
      asked.push(filename);
      return new Promise((resolve) => held.push(resolve));
    },
  });
  const sockets = Array.from({ length: 40 }, () => openSocket(context));
  for (const [i, socket] of sockets.entries()) {
    for (let copy = 0; copy < 3; copy++) await sendTo(socket, readRequest(`name${i}`), server.port);
  }
  await until('all have asked', () => asked.length >= 40);
  const answers = sockets.map(nextDatagram);
  for (const release of held) release({ kind: 'bytes', bytes: Buffer.from('x') });
  const ports = (await Promise.all(answers)).map(({ port }) => port);
  assert.equal(new Set(asked).size, 40);
  assert.equal(asked.length, 40, 'a repeated request was passed over');
  assert.equal(new Set(ports).size, 40);
});

test('what one client may have under way is counted over all threads', async (context) => {
  const held: ((answer: TftpAnswer) => void)[] = [];
  let turnedAway = 0;
  const server = await startFor(context, {
    threads: 4,
    resolve: () => new Promise((resolve) => held.push(resolve)),
    onLoad: (load) => {
      turnedAway += load.turnedAway;
    },
  });
  const sockets = Array.from({ length: 80 }, () => openSocket(context));
  let refused = 0;
  for (const socket of sockets) {
    socket.on('message', (packet) => {
      if (packet.toString('latin1', 4).startsWith('too many')) refused++;
    });
    await sendTo(socket, readRequest('x'), server.port);
  }
  await until('the rest is refused', () => refused === 16);
  assert.equal(held.length, 64);
  await until('that is told', () => turnedAway === 16);
});

test('another server cannot share its port, nor begin where a sharing one is', async (context) => {
  const server = await startFor(context, { threads: 2 });
  await assert.rejects(startFor(context, { port: server.port }), { code: 'tftp-port-in-use' });
});

test('while one thread is down the other serves, and what the dead one had under way is given back', async (context) => {
  let restarts = 0;
  const loads: number[] = [];
  const server = await startFor(context, {
    threads: 2,
    thread: new URL('./failing-thread.ts', import.meta.url),
    onRestart: () => restarts++,
    onLoad: ({ sessions }) => loads.push(sessions),
  });
  await sendTo(openSocket(context), readRequest('crash'), server.port);
  await until('a thread has died', () => loads.at(-1) === 0);
  assert.equal(server.isListening(), true);
  const files = await Promise.all(Array.from({ length: 20 }, () => fetchFile(server.port, 'small')));
  assert.ok(files.every(({ data }) => data.length === 1500));
  await until('it is started again', () => restarts === 1);
});
