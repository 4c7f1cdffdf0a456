import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { GaneshaRefusal, openBus } from '../../exports/nfs/ganesha/bus.ts';
import { encodeCall } from '../../exports/nfs/ganesha/dbus-call.ts';
import { DbusFault, takeMessage } from '../../exports/nfs/ganesha/dbus-message.ts';
import { isBakeryCode } from '../contract/nfs-expect.ts';
import { answerBytes, readAs, type Typed } from '../lab/dbus-answer.ts';

const ANSWER: readonly Typed[] = [
  ['q', 65535],
  ['s', "/run/a b'c ü"],
  ['y', 200],
  ['t', 2 ** 40],
  ['i', 7],
  ['b', true],
  [
    [
      ['q', 1],
      ['s', '/one'],
      [
        [
          ['s', 'NFSv3'],
          ['b', false],
        ],
      ],
    ],
    [
      ['q', 2],
      ['s', ''],
      [
        [
          ['s', 'NFSv4'],
          ['b', true],
        ],
        [
          ['s', 'x'],
          ['b', true],
        ],
      ],
    ],
  ],
  ['u', 4294967294],
];

test('an answer is read in either order of bytes, in however many pieces it comes', () => {
  for (const isLittle of [true, false]) {
    const bytes = answerBytes(3, ANSWER, { isLittle });
    for (let size = 0; size < bytes.length; size++) assert.equal(takeMessage(bytes.subarray(0, size)), undefined);
    const taken = takeMessage(Buffer.concat([bytes, Buffer.from('more')]));
    assert.equal(taken?.size, bytes.length);
    const message = { type: 'return', replySerial: 3, errorName: undefined, body: ANSWER.map(readAs) };
    assert.deepEqual(taken?.message, message);
  }
});

test('an error has its name and its words', () => {
  const bytes = answerBytes(9, [['s', 'no']], { errorName: 'org.x.Y' });
  const message = { type: 'error', replySerial: 9, errorName: 'org.x.Y', body: ['no'] };
  assert.deepEqual(takeMessage(bytes)?.message, message);
});

test('whatever a bus sends is a message, a part of one, or refused', () => {
  const whole = answerBytes(3, ANSWER);
  const spoilt = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
    const bytes = Buffer.from(whole);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  const any = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const tail = any.map((bytes) => Buffer.concat([whole.subarray(0, 60), bytes]));
  fc.assert(
    fc.property(fc.oneof(spoilt, any, tail), (bytes) => {
      try {
        const taken = takeMessage(bytes);
        assert.ok(taken === undefined || (taken.size > 0 && taken.size <= bytes.length));
      } catch (error) {
        assert.ok(error instanceof DbusFault, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a message larger than any answer is refused before it is there', () => {
  const bytes = answerBytes(3, ANSWER);
  bytes.writeUInt32LE(2 ** 31, 4);
  assert.throws(() => takeMessage(bytes), DbusFault);
});

test('an array of things that take no bytes is refused', () => {
  const bytes = answerBytes(3, [[[['y', 1]]]]);
  const at = bytes.indexOf('a(y)');
  bytes.write('a()\0', at);
  bytes[at - 1] = 3;
  assert.throws(() => takeMessage(bytes), DbusFault);
});

/** A bus that says `hello`, and then gives each call to `answer`. */
async function startBus(
  t: TestContext,
  answer: (serial: number, socket: Socket) => void,
  hello = 'OK 0123456789abcdef\r\n',
): Promise<{ path: string; sockets: readonly Socket[]; connections: () => number; cut: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-bus-'));
  const path = join(folder, 'bus.sock');
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    let unread = Buffer.alloc(0);
    let isGreeted = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      unread = Buffer.concat([unread, chunk]);
      if (!isGreeted) {
        const end = unread.indexOf('\r\n');
        if (end < 0) return;
        assert.equal(unread.toString('latin1', 0, end), '\0AUTH EXTERNAL 30');
        unread = unread.subarray(end + 2);
        isGreeted = true;
        socket.write(hello);
      }
      const begin = 'BEGIN\r\n';
      if (unread.toString('latin1', 0, begin.length) === begin) unread = unread.subarray(begin.length);
      for (let taken = takeMessage(unread); taken; taken = takeMessage(unread)) {
        const serial = unread.readUInt32LE(8);
        const isHello = unread.subarray(0, taken.size).includes('Hello');
        unread = unread.subarray(taken.size);
        if (isHello) socket.write(answerBytes(serial, [['s', ':1.0']]));
        else answer(serial, socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  t.after(() => {
    cut();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { path, sockets, connections: () => sockets.length, cut };
}

const SHOW = { object: 'ExportMgr', method: 'exportmgr.ShowExports' } as const;

test('calls share a connection, and each gets its own answer whatever their order', async (t) => {
  const waiting: number[] = [];
  const bus = await startBus(t, (serial, socket) => {
    waiting.push(serial);
    if (waiting.length < 3) return;
    for (const one of waiting.reverse()) socket.write(answerBytes(one, [['u', one]]));
  });
  const call = openBus(async () => bus.path);
  const answers = await Promise.all([call(SHOW), call(SHOW), call(SHOW)]);
  const numbers = answers.map(([value]) => Number(value));
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(numbers).size, 3);
  assert.equal(bus.connections(), 1);
});

test('a bus that has gone is connected to anew by the next call, and what was asked of it fails', async (t) => {
  let isMute = true;
  const bus = await startBus(t, (serial, socket) => {
    if (isMute) bus.cut();
    else socket.write(answerBytes(serial, [['u', 5]]));
  });
  const call = openBus(async () => bus.path);
  await assert.rejects(call(SHOW), isBakeryCode('nfs-unavailable'));
  isMute = false;
  assert.deepEqual(await call(SHOW), [5]);
  assert.equal(bus.connections(), 2);
});

test('a connection over which nothing is asked for a while is let go of, and no sooner: a bus has room for so many', async (t) => {
  const bus = await startBus(t, (serial, socket) => {
    setTimeout(() => socket.write(answerBytes(serial, [['u', 5]])), 100);
  });
  const call = openBus(async () => bus.path, { idleMs: 40 });
  for (let n = 0; n < 3; n++) assert.deepEqual(await call(SHOW), [5]);
  assert.equal(bus.connections(), 1);
  await once(bus.sockets[0] ?? assert.fail(), 'close', { signal: AbortSignal.timeout(10_000) });
  assert.deepEqual(await call(SHOW), [5]);
  assert.equal(bus.connections(), 2);
});

test("a call that is not answered in time fails, and its late answer is no other call's", async (t) => {
  let count = 0;
  const bus = await startBus(t, (serial, socket) => {
    if (++count > 1) socket.write(answerBytes(serial, [['u', 5]]));
  });
  const call = openBus(async () => bus.path);
  await assert.rejects(call({ ...SHOW, timeoutMs: 50 }), isBakeryCode('nfs-unavailable'));
  assert.deepEqual(await call(SHOW), [5]);
  assert.equal(bus.connections(), 2);
});

for (const [what, hello, code, detail] of [
  ['a bus that lets nobody in', 'REJECTED EXTERNAL\r\n', 'nfs-unavailable', 'the bus says REJECTED EXTERNAL'],
  ['a bus that greets without an end', 'O'.repeat(2_000), 'nfs-unavailable', 'the bus says '],
  ['one that is no bus', 'OK 1\r\nHTTP/1.1 400 Bad Request\r\n\r\n', 'nfs-reply-unreadable', 'no message of D-Bus'],
] as const) {
  test(`${what} is ${code}`, async (t) => {
    const bus = await startBus(t, () => undefined, hello);
    await assert.rejects(openBus(async () => bus.path)(SHOW), { code, detail });
  });
}

test('without a bus the server is unavailable', async () => {
  await assert.rejects(openBus(async () => '/nowhere/bus.sock')(SHOW), isBakeryCode('nfs-unavailable'));
});

test('what the bus says of a server that is gone is no refusal of the server', async (t) => {
  let name = 'org.freedesktop.DBus.Error.ServiceUnknown';
  const bus = await startBus(t, (serial, socket) =>
    socket.write(answerBytes(serial, [['s', 'words']], { errorName: name })),
  );
  const call = openBus(async () => bus.path);
  await assert.rejects(call(SHOW), isBakeryCode('nfs-unavailable'));
  name = 'org.freedesktop.DBus.Error.InvalidArgs';
  await assert.rejects(call(SHOW), (error: unknown) => error instanceof GaneshaRefusal && error.message === 'words');
});

test('a call is written as the specification lays it out', () => {
  const bytes = encodeCall({
    serial: 2,
    destination: 'a.b',
    path: '/c',
    interface: 'd.e',
    member: 'F',
    args: ['ü', 7],
  });
  const fields = [
    '01 01 6f 00 02 00 00 00 2f 63 00', // PATH: o
    '00 00 00 00 00', // to a multiple of 8, as before each
    '02 01 73 00 03 00 00 00 64 2e 65 00', // INTERFACE: s
    '00 00 00 00',
    '03 01 73 00 01 00 00 00 46 00', // MEMBER: s
    '00 00 00 00 00 00',
    '06 01 73 00 03 00 00 00 61 2e 62 00', // DESTINATION: s
    '00 00 00 00',
    '08 01 67 00 02 73 71 00', // SIGNATURE: g
  ];
  const header = '6c 01 00 01 0a 00 00 00 02 00 00 00 48 00 00 00';
  const body = '02 00 00 00 c3 bc 00 00 07 00';
  assert.equal(bytes.toString('hex'), [header, ...fields, body].join(' ').replaceAll(' ', ''));
});
