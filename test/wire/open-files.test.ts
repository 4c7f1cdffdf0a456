import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket as TcpSocket } from 'node:net';
import { after, before, test } from 'node:test';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';
import { size } from '../sizes.ts';

/** More than the buffers of a connection hold. */
const LARGE = 5 * 1024 ** 2;

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;
  let pi = '';
  const clients: { destroy(): void }[] = [];

  const rest = () => untilAtRest(rack.world, 60_000);
  const auth = () => `Authorization: Bearer ${bakery.token}\r\n`;
  const upload = (name: string, body: Uint8Array) =>
    fetch(new URL(`/api/v1/oven/${pi}/upload/${name}`, bakery.base), {
      method: 'POST',
      headers: { authorization: `Bearer ${bakery.token}`, 'content-type': 'application/octet-stream' },
      body: Buffer.from(body),
    }).then(({ status }) => status);

  /** A connection that sends this and reads no more than what it is asked for. */
  async function send(head: string): Promise<TcpSocket> {
    const socket = connect({ port: Number(new URL(bakery.base).port), host: '127.0.0.1', noDelay: true });
    clients.push(socket);
    socket.on('error', () => undefined).pause();
    await once(socket, 'connect');
    socket.write(head);
    return socket;
  }

  /** A client that gets the first block of a file and dies, as a Pi does whose power is cut. */
  async function beginTftp(filename: string): Promise<Socket> {
    const socket = createSocket('udp4');
    clients.push({ destroy: () => socket.close() });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const first = once(socket, 'message') as Promise<[Buffer]>;
    socket.send(Buffer.from(`\0\u0001${filename}\0octet\0`, 'latin1'), bakery.tftpPort, '127.0.0.1');
    const [block] = await first;
    assert.deepEqual([...block.subarray(0, 4)], [0, 3, 0, 1], 'DATA, block 1');
    return socket;
  }

  before(async () => {
    rack = await makeRack(1);
    bakery = await rack.start();
    assert.equal((await call(bakery, 'POST', '/bakeforms/tiny', rack.image)).status, 201);
    await register(bakery, rack.serials[0] ?? '');
    await bake();
  });
  after(async () => {
    for (const client of clients) client.destroy();
    await rack?.close(bakery);
  });

  async function bake(): Promise<void> {
    const answer = await call(bakery, 'POST', '/fridge', { bakeformName: 'tiny' });
    assert.equal(answer.status, 202);
    pi = (answer.body as { id: string }).id;
    await rest();
  }

  test('whoever reads or writes a file of a Pi in the middle of its unbake lets go of its root', async () => {
    assert.equal(await upload('large', Buffer.alloc(LARGE)), 200);
    const download = await send(`GET /api/v1/oven/${pi}/download/large HTTP/1.1\r\nHost: a\r\n${auth()}\r\n`);
    const boot = await send(`GET /files/${pi}/kernel8.img HTTP/1.1\r\nHost: a\r\n\r\n`);
    const half = await send(
      `POST /api/v1/oven/${pi}/upload/half HTTP/1.1\r\nHost: a\r\n${auth()}Content-Type: application/octet-stream\r\nContent-Length: 9000\r\n\r\nhalf`,
    );
    await beginTftp(`${pi}/kernel8.img`);
    for (const socket of [download, boot]) await once(socket, 'readable');
    const told = once(half, 'readable');
    assert.equal((await call(bakery, 'DELETE', `/oven/${pi}`)).status, 200);
    await rest();
    await told;
    assert.match(String(half.read()), /^HTTP\/1.1 409 [\s\S]*pi-not-baked/);
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test(`${size('uploadRaces')} unbakes among uploads leave no file where no root is mounted`, async () => {
    const counts = new Map<number, number>();
    for (let round = 0; round < size('uploadRaces'); round++) {
      await bake();
      let isOver = false;
      const writers = Array.from({ length: 8 }, async (_, i) => {
        while (!isOver) {
          const status = await upload(`file-${i}`, Buffer.from('text'));
          counts.set(status, (counts.get(status) ?? 0) + 1);
          assert.ok([200, 409].includes(status), `${status}`);
        }
      });
      const [before, until] = [counts.get(200) ?? 0, Date.now() + 20_000];
      while ((counts.get(200) ?? 0) < before + 8 && Date.now() < until)
        await new Promise((done) => setTimeout(done, 5));
      assert.equal((await call(bakery, 'DELETE', `/oven/${pi}`)).status, 200);
      await rest();
      isOver = true;
      await Promise.all(writers);
      assert.deepEqual(await checkWorld(rack.world), []);
    }
    process.stdout.write(`${JSON.stringify(Object.fromEntries(counts))}\n`);
    assert.ok((counts.get(200) ?? 0) > size('uploadRaces') && (counts.get(409) ?? 0) > 0);
  });
});
