import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Ipv4 } from '../../../core/ids.ts';
import { startTftpServer, type TftpServer, type TftpTransfer } from '../../../netboot/tftp/server.ts';
import { bootRom } from '../../lab/rom/boot.ts';
import { createRomTftp } from '../../lab/rom/tftp.ts';
import { size } from '../../sizes.ts';
import { openSocket } from './client.ts';

const LOOPBACK = '127.0.0.1' as Ipv4;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
let folder: string;
let server: TftpServer;
const asked: string[] = [];
const transfers: TftpTransfer[] = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bakery-tftp-'));
  server = await startTftpServer({
    addresses: [LOOPBACK],
    port: 0,
    log: quiet,
    onTransfer: (transfer) => transfers.push(transfer),
    async resolve({ filename }) {
      asked.push(filename);
      if (filename === 'throw') throw new Error('a secret');
      if (filename === 'bytes') return { kind: 'bytes', bytes: Buffer.from('rendered') };
      return { kind: 'file', root: folder, path: filename };
    },
  });
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const rom = () => createRomTftp({ server: LOOPBACK, port: server.port, firstPort: 0, fileTimeoutMs: 5_000 });
const put = (name: string, data: Uint8Array) => writeFileSync(join(folder, name), data);

for (const bytes of [0, 1, 511, 512, 513, 1024, 300_001]) {
  test(`a file of ${bytes} bytes arrives whole, with and without options`, async () => {
    const data = randomBytes(bytes);
    put(`f${bytes}`, data);
    for (const options of [[], ['tsize', '0']]) {
      const file = await rom().fetch(`f${bytes}`, options);
      assert.equal(file.outcome, 'fetched');
      assert.ok(file.data?.equals(data));
    }
  });
}

test('a missing file, a link and a folder are ERROR 1', async () => {
  symlinkSync('/etc/hostname', join(folder, 'link'));
  for (const name of ['none', 'link', '.']) assert.equal((await rom().fetch(name, [])).outcome, 'missing', name);
});

test('a probe is ended by ERROR 0 and the file can be read after it', async () => {
  put('probed', randomBytes(5000));
  assert.equal((await rom().probe('probed', ['tsize', '0'])).outcome, 'exists');
  assert.equal((await rom().fetch('probed', ['tsize', '0'])).bytes, 5000);
  assert.ok(transfers.some((transfer) => transfer.filename === 'probed' && transfer.outcome === 'aborted'));
});

test('a fault of ours is told as ERROR 0 without its reason', async () => {
  const answer = await exchange(request('throw'));
  assert.deepEqual([answer.readUInt16BE(0), answer.readUInt16BE(2)], [5, 0]);
  assert.ok(!answer.toString().includes('secret'));
});

test('a write is refused, another mode too', async () => {
  const wrq = Buffer.from('\0\x02x\0octet\0', 'latin1');
  assert.deepEqual([...(await exchange(wrq)).subarray(0, 4)], [0, 5, 0, 2]);
  const mail = Buffer.from('\0\x01x\0netascii\0', 'latin1');
  assert.deepEqual([...(await exchange(mail)).subarray(0, 4)], [0, 5, 0, 4]);
});

function request(name: string, ...options: string[]): Buffer {
  return Buffer.from(`\0\x01${name}\0octet\0${options.map((option) => `${option}\0`).join('')}`, 'latin1');
}
function send(socket: Socket, packet: Uint8Array, port = server.port): Promise<void> {
  return new Promise((resolve) => socket.send(packet, port, LOOPBACK, () => resolve()));
}
async function exchange(packet: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    await send(socket, packet);
    return await new Promise((resolve, reject) => {
      socket.once('message', resolve);
      setTimeout(() => reject(new Error('no answer')), 3_000).unref();
    });
  } finally {
    socket.close();
  }
}

test('a request sent twice starts one transfer, and a duplicated ACK duplicates no block', async (context) => {
  put('once', randomBytes(5 * 512));
  const socket = openSocket(context);
  const blocks: number[] = [];
  const first = new Promise<number>((resolve) =>
    socket.on('message', (datagram, from) => {
      blocks.push(datagram.readUInt16BE(2));
      resolve(from.port);
    }),
  );
  await send(socket, request('once'));
  await send(socket, request('once'));
  const peer = await first;
  for (let i = 0; i < 10; i++) await send(socket, Buffer.from([0, 4, 0, 1]), peer);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(blocks, [1, 2]);
  assert.equal(asked.filter((name) => name === 'once').length, 1);
  await send(socket, Buffer.from('\0\x05\0\0\0', 'latin1'), peer);
});

test('what a stranger sends to a transfer changes nothing', async (context) => {
  put('mine', randomBytes(3 * 512));
  const [socket, stranger] = [openSocket(context), openSocket(context)];
  const blocks: number[] = [];
  const first = new Promise<number>((resolve) =>
    socket.on('message', (datagram, from) => {
      blocks.push(datagram.readUInt16BE(2));
      resolve(from.port);
    }),
  );
  await send(socket, request('mine'));
  const peer = await first;
  await send(stranger, Buffer.from([0, 4, 0, 1]), peer);
  await send(stranger, Buffer.from('\0\x05\0\0\0', 'latin1'), peer);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(blocks, [1]);
  await send(socket, Buffer.from([0, 4, 0, 1]), peer);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(blocks, [1, 2]);
});

test('hostile datagrams of every length leave it serving', async (context) => {
  const socket = openSocket(context);
  for (let i = 0; i < size('tftpHostileDatagrams'); i++) {
    const packet = randomBytes(i % 600);
    if (packet.length > 1) packet.set([0, i % 7]);
    await send(socket, packet);
  }
  const file = await createRomTftp({ server: LOOPBACK, port: server.port, firstPort: 0 }).fetch('bytes', []);
  assert.equal(file.data?.toString(), 'rendered');
});

test('a port that is taken is told with its number', async () => {
  await assert.rejects(
    startTftpServer({
      addresses: [LOOPBACK],
      port: server.port,
      log: quiet,
      resolve: async () => ({ kind: 'error', code: 1, message: '' }),
    }),
    (error: Error) =>
      error.message.includes(`127.0.0.1:${server.port}`) && 'code' in error && error.code === 'tftp-port-in-use',
  );
});

test('the boot ROM of a Pi 3B goes through its files, under its serial or without', async () => {
  const files = {
    'bootcode.bin': 'a',
    'start.elf': 'b',
    'fixup.dat': 'c',
    'cmdline.txt': 'quiet\n',
    'kernel8.img': 'k',
  };
  for (const prefix of ['5564247d', '']) {
    const dir = mkdtempSync(join(tmpdir(), 'bakery-rom-'));
    for (const [name, text] of Object.entries({ ...files, 'config.txt': 'arm_64bit=1\n', 'bcm2710-rpi-3-b.dtb': 'd' }))
      writeFileSync(join(dir, name), text);
    const one = await startTftpServer({
      addresses: [LOOPBACK],
      port: 0,
      log: quiet,
      async resolve({ filename }) {
        const path = prefix !== '' && filename.startsWith(`${prefix}/`) ? filename.slice(9) : filename;
        const served = prefix === '' ? !filename.includes('/') : path !== filename || filename === 'bootcode.bin';
        return served ? { kind: 'file', root: dir, path } : { kind: 'error', code: 1, message: 'File not found' };
      },
    });
    const run = await bootRom({
      model: '3b',
      server: LOOPBACK,
      port: one.port,
      serial: '5564247d',
      firstPort: 0,
      fileTimeoutMs: 2_000,
    });
    await one.close();
    rmSync(dir, { recursive: true });
    assert.equal(run.failure, undefined);
    assert.equal(run.boot?.prefix, prefix === '' ? '' : '5564247d/');
    assert.equal(run.boot?.cmdline, 'quiet');
    const order = run.requests.map((made) => made.path.replace('5564247d/', '')).slice(0, 8);
    assert.deepEqual(order, [
      'bootcode.bin',
      'bootsig.bin',
      'start.elf',
      'autoboot.txt',
      'config.txt',
      'recovery.elf',
      'start.elf',
      'fixup.dat',
    ]);
  }
});

test('the boot ROM sends a request again every 2 s and gives a silent server up', async () => {
  const silent = createSocket('udp4');
  const seen: number[] = [];
  silent.on('message', (_datagram, from) => seen.push(from.port));
  await new Promise<void>((resolve) => silent.bind(0, LOOPBACK, () => resolve()));
  const run = await bootRom({
    model: '3b',
    server: LOOPBACK,
    port: silent.address().port,
    serial: '5564247d',
    firstPort: 0,
    fileTimeoutMs: 500,
    resendMs: 100,
  });
  silent.close();
  assert.match(run.failure ?? '', /no bootcode\.bin/);
  assert.ok(seen.length >= 4, `${seen.length} requests`);
  assert.equal(new Set(seen).size, 1, 'all from one port');
});
