import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { sh } from '../lab/sh.ts';
import { makeTinyImage } from '../lab/tiny-image.ts';

const MIB = 1024 ** 2;

inOwnNamespace(import.meta.url, () => {
  let folder: string;
  let bakery: RunningBakery;
  let good: Buffer;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bakery-bad-'));
    makeTinyImage(join(folder, 'good.img'));
    good = readFileSync(join(folder, 'good.img'));
    // A small host, so that a pool can run full here.
    sh('mkdir', join(folder, 'root'));
    sh('mount', '-t', 'tmpfs', '-o', 'size=1600m', 'tmpfs', join(folder, 'root'));
    bakery = await startBakery({
      root: join(folder, 'root'),
      settings: { BAKERY_ADDRESS: '127.0.0.1', BAKERY_ROOT_SIZE: '256MiB' },
    });
    assert.equal((await call(bakery, 'POST', '/bakeforms/good', good)).status, 201);
    await (await fetch(`${bakery.base}/files/687680cd/start.elf`)).body?.cancel();
    assert.equal((await call(bakery, 'POST', '/fridge', { bakeformName: 'good' })).status, 202);
    for (let tries = 0; tries < 100; tries++) {
      const { body } = await call(bakery, 'GET', '/oven/687680cd');
      if ((body as { status: number }).status === 2) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  after(async () => {
    await bakery?.stop();
    await stopLeftovers(join(folder, 'root'));
    sh('umount', join(folder, 'root'));
    rmSync(folder, { recursive: true, force: true });
  });

  /** Refused with that code, safe to show, and the same name can be used afterwards. */
  async function refused(name: string, bytes: Uint8Array, status: number, code: string): Promise<void> {
    const answer = await call(bakery, 'POST', `/bakeforms/${name}`, bytes);
    const problem = answer.body as { code: string; detail: string };
    assert.deepEqual([answer.status, problem.code], [status, code], JSON.stringify(problem));
    assert.ok(!problem.detail.includes('/'), `no path in: ${problem.detail}`);
    const pool = join(bakery.root, 'pool');
    assert.deepEqual(readdirSync(join(pool, 'incoming')), []);
    assert.deepEqual(readdirSync(join(pool, 'work')), []);
    assert.equal(readdirSync(join(pool, 'golden')).length, 1, 'only the good one');
    assert.deepEqual(Object.keys((await call(bakery, 'GET', '/bakeforms')).body), ['good']);
  }
  test('an upload that is no image, is empty, packed or cut short is refused and leaves nothing', async () => {
    await refused('bad', Buffer.from('this is no image at all, just some text'), 400, 'image-not-an-image');
    await refused('bad', Buffer.alloc(3 * MIB, 7), 400, 'image-not-an-image');
    await refused('bad', new Uint8Array(0), 400, 'image-empty');
    await refused('bad', Buffer.from('fd377a585a000004e6d6b446', 'hex'), 400, 'image-unpack-failed');
    await refused('bad', good.subarray(0, 40 * MIB), 400, 'image-truncated');
  });

  test('an image with one partition, overlapping ones, or no ext4 is refused and leaves nothing', async () => {
    const one = Buffer.from(good);
    one.fill(0, 462, 478);
    await refused('bad', one, 400, 'image-partitions');
    const overlapping = Buffer.from(good);
    overlapping.writeUInt32LE(4096, 462 + 8);
    await refused('bad', overlapping, 400, 'image-partitions');
    const noExt4 = Buffer.from(good);
    noExt4.fill(0, 33 * MIB, 33 * MIB + 4096);
    await refused('bad', noExt4, 400, 'image-root-not-ext4');
    const noFat = Buffer.from(good);
    noFat.fill(0xff, MIB, MIB + 4096);
    await refused('bad', noFat, 400, 'image-boot-unreadable');
  });

  test('an image whose boot folder is a link out of the root harms nothing', async () => {
    const file = join(folder, 'link.img');
    makeTinyImage(file, { rootFiles: { 'etc/hostname': 'x\n' } });
    const trap = join(folder, 'trap');
    const before = readdirSync('/etc').length;
    writeFileSync(trap, `symlink boot /etc\n`);
    sh('debugfs', '-w', '-f', trap, `${file}?offset=${33 * MIB}`);
    const answer = await call(bakery, 'POST', '/bakeforms/link', readFileSync(file));
    assert.equal(answer.status, 403, JSON.stringify(answer.body));
    assert.equal((answer.body as { code: string }).code, 'path-refused');
    assert.equal(readdirSync('/etc').length, before);
    assert.deepEqual(Object.keys((await call(bakery, 'GET', '/bakeforms')).body), ['good']);
  });

  test('a name that a client made up is repeated only when it is a plain word', async () => {
    for (const [name, place] of [
      ['/srv/x', 'settings/…'],
      ['a b', 'settings/…'],
      ['host', 'settings/host'],
    ] as const) {
      const body = { name: 'a', kind: 'unifi', settings: { [name]: [] } };
      const answer = await call(bakery, 'POST', '/switches', body);
      assert.deepEqual([answer.status, (answer.body as { detail: string }).detail], [400, `${place}: Invalid input`]);
    }
  });

  test('an upload that is cut off leaves nothing, and the name is free again', async () => {
    const socket = connect(Number(new URL(bakery.base).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    socket.write(
      `POST /api/v1/bakeforms/cut HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bakery.token}\r\nContent-Length: ${good.length}\r\n\r\n`,
    );
    socket.write(good.subarray(0, 5 * MIB));
    await new Promise((resolve) => setTimeout(resolve, 200));
    socket.destroy();
    for (let tries = 0; readdirSync(join(bakery.root, 'pool/incoming')).length > 0; tries++) {
      assert.ok(tries < 100, 'the half upload is still there');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal((await call(bakery, 'POST', '/bakeforms/cut', good)).status, 201);
    assert.equal((await call(bakery, 'DELETE', '/bakeforms/cut')).status, 200);
  });

  test('an upload that does not fit is 507 while it comes in, and one that fits is taken afterwards', async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += MIB;
        if (sent > 4096 * MIB) controller.close();
        else controller.enqueue(new Uint8Array(MIB));
      },
    });
    const answer = await call(bakery, 'POST', '/bakeforms/endless', endless);
    assert.deepEqual([answer.status, (answer.body as { code: string }).code], [507, 'pool-full']);
    assert.ok(sent < 4096 * MIB, 'refused before it was all sent');
    assert.deepEqual(readdirSync(join(bakery.root, 'pool/incoming')), []);
    assert.equal((await call(bakery, 'POST', '/bakeforms/endless', good)).status, 201);
    assert.equal((await call(bakery, 'DELETE', '/bakeforms/endless')).status, 200);
  });

  test('unknown names are 404 and bad ones 400, with a code', async () => {
    const cases: [string, string, unknown, number, string][] = [
      ['GET', '/oven/ffffffff', undefined, 404, 'pi-unknown'],
      ['GET', '/oven/nonsense', undefined, 400, 'bad-pi-id'],
      ['GET', '/oven/..%2f..%2fetc', undefined, 400, 'bad-pi-id'],
      ['POST', '/fridge', { bakeformName: '../../etc/passwd' }, 400, 'bad-bakeform-name'],
      ['POST', '/fridge', { bakeformName: 7 }, 400, 'bad-request'],
      ['POST', '/fridge', {}, 400, 'bad-request'],
      ['POST', '/bakeforms/..%2fevil', good.subarray(0, 100), 400, 'bad-bakeform-name'],
      ['POST', '/bakeforms/%2e%2e', good.subarray(0, 100), 404, 'route-unknown'],
      ['POST', `/bakeforms/${'x'.repeat(300)}`, good.subarray(0, 100), 400, 'bad-bakeform-name'],
      ['POST', '/bakeforms/a%00b', good.subarray(0, 100), 400, 'bad-bakeform-name'],
      ['DELETE', '/bakeforms/none', undefined, 404, 'bakeform-unknown'],
      ['GET', '/disks/nonsense', undefined, 400, 'bad-disk-id'],
      ['POST', '/disks', { size: 0 }, 400, 'bad-request'],
      ['POST', '/disks', { size: -1 }, 400, 'bad-request'],
      ['POST', '/disks', { size: 1.5 }, 400, 'bad-request'],
      ['POST', '/disks', { size: '100' }, 400, 'bad-request'],
      ['POST', '/disks', { size: 1e12 }, 400, 'bad-request'],
      ['POST', '/oven/687680cd/disks', { diskId: 'nonsense' }, 400, 'bad-disk-id'],
      ['POST', '/oven/687680cd/disks', { diskId: '00000000-0000-4000-8000-000000000000' }, 404, 'disk-unknown'],
      ['POST', '/oven/687680cd/upload/..%2f..%2fetc%2fpasswd', Buffer.from('x'), 400, 'bad-filename'],
      ['POST', '/oven/687680cd/upload/.hidden', Buffer.from('x'), 400, 'bad-filename'],
      ['POST', `/oven/687680cd/upload/${'x'.repeat(300)}`, Buffer.from('x'), 400, 'bad-filename'],
      ['GET', '/oven/687680cd/download/%2e%2e%2fetc%2fhostname', undefined, 400, 'bad-filename'],
      ['GET', '/oven/687680cd/download/a%00b', undefined, 400, 'bad-filename'],
      ['GET', '/files/687680cd/..%2f..%2fetc%2fhostname', undefined, 404, 'boot-file-unknown'],
      ['GET', '/files/687680cd/%2e%2e%2fcmdline.txt', undefined, 404, 'boot-file-unknown'],
      ['GET', '/no/such/call', undefined, 404, 'route-unknown'],
    ];
    for (const [method, path, body, status, code] of cases) {
      const answer = await call(bakery, method, path, body);
      assert.deepEqual([answer.status, (answer.body as { code: string }).code], [status, code], `${method} ${path}`);
    }
    const broken = await fetch(`${bakery.base}/fridge`, {
      method: 'POST',
      body: '{"bakeformName":',
      headers: { authorization: `Bearer ${bakery.token}` },
    });
    assert.deepEqual([broken.status, ((await broken.json()) as { code: string }).code], [400, 'bad-json']);
  });

  test('the type of every problem is an address that explains it', async () => {
    const { body } = await call(bakery, 'GET', '/oven/ffffffff');
    const { type, code } = body as { type: string; code: string };
    const page = await fetch(new URL(type, bakery.base));
    assert.equal(page.status, 200);
    assert.match(await page.text(), new RegExp(`^### ${code}$`, 'm'));
  });

  test('a call without a token, or with a wrong one, is 401', async () => {
    for (const token of ['', 'wrong', 'x'.repeat(5000)]) {
      const answer = await call({ base: bakery.base, token }, 'GET', '/fridge');
      assert.equal(answer.status, 401);
    }
  });

  test('a link that the Pi puts in place of its folders is not followed', async () => {
    const root = join(bakery.root, 'nfs/687680cd');
    rmSync(join(root, 'piConfig'), { recursive: true });
    symlinkSync('/etc', join(root, 'piConfig'));
    const read = await call(bakery, 'GET', '/oven/687680cd/download/hostname');
    assert.deepEqual([read.status, (read.body as { code: string }).code], [403, 'path-refused']);
    const write = await call(bakery, 'POST', '/oven/687680cd/upload/evil', Buffer.from('x'));
    assert.deepEqual([write.status, (write.body as { code: string }).code], [403, 'path-refused']);
    assert.ok(!readdirSync('/etc').includes('evil'));
    rmSync(join(root, 'piConfig'));
  });

  /** One RRQ, and the first packet that comes back. */
  async function rrq(filename: string): Promise<Buffer> {
    const socket = createSocket('udp4');
    try {
      return await new Promise((resolve, reject) => {
        socket.on('message', resolve);
        setTimeout(() => reject(new Error(`no answer to ${filename}`)), 3_000).unref();
        socket.send(Buffer.from(`\0\x01${filename}\0octet\0`, 'latin1'), bakery.tftpPort, '127.0.0.1');
      });
    } finally {
      socket.close();
    }
  }

  test('TFTP answers every path that leads out with ERROR 1, at once, and goes on serving', async () => {
    symlinkSync('/etc', join(bakery.root, 'nfs/687680cd/boot/firmware/out'));
    const outside = [
      '687680cd/../../etc/passwd',
      '../etc/passwd',
      '/etc/passwd',
      '687680cd//../../../etc/passwd',
      '687680cd/%2e%2e/etc/passwd',
      '687680cd/out/passwd',
      '687680cd/..',
      '687680cd',
      '687680cd\\..\\etc',
      `687680cd/${'x'.repeat(300)}`,
      '687680cd/overlays',
    ];
    for (const path of outside) {
      const answer = await rrq(path);
      assert.deepEqual([answer.readUInt16BE(0), answer.readUInt16BE(2)], [5, 1], path);
    }
    for (const path of [
      '687680cd/cmdline.txt',
      '687680cd//cmdline.txt',
      '/687680cd/cmdline.txt',
      '687680CD/cmdline.txt',
    ]) {
      const answer = await rrq(path);
      assert.deepEqual([answer.readUInt16BE(0), answer.readUInt16BE(2)], [3, 1], path);
      assert.match(answer.toString('utf8', 4), /nfsroot=127\.0\.0\.1:/);
    }
  });

  test('after all of it the server bakes on', async () => {
    await (await fetch(`${bakery.base}/files/00000001/start.elf`)).body?.cancel();
    assert.equal((await call(bakery, 'POST', '/fridge', { bakeformName: 'good' })).status, 202);
    assert.ok(!bakery.output().includes('"level":60'));
  });
});
