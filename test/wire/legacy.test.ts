import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeTinyImage } from '../lab/tiny-image.ts';
import { basicAuth, chunk, GoConnection, goHead } from './go-client.ts';

const BASE = '/api/v1';

inOwnNamespace(import.meta.url, () => {
  let folder: string;
  let bakery: RunningBakery;
  let image: Buffer;
  let port: number;
  let auth: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bakery-wire-'));
    makeTinyImage(join(folder, 'tiny.img'));
    image = readFileSync(join(folder, 'tiny.img'));
    bakery = await startBakery({ root: join(folder, 'root'), settings: { BAKERY_ADDRESS: '127.0.0.1' } });
    port = Number(new URL(bakery.base).port);
    auth = basicAuth(bakery.token);
  });
  after(async () => {
    await bakery?.stop();
    await stopLeftovers(join(folder, 'root'));
    rmSync(folder, { recursive: true, force: true });
  });

  /** One call as the Go client makes it. */
  async function go(method: string, path: string, options: { body?: string | Uint8Array; contentType?: string } = {}) {
    const connection = new GoConnection(port);
    try {
      const body = Buffer.from(options.body ?? '');
      const length = options.body !== undefined || method === 'POST' ? { length: body.length } : {};
      const type = options.contentType === undefined ? {} : { contentType: options.contentType };
      await connection.write(
        goHead({ method, path: BASE + path, host: `127.0.0.1:${port}`, auth, ...length, ...type }),
      );
      await connection.write(body);
      const answer = await connection.answer();
      const json = answer.headers.get('content-type')?.includes('json');
      return { status: answer.status, body: (json ? JSON.parse(answer.body) : answer.body) as never };
    } finally {
      connection.close();
    }
  }
  /** A chunked upload of unknown length, 64 KiB at a time. */
  async function upload(name: string, bytes: Uint8Array) {
    const connection = new GoConnection(port);
    try {
      const head = { method: 'POST', path: `${BASE}/bakeforms/${name}`, host: `127.0.0.1:${port}`, auth };
      await connection.write(goHead({ ...head, length: 'chunked', contentType: 'application/x-raw-disk-image' }));
      for (let at = 0; at < bytes.length && !connection.answering; at += 65_536) {
        await connection.write(chunk(bytes.subarray(at, at + 65_536)));
      }
      if (!connection.answering) await connection.write('0\r\n\r\n');
      const answer = await connection.answer(60_000);
      return { status: answer.status, body: JSON.parse(answer.body) };
    } finally {
      connection.close();
    }
  }
  async function polled(id: string, status: number): Promise<{ disks?: { id: string }[] }> {
    for (let tries = 0; tries < 200; tries++) {
      const { body } = await go('GET', `/oven/${id}`);
      if ((body as { status: number }).status === status) return body;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`Pi ${id} never came to status ${status}`);
  }
  const register = async (id: string) => {
    const answer = await fetch(`${bakery.base}/files/${id}/start.elf`);
    await answer.body?.cancel();
    assert.equal(answer.status, 404);
  };

  test('a bakeform is made of a chunked upload and answered 201 when it is usable', async () => {
    assert.deepEqual(await go('GET', '/bakeforms'), { status: 200, body: {} });
    const made = await upload('tiny', image);
    assert.equal(made.status, 201);
    assert.equal(made.body.name, 'tiny');
    assert.ok(made.body.location.startsWith('/'));
    const listed = await go('GET', '/bakeforms');
    assert.equal((listed.body as { tiny: { name: string } }).tiny.name, 'tiny');
  });

  test('a bakeform that exists is refused with 403 while its body is still coming in', async () => {
    const connection = new GoConnection(port);
    const head = { method: 'POST', path: `${BASE}/bakeforms/tiny`, host: `127.0.0.1:${port}`, auth };
    await connection.write(goHead({ ...head, length: 'chunked', contentType: 'application/x-raw-disk-image' }));
    await connection.write(chunk(image.subarray(0, 65_536)));
    const answer = await connection.answer();
    assert.equal(answer.status, 403);
    assert.equal(JSON.parse(answer.body).code, 'bakeform-exists');
    // The client goes on sending for a while before it reads: nothing may be reset under it.
    for (let at = 0; at < 64; at++) await connection.write(chunk(Buffer.alloc(65_536)));
    assert.equal(connection.socket.destroyed, false);
    connection.close();
  });

  test('the answer to a refused upload can be read by a client that reads only after it has sent everything', async () => {
    const connection = new GoConnection(port);
    connection.socket.pause();
    const head = { method: 'POST', path: `${BASE}/bakeforms/tiny`, host: `127.0.0.1:${port}`, auth };
    await connection.write(goHead({ ...head, length: 'chunked', contentType: 'application/x-raw-disk-image' }));
    for (let at = 0; at < 800; at++) await connection.write(chunk(Buffer.alloc(65_536)));
    await connection.write('0\r\n\r\n');
    connection.socket.resume();
    assert.equal((await connection.answer()).status, 403);
    connection.close();
  });

  test('no free Pi is 404 with the text clients look for, an unknown bakeform 400', async () => {
    const none = await go('POST', '/fridge', { body: '{"bakeformName":"tiny"}', contentType: 'application/json' });
    assert.equal(none.status, 404);
    assert.equal((none.body as { error: string }).error, 'no available Pi found');
    const unknown = await go('POST', '/fridge', { body: '{"bakeformName":"nope"}', contentType: 'application/json' });
    assert.equal(unknown.status, 400);
  });

  test('an unknown Pi that a relay asks for is in the fridge then', async () => {
    await register('0060cd37');
    const { status, body } = await go('GET', '/fridge');
    assert.equal(status, 200);
    assert.deepEqual(body, { '0060cd37': { id: '0060cd37', status: 1, state: 'fridge' } });
    assert.deepEqual((await go('GET', '/oven')).body, {});
  });

  test('a bake is 202 with status 3, then 2, with the root first and no null among the disks', async () => {
    const picked = await go('POST', '/fridge', { body: '{"bakeformName":"tiny"}', contentType: 'application/json' });
    assert.equal(picked.status, 202);
    const info = picked.body as { id: string; status: number; disks?: unknown; sourceBakeform: { name: string } };
    assert.equal(info.id, '0060cd37');
    assert.equal(info.status, 3);
    assert.equal(info.sourceBakeform.name, 'tiny');
    const baked = await polled('0060cd37', 2);
    assert.equal(baked.disks?.length, 1);
    assert.deepEqual(Object.keys((await go('GET', '/oven')).body), ['0060cd37']);
    assert.deepEqual((await go('GET', '/fridge')).body, {});
  });

  let disk: { id: string; location: string; size: number; nfsAddress: string };
  test('a disk is created from a JSON body without Content-Type', async () => {
    const made = await go('POST', '/disks', { body: '{"size":32}' });
    assert.equal(made.status, 201);
    disk = made.body;
    assert.deepEqual(Object.keys(disk).toSorted(), ['id', 'location', 'nfsAddress', 'size']);
    assert.equal(disk.size, 32);
    assert.deepEqual((await go('GET', `/disks/${disk.id}`)).body, disk);
    const all = (await go('GET', '/disks')).body as { disks: Record<string, unknown> };
    assert.deepEqual(all.disks[disk.id], disk);
    assert.equal((await go('GET', '/disks/00000000-0000-4000-8000-000000000000')).status, 404);
  });

  test('attaching is 200, twice too, and puts the disk behind the root', async () => {
    for (let twice = 0; twice < 2; twice++) {
      const body = JSON.stringify({ diskId: disk.id });
      const answer = await go('POST', '/oven/0060cd37/disks', { body, contentType: 'application/json' });
      assert.equal(answer.status, 200);
      const { disks } = (await go('GET', '/oven/0060cd37')).body as { disks: { id: string }[] };
      assert.deepEqual(
        disks.slice(1).map((d) => d.id),
        [disk.id],
      );
    }
    const attached = await go('DELETE', `/disks/${disk.id}`);
    assert.equal(attached.status, 409);
  });

  test('files go into piConfig and come back byte for byte', async () => {
    const bytes = Buffer.from([0, 1, 2, 255, 254, 10, 13]);
    const put = await go('POST', '/oven/0060cd37/upload/settings.json', {
      body: bytes,
      contentType: 'application/octet-stream',
    });
    assert.equal(put.status, 200);
    assert.deepEqual(readFileSync(join(bakery.root, 'nfs/0060cd37/piConfig/settings.json')), bytes);
    const back = await fetch(`${bakery.base}/oven/0060cd37/download/settings.json`, {
      headers: { authorization: `Bearer ${bakery.token}` },
    });
    assert.equal(back.status, 200);
    assert.deepEqual(Buffer.from(await back.arrayBuffer()), bytes);
    assert.equal((await go('GET', '/oven/0060cd37/download/none.json')).status, 404);
  });

  test('a power-cycle with an empty body and Content-Type: application/json is 200', async () => {
    const answer = await go('POST', '/oven/0060cd37/powercycle', { contentType: 'application/json' });
    assert.equal(answer.status, 200);
  });

  test('boot files are served by serial, cmdline.txt rendered for the Pi', async () => {
    const text = await (await fetch(`${bakery.base}/files/0060cd37/cmdline.txt`)).text();
    const { disks } = (await go('GET', '/oven/0060cd37')).body as { disks: { location: string }[] };
    assert.equal(
      text,
      `console=ttyAMA0,115200 root=/dev/nfs nfsroot=127.0.0.1:${disks[0]?.location},vers=3 rw ip=dhcp rootwait\n`,
    );
    const kernel = await fetch(`${bakery.base}/files/0060cd37/kernel8.img`);
    assert.equal((await kernel.arrayBuffer()).byteLength, 1_000_000);
  });

  test('a bakeform is deleted and uploaded again while a Pi of the old one lives', async () => {
    assert.equal((await go('DELETE', '/bakeforms/tiny')).status, 200);
    assert.equal((await go('DELETE', '/bakeforms/tiny')).status, 404);
    assert.equal((await upload('tiny', image)).status, 201);
    const pi = (await go('GET', '/oven/0060cd37')).body as { status: number; sourceBakeform: { name: string } };
    assert.deepEqual([pi.status, pi.sourceBakeform.name], [2, 'tiny']);
    const kernel = await fetch(`${bakery.base}/files/0060cd37/kernel8.img`);
    assert.equal((await kernel.arrayBuffer()).byteLength, 1_000_000);
  });

  test('the root cannot be detached, a data disk can, and lives on', async () => {
    const { disks } = (await go('GET', '/oven/0060cd37')).body as { disks: { id: string }[] };
    assert.equal((await go('DELETE', `/oven/0060cd37/disks/${disks[0]?.id}`)).status, 403);
    for (let twice = 0; twice < 2; twice++) {
      assert.equal((await go('DELETE', `/oven/0060cd37/disks/${disk.id}`)).status, 200);
    }
    assert.equal((await go('GET', `/disks/${disk.id}`)).status, 200);
    assert.equal((await go('DELETE', `/disks/${disk.id}`)).status, 200);
    assert.equal((await go('DELETE', `/disks/${disk.id}`)).status, 200, 'again');
    assert.equal((await go('DELETE', '/disks/no-such-disk')).status, 200, 'never there');
  });

  test('an unbake is 200 at once and has_vm is no from then on; in the fridge it is 200 again', async () => {
    const answer = await go('DELETE', '/oven/0060cd37');
    assert.equal(answer.status, 200);
    assert.notEqual(((await go('GET', '/oven/0060cd37')).body as { status: number }).status, 2);
    const back = await polled('0060cd37', 1);
    assert.equal('disks' in back, false);
    assert.equal((await go('DELETE', '/oven/0060cd37')).status, 200);
    assert.equal((await go('GET', '/oven/ffffffff')).status, 404);
    assert.equal((await go('DELETE', '/oven/ffffffff')).status, 404);
  });

  test('a restart after SIGKILL keeps bakeforms, Pis, disks and mounts', async () => {
    await register('11112222');
    const picked = await call(bakery, 'POST', '/fridge', { bakeformName: 'tiny' });
    assert.equal(picked.status, 202);
    const { id } = picked.body as { id: string };
    const before = await polled(id, 2);
    await bakery.kill();
    bakery = await startBakery({ root: bakery.root, settings: { BAKERY_ADDRESS: '127.0.0.1' } });
    port = Number(new URL(bakery.base).port);
    assert.deepEqual((await go('GET', `/oven/${id}`)).body, before);
    const kernel = await fetch(`${bakery.base}/files/${id}/kernel8.img`);
    assert.equal((await kernel.arrayBuffer()).byteLength, 1_000_000);
    assert.equal((await go('DELETE', `/oven/${id}`)).status, 200);
    await polled(id, 1);
  });
});
