import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ipv4 } from '../../../core/ids.ts';
import { createPoll } from '../../../netboot/tftp/poll.ts';
import {
  startTftpServer,
  type TftpAnswer,
  type TftpLoad,
  type TftpOptions,
  type TftpServer,
  type TftpTransfer,
} from '../../../netboot/tftp/server.ts';
import { startSession } from '../../../netboot/tftp/session.ts';
import { openSource } from '../../../netboot/tftp/source.ts';
import { fetchFile, nextDatagram, openSocket, readRequest, sendTo, until } from './client.ts';

const LOOPBACK = '127.0.0.1' as Ipv4;
/** A log that keeps the sentences of its errors. */
const logTo = (told: string[]) => ({
  debug() {},
  info() {},
  warn() {},
  error: (_fields: object, message: string) => void told.push(message),
});
const errors: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'bakery-transfers-'));
const transfers: TftpTransfer[] = [];
/** Answers that tests hold back. */
const held: ((answer: TftpAnswer) => void)[] = [];
let server: TftpServer;

const start = (change: Partial<TftpOptions> = {}) =>
  startTftpServer({
    addresses: [LOOPBACK],
    port: 0,
    log: logTo(errors),
    onTransfer: (transfer) => transfers.push(transfer),
    async resolve({ filename }) {
      if (filename === 'crash') return { kind: 'error', code: 0, message: 'crash' };
      if (filename.startsWith('held')) return new Promise((resolve) => held.push(resolve));
      if (filename === 'broken') return { kind: 'file', root: join(folder, 'big'), path: 'x' };
      return { kind: 'file', root: folder, path: filename };
    },
    ...change,
  });
/** A server of a test's own, closed at its end. */
async function startFor(context: TestContext, change?: Partial<TftpOptions>): Promise<TftpServer> {
  const one = await start(change);
  context.after(() => one.close());
  return one;
}

const FAILING = new URL('./failing-thread.ts', import.meta.url);
const big = randomBytes(3_000_000);

before(async () => {
  writeFileSync(join(folder, 'big'), big);
  writeFileSync(join(folder, 'small'), big.subarray(0, 1500));
  server = await start();
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

test('3 MB arrive whole in blocks of 1468, with their size told before', async () => {
  const file = await fetchFile(server.port, 'big', { options: { TSize: '0', blksize: '1468' } });
  assert.deepEqual(
    [...(file.oack ?? [])],
    [
      ['tsize', '3000000'],
      ['blksize', '1468'],
    ],
  );
  assert.ok(file.data.equals(big));
  assert.equal(file.received, Math.floor(big.length / 1468) + 1, 'each block once');
});

test('with a window, losses are repaired and the rest is sent once', async () => {
  const options = { blksize: '1468', windowsize: '16' };
  const file = await fetchFile(server.port, 'big', { options, drop: (nth) => nth % 150 === 0 });
  assert.ok(file.data.equals(big));
  const blocks = Math.floor(big.length / 1468) + 1;
  assert.ok(file.received < blocks + 16 * 2 * 15, `${file.received} packets for ${blocks} blocks`);
});

test('a file of more than 65535 blocks arrives whole', async () => {
  const data = big.subarray(0, 8 * 66_000);
  writeFileSync(join(folder, 'blocks'), data);
  const file = await fetchFile(server.port, 'blocks', { options: { blksize: '8', windowsize: '64' } });
  assert.ok(file.data.equals(data), 'the last block is empty, and the numbers have wrapped');
});

test('a file that shrinks while it is sent ends in ERROR 0', async () => {
  writeFileSync(join(folder, 'shrinks'), big);
  const file = await fetchFile(server.port, 'shrinks', {
    options: { blksize: '1468' },
    onBlock: (blocks) => blocks === 10 && truncateSync(join(folder, 'shrinks'), 1000),
  });
  assert.equal(file.error?.code, 0);
});

test('a file that is there but cannot be opened is a fault: ERROR 0, and a line in the log', async () => {
  const file = await fetchFile(server.port, 'broken');
  assert.deepEqual(file.error, { code: 0, message: 'internal error' });
  assert.ok(errors.includes('a boot file could not be opened'));
});

test('one client holds at most 64 transfers; others are served meanwhile', async (context) => {
  const socketsOfOne = Array.from({ length: 65 }, () => openSocket(context));
  for (const [i, socket] of socketsOfOne.slice(0, 64).entries()) {
    await sendTo(socket, readRequest(`held${i}`), server.port);
  }
  await until('64 transfers', () => held.length === 64);
  const last = socketsOfOne[64] ?? assert.fail();
  const answer = nextDatagram(last);
  await sendTo(last, readRequest('small'), server.port);
  assert.deepEqual([...(await answer).packet.subarray(0, 4)], [0, 5, 0, 0]);
  const before = transfers.length;
  for (const release of held) release({ kind: 'error', code: 1, message: 'File not found' });
  await until('all are refused', () => transfers.length >= before + 64);
  assert.equal((await fetchFile(server.port, 'small')).data.length, 1500, 'given back');
});

test('a datagram from port 0 is no reason to end', async () => {
  // Only a raw socket can send one. Perl is part of every Debian.
  const script = [
    'use Socket; my $d = pack("n", 2) . "x\\0octet\\0";',
    'socket(my $s, PF_INET, SOCK_RAW, 17) or die $!;',
    'send($s, pack("nnnn", 0, $ARGV[0], 8 + length $d, 0) . $d, 0, sockaddr_in(0, inet_aton("127.0.0.1"))) or die $!;',
  ].join('\n');
  const faults = errors.length;
  const { status, stderr } = spawnSync('perl', ['-e', script, String(server.port)], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal((await fetchFile(server.port, 'small')).data.length, 1500);
  assert.equal(errors.length, faults);
});

test('what it has to do is told, and goes back to nothing; what is turned away at once is counted, not told one by one', async (context) => {
  const loads: TftpLoad[] = [];
  const one = await startFor(context, { onLoad: (load) => loads.push(load) });
  const socket = openSocket(context);
  for (let n = 0; n < 100; n++) {
    await sendTo(socket, Buffer.from('\0\x02x\0octet\0'), one.port);
    await sleep(2);
  }
  await sendTo(socket, readRequest('big'), one.port);
  await until('a transfer is told', () => loads.some(({ sessions }) => sessions === 1));
  await sendTo(socket, Buffer.from('\0\x01x\0netascii\0'), one.port);
  const turnedAway = () => loads.reduce((sum, load) => sum + load.turnedAway, 0);
  await until('all that was turned away is told', () => turnedAway() === 101);
  await one.close();
  assert.ok(loads.length < 20, `${loads.length} messages`);
  const other = await startFor(context, { onLoad: (load) => loads.push(load) });
  await fetchFile(other.port, 'small');
  await until('there is nothing to do any more', () => loads.at(-1)?.sessions === 0);
});

test('it can be closed twice, with a transfer under way, and while its thread is down', async (context) => {
  const socket = openSocket(context);
  const busy = await startFor(context);
  await sendTo(socket, readRequest('big'), busy.port);
  await nextDatagram(socket);
  await Promise.all([busy.close(), busy.close()]);

  const told: string[] = [];
  const failing = await startFor(context, { thread: FAILING, threads: 1, log: logTo(told) });
  await sendTo(socket, readRequest('crash'), failing.port);
  await until('the thread has failed', () => told.length > 0);
  await failing.close();
  await startFor(context, { port: failing.port });
});

test('a client that cannot be reached from the address it asked is a failed transfer, no more', {
  timeout: 5_000,
}, async (context) => {
  for (const [client, localAddress] of [
    ['192.0.2.1', '127.0.0.1'], // nothing is sent: the kernel refuses the connect
    ['127.0.0.1', '192.0.2.1'], // an address that is not ours, or not any more
  ] as const) {
    const request = { client: client as Ipv4, port: 9, filename: 'x', localAddress: localAddress as Ipv4 };
    const source = await openSource({ kind: 'bytes', bytes: Buffer.from('x') });
    const thread = { poll: createPoll(), transfers: () => 1 };
    const session = startSession(request, { options: new Map() }, source, thread);
    context.after(() => session.stop());
    assert.equal((await session.done).outcome, 'failed');
  }
});

test('an acknowledgement is looked for between blocks, and not after the last', async (context) => {
  const socket = openSocket(context);
  await new Promise<void>((resolve) => socket.bind(0, LOOPBACK, resolve));
  const { port } = socket.address();
  let looked = 0;
  const thread = { poll: { during: () => void looked++ }, transfers: () => 1 };
  const request = { client: LOOPBACK, port, filename: 'x', localAddress: LOOPBACK };
  const source = await openSource({ kind: 'bytes', bytes: randomBytes(2 * 512 + 1) });
  const session = startSession(request, { options: new Map() }, source, thread);
  context.after(() => session.stop());
  for (let block = 0; block < 3; block++) {
    const { packet, port: from } = await nextDatagram(socket);
    assert.equal(packet.readUInt16BE(2), block + 1);
    await sendTo(socket, Buffer.from([0, 4, 0, block + 1]), from);
  }
  assert.equal((await session.done).outcome, 'sent');
  assert.equal(looked, 2, 'of three blocks');
});

// They wait for timers, so side by side.
describe('with time', { concurrency: true }, () => {
  test('a block that is lost in lock step comes again, by the timer', async () => {
    const file = await fetchFile(server.port, 'small', { drop: (nth) => nth === 2 });
    assert.ok(file.data.equals(big.subarray(0, 1500)));
    assert.equal(file.received, 4);
  });

  test('a Pi that was cut off in a transfer and comes back to the same port is served anew', async (context) => {
    const socket = openSocket(context);
    await sendTo(socket, readRequest('big'), server.port);
    const first = await nextDatagram(socket);
    await sendTo(socket, Buffer.from([0, 4, 0, 1]), first.port);
    await nextDatagram(socket);
    await sendTo(socket, readRequest('small'), server.port);
    const other = await nextDatagram(socket);
    assert.notEqual(other.port, first.port, 'another name: at once');
    assert.ok(other.packet.subarray(4).equals(big.subarray(0, 512)));
    await sendTo(socket, Buffer.from([0, 4, 0, 1]), other.port);
    await nextDatagram(socket);
    await sleep(1_600);
    await sendTo(socket, readRequest('small'), server.port);
    const again = await nextDatagram(socket);
    assert.equal(again.packet.readUInt16BE(2), 1);
    assert.notEqual(again.port, other.port, 'the same name: once the old transfer stands still');
  });

  test('a thread that fails is told of and started again at the same port', async (context) => {
    const told: string[] = [];
    const log = logTo(told);
    const loads: TftpLoad[] = [];
    let restarts = 0;
    const failing = await startFor(context, {
      thread: FAILING,
      threads: 1,
      log,
      onLoad: (load) => loads.push(load),
      onRestart: () => restarts++,
    });
    assert.equal(failing.isListening(), true);
    await sendTo(openSocket(context), readRequest('crash'), failing.port);
    await until('the thread has failed', () => told.includes('the TFTP thread failed'));
    await until('it is known', () => !failing.isListening());
    assert.deepEqual(loads.at(-1), { sessions: 0, turnedAway: 0 }, 'nothing is under way in it any more');
    await until('it listens again', () => failing.isListening());
    assert.equal(restarts, 1);
    assert.equal((await fetchFile(failing.port, 'small')).data.length, 1500);
  });
});
