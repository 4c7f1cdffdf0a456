import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Upload } from 'tus-js-client';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack } from '../lab/rack.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';

interface Told {
  readonly id: string;
  readonly bytes: number;
  readonly offset: number;
}

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;
  let sha256 = '';

  before(async () => {
    rack = await makeRack(0);
    bakery = await rack.start();
    sha256 = createHash('sha256').update(rack.image).digest('hex');
  });
  afterEach(async () => {
    await untilAtRest(rack.world, 60_000);
    assert.deepEqual(await checkWorld(rack.world), []);
  });
  after(() => rack?.close(bakery));

  const auth = () => ({ authorization: `Bearer ${bakery.token}` });
  const at = (id: string) => `${bakery.base}/uploads/${id}`;
  const files = () => readdirSync(join(rack.world.root, 'pool/incoming'));
  const code = async (answer: Promise<Response>) => {
    const { status, body } = await answer.then(async (got) => ({ status: got.status, body: await got.text() }));
    return [status, body === '' ? undefined : (JSON.parse(body) as { code?: string }).code];
  };

  async function begin(bytes = rack.image.length): Promise<string> {
    const headers = { ...auth(), 'upload-length': String(bytes) };
    const answer = await fetch(`${bakery.base}/uploads`, { method: 'POST', headers });
    assert.equal(answer.status, 201);
    const { id, offset } = (await answer.json()) as Told;
    assert.equal(new URL(answer.headers.get('location') ?? '', bakery.base).href, at(id));
    assert.equal(offset, 0);
    return id;
  }
  const send = (id: string, offset: number, body: Uint8Array | ReadableStream) =>
    fetch(at(id), {
      method: 'PATCH',
      headers: { ...auth(), 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
      body,
      duplex: 'half',
    } as RequestInit);
  const offsetOf = async (id: string) => {
    const { status, headers } = await fetch(at(id), { method: 'HEAD', headers: auth() });
    assert.deepEqual([status, headers.get('cache-control')], [200, 'no-store']);
    return Number(headers.get('upload-offset'));
  };
  /** Waits until so many bytes are there. */
  async function untilThere(id: string, bytes: number): Promise<void> {
    while ((await offsetOf(id)) !== bytes) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  /** Brings these bytes, and then nothing for as long as it lives. */
  function hanging(bytes: Uint8Array): { body: ReadableStream; end(): void } {
    const never = Promise.withResolvers<void>();
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(bytes);
        await never.promise;
        controller.error(new Error('cut'));
      },
    });
    return { body, end: never.resolve };
  }
  const make = (path: string) =>
    call(bakery, 'POST', path) as Promise<{ status: number; body: { code?: string; sha256?: string } }>;
  const remove = (id: string) => fetch(at(id), { method: 'DELETE', headers: auth() });

  /** A wire to the server that can be cut. */
  async function wire(cutAfter: number): Promise<{ base: string; cuts: () => number; server: Server }> {
    let [passed, cuts] = [0, 0];
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      const upstream = connect(Number(new URL(bakery.base).port), '127.0.0.1');
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => [client, upstream].map((one) => one.destroy()));
      }
      upstream.pipe(client);
      client.on('data', (chunk: Buffer) => {
        passed += chunk.length;
        upstream.write(chunk);
        if (passed < cutAfter * (cuts + 1) || cuts >= 2) return;
        cuts++;
        for (const socket of sockets) socket.destroy();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    return { base: `http://127.0.0.1:${port}/api/v1`, cuts: () => cuts, server };
  }

  test('a client of tus uploads an image over a wire that is cut twice, and a bakeform is made of it', async () => {
    const { base, cuts, server } = await wire(Math.floor(rack.image.length / 3));
    const told: number[] = [];
    const url = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(rack.image, {
        endpoint: `${base}/uploads`,
        retryDelays: [50, 50, 50, 50],
        headers: auth(),
        onShouldRetry: () => true,
        onChunkComplete: (_size, accepted) => told.push(accepted),
        onError: reject,
        onSuccess: () => resolve(upload.url ?? ''),
      });
      upload.start();
    }).finally(() => server.close());
    assert.equal(cuts(), 2);
    assert.equal(told.at(-1), rack.image.length);
    const id = url.split('/').at(-1) ?? '';
    assert.equal(await offsetOf(id), rack.image.length);
    assert.deepEqual(files(), [`upload-${id}`]);
    const made = await make(`/bakeforms/pieces?upload=${id}&sha256=${sha256}`);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    assert.equal(made.body.sha256, sha256);
    assert.deepEqual(files(), [], 'it is a bakeform now');
    assert.deepEqual(await code(fetch(at(id), { headers: auth() })), [404, 'upload-unknown']);
  });

  test('what has come is there after the server was killed, and the upload goes on', async () => {
    const half = Math.floor(rack.image.length / 2);
    const id = await begin();
    const { body, end } = hanging(rack.image.subarray(0, half));
    const answered = send(id, 0, body).catch(() => undefined);
    await untilThere(id, half);
    assert.equal(await bakery.kill(), 'SIGKILL');
    end();
    await answered;
    bakery = await rack.start();
    assert.equal(await offsetOf(id), half);
    const { uploads } = (await call(bakery, 'GET', '/uploads')).body as { uploads: Told[] };
    assert.deepEqual(
      uploads.map(({ id: one, bytes, offset }) => [one, bytes, offset]),
      [[id, rack.image.length, half]],
    );
    const early = await make(`/bakeforms/half?upload=${id}`);
    assert.equal(early.body.code, 'upload-incomplete');
    assert.equal((await send(id, half, rack.image.subarray(half))).status, 204);
    // Other bytes than it was to have: nothing is made of it, and nothing lost.
    const wrong = await make(`/bakeforms/half?upload=${id}&sha256=${'0'.repeat(64)}`);
    assert.equal(wrong.body.code, 'sha-differs');
    assert.equal(await offsetOf(id), rack.image.length);
    assert.equal((await call(bakery, 'POST', `/bakeforms/half?upload=${id}&sha256=${sha256}`)).status, 201);
  });

  test('a piece that begins elsewhere, is too long, or belongs to nothing is refused, and what is there stays', async () => {
    const id = await begin(100);
    assert.equal((await send(id, 0, Buffer.alloc(60, 'a'))).headers.get('upload-offset'), '60');
    assert.deepEqual(await code(send(id, 0, Buffer.alloc(60, 'b'))), [409, 'upload-offset']);
    assert.deepEqual(await code(send(id, 61, Buffer.alloc(39, 'b'))), [409, 'upload-offset']);
    assert.deepEqual(await code(send(id, 60, Buffer.alloc(41, 'b'))), [413, 'upload-too-long']);
    assert.equal(await offsetOf(id), 60);
    assert.equal((await send(id, 60, Buffer.alloc(0))).status, 204);
    assert.deepEqual(await code(send(crypto.randomUUID(), 0, Buffer.alloc(1))), [404, 'upload-unknown']);
    assert.deepEqual(await code(send('..%2fbakery.db', 0, Buffer.alloc(1))), [400, 'bad-upload-id']);
    for (const offset of ['', ' ', '-1', '1e2', '0x3c', '60.0', '60,60']) {
      const headers = { ...auth(), 'upload-offset': offset };
      assert.deepEqual(
        await code(fetch(at(id), { method: 'PATCH', headers, body: 'b' })),
        [400, 'bad-request'],
        offset,
      );
    }
    const none = { method: 'POST', headers: { ...auth(), 'upload-length': '0' } };
    assert.deepEqual(await code(fetch(`${bakery.base}/uploads`, none)), [400, 'bad-request']);
    const large = { method: 'POST', headers: { ...auth(), 'upload-length': String(2 ** 49) } };
    assert.deepEqual(await code(fetch(`${bakery.base}/uploads`, large)), [413, 'upload-too-large']);
    const other = { method: 'POST', headers: { ...auth(), 'upload-length': '9', 'tus-resumable': '0.2.2' } };
    const refused = await fetch(`${bakery.base}/uploads`, other);
    assert.equal(refused.headers.get('tus-version'), '1.0.0');
    assert.deepEqual(await code(Promise.resolve(refused)), [412, 'tus-version']);
    assert.deepEqual(await code(remove(id)), [204, undefined]);
    assert.deepEqual(await code(remove(id)), [404, 'upload-unknown']);
    assert.deepEqual(files(), []);
  });

  test('who sends anew goes on at once, though the connection before still hangs', async () => {
    const id = await begin();
    const first = hanging(rack.image.subarray(0, 5_000));
    const answered = code(send(id, 0, first.body)).catch(() => undefined);
    await untilThere(id, 5_000);
    const second = hanging(rack.image.subarray(5_000, 9_000));
    const beside = send(id, 5_000, second.body).catch(() => undefined);
    assert.deepEqual(await answered, [409, 'upload-offset']);
    await untilThere(id, 9_000);
    // Four at once of the same: each ends the one before, and what is there is what one of them sent.
    const rest = await Promise.all(Array.from({ length: 4 }, () => code(send(id, 9_000, rack.image.subarray(9_000)))));
    assert.ok(
      rest.every(([status]) => status === 204 || status === 409),
      JSON.stringify(rest),
    );
    const there = await offsetOf(id);
    assert.ok(there >= 9_000);
    if (there < rack.image.length) assert.equal((await send(id, there, rack.image.subarray(there))).status, 204);
    first.end();
    second.end();
    await beside;
    assert.equal((await call(bakery, 'POST', `/bakeforms/anew?upload=${id}&sha256=${sha256}`)).status, 201);
  });

  test('one that is deleted while a piece comes is gone, and there may be a hundred at most', async () => {
    const id = await begin();
    const piece = hanging(rack.image.subarray(0, 1_000));
    const answered = code(send(id, 0, piece.body)).catch(() => undefined);
    await untilThere(id, 1_000);
    assert.equal((await remove(id)).status, 204);
    await answered;
    piece.end();
    assert.deepEqual(files(), []);
    const ids: string[] = [];
    for (let n = 0; n < 100; n++) ids.push(await begin(1));
    const headers = { ...auth(), 'upload-length': '1' };
    const over = fetch(`${bakery.base}/uploads`, { method: 'POST', headers });
    assert.deepEqual(await code(over), [409, 'uploads-too-many']);
    const page = (await call(bakery, 'GET', '/uploads?limit=60')).body as { uploads: Told[]; next: string };
    const rest = (await call(bakery, 'GET', `/uploads?cursor=${page.next}`)).body as { uploads: Told[] };
    const seen = [...page.uploads, ...rest.uploads].map((one) => one.id);
    assert.deepEqual(seen.toSorted(), ids.toSorted());
    for (const one of ids) assert.equal((await remove(one)).status, 204);
  });
});
