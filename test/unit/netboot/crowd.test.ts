import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Ipv4 } from '../../../core/ids.ts';
import { startTftpServer, type TftpLoad, type TftpServer, type TftpTransfer } from '../../../netboot/tftp/server.ts';
import { fetchFile, nextDatagram, openSocket, readRequest, sendTo, until } from './client.ts';

const LOOPBACK = '127.0.0.1' as Ipv4;
const folder = mkdtempSync(join(tmpdir(), 'bakery-crowd-'));
const kernel = randomBytes(60_001);
const transfers: TftpTransfer[] = [];
const faults: string[] = [];
let load: TftpLoad | undefined;
let server: TftpServer;

before(async () => {
  writeFileSync(join(folder, 'kernel'), kernel);
  server = await startTftpServer({
    addresses: [LOOPBACK],
    port: 0,
    log: { debug() {}, info() {}, warn() {}, error: (_fields: object, message: string) => void faults.push(message) },
    onTransfer: (transfer) => transfers.push(transfer),
    onLoad: (now) => {
      load = now;
    },
    resolve: async ({ filename }) =>
      filename === 'none'
        ? { kind: 'error', code: 1, message: 'File not found' }
        : { kind: 'file', root: folder, path: filename },
  });
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

test('300 clients at once get their files whole, and are told at once what is missing', async () => {
  // As boards do: old ROMs without options, firmware with them, and some that know windows.
  const kinds = [
    {},
    { tsize: '0', blksize: '1468' },
    { tsize: '0', blksize: '1024' },
    { blksize: '1468', windowsize: '8' },
  ];
  const addresses = Array.from({ length: 300 }, (_, i) => `127.0.${1 + Math.floor(i / 100)}.${1 + (i % 100)}`);
  const ends = await Promise.all(
    addresses.map(async (from, i) => {
      const options = kinds[i % kinds.length] ?? {};
      const missing = await fetchFile(server.port, 'none', { from, options });
      return { missing, file: await fetchFile(server.port, 'kernel', { from, options }) };
    }),
  );
  assert.equal(ends.filter(({ file }) => file.data.equals(kernel)).length, 300);
  assert.ok(ends.every(({ missing }) => missing.error?.code === 1));
  await until('all are told', () => transfers.length === 600);
  assert.equal(transfers.filter(({ outcome }) => outcome === 'refused').length, 300);
  // Aborted: a copy of the last block met a client that had ended, before its last ACK was read.
  const served = transfers.filter(({ outcome }) => outcome === 'sent' || outcome === 'aborted');
  assert.equal(new Set(served.map(({ client }) => client)).size, 300);
  await until('nothing is left', () => load?.sessions === 0);
  assert.deepEqual(faults, []);
});

test('whatever a client sends to its transfer but ACK and ERROR leaves the transfer as it was', async (context) => {
  const socket = openSocket(context);
  await sendTo(socket, readRequest('kernel'), server.port);
  const first = await nextDatagram(socket);
  assert.equal(first.packet.readUInt16BE(2), 1);
  const copies: Buffer[] = [];
  socket.on('message', (packet) => copies.push(packet));
  for (let i = 0; i < 5_000; i++) {
    const packet = randomBytes(i % 600);
    // Every opcode but 4 and 5; the shortest stay what they are.
    if (packet.length > 1) packet.set([0, [0, 1, 2, 3, 6, 7, 255][i % 7] ?? 0]);
    await sendTo(socket, packet, first.port);
  }
  // An ACK of a block that was never sent, and one that ends too early.
  for (const packet of [Buffer.from([0, 4, 0x70, 0]), Buffer.from([0, 4, 0])]) await sendTo(socket, packet, first.port);
  // Copies of block 1, by the timer, there may be.
  assert.ok(copies.every((packet) => packet.readUInt16BE(2) === 1));
  // As a client does: the socket may be full, and the ACK lost.
  await until('it goes on', () => {
    socket.send(Buffer.from([0, 4, 0, 1]), first.port, LOOPBACK);
    return copies.some((packet) => packet.readUInt16BE(2) === 2);
  });
  await sendTo(socket, Buffer.from('\0\x05\0\0\0', 'latin1'), first.port);
  assert.deepEqual(faults, []);
});
