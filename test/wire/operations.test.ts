import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';

interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly pi?: string;
  readonly actor?: string;
  readonly error?: { readonly code: string };
  readonly steps: readonly { readonly name: string; readonly state: string }[];
  readonly progress?: { readonly step: string; readonly done: number; readonly total?: number };
}
interface Page {
  readonly operations: readonly Operation[];
  readonly next?: string;
}
interface Disk {
  readonly id: string;
  readonly location: string;
}
interface PiInfo {
  readonly id: string;
  readonly state: string;
  readonly awaitOff?: boolean;
  readonly disks?: readonly Disk[];
}

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;
  let pi: string;

  async function ask<T>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
  async function withKey(key: string, method: string, path: string, body?: unknown) {
    const response = await fetch(`${bakery.base}${path}`, {
      method,
      headers: { authorization: `Bearer ${bakery.token}`, 'idempotency-key': key },
      ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
    } as RequestInit);
    const replayed = response.headers.get('idempotency-replayed');
    return { status: response.status, body: (await response.json()) as { id: string; code?: string }, replayed };
  }
  const rest = () => untilAtRest(rack.world, 60_000);
  const read = () => ask<PiInfo>(200, 'GET', `/oven/${pi}`);
  async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 1_200; tries++) {
      if (await probe()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${what} never came true\n${bakery.output().slice(-3000)}`);
  }
  async function bakeWithDisk(): Promise<Disk> {
    await ask(202, 'POST', '/fridge', { bakeformName: 'tiny' });
    await rest();
    const disk = await ask<Disk>(201, 'POST', '/disks', { size: 2 });
    await ask(200, 'POST', `/oven/${pi}/disks`, { diskId: disk.id });
    return disk;
  }
  async function unbake(): Promise<void> {
    await ask(200, 'DELETE', `/oven/${pi}`);
    await rest();
  }

  before(async () => {
    rack = await makeRack(1);
    pi = rack.serials[0] ?? '';
    bakery = await rack.startHeld();
    await ask(201, 'POST', '/bakeforms/tiny', rack.image);
    await register(bakery, pi);
  });
  after(() => rack?.close(bakery));

  test('operations are listed newest first, filtered and by pages, with steps, actor and history', async () => {
    const disk = await bakeWithDisk();
    await unbake();
    const all = await ask<Page>(200, 'GET', '/operations');
    assert.deepEqual(
      all.operations.map(({ kind, state }) => `${kind} ${state}`),
      ['unbake done', 'attach done', 'create-disk done', 'bake done', 'upload-bakeform done'],
    );
    const ofPi = await ask<Page>(200, 'GET', `/operations?pi=${pi}&limit=2`);
    assert.deepEqual(
      ofPi.operations.map(({ kind }) => kind),
      ['unbake', 'attach'],
    );
    const second = await ask<Page>(200, 'GET', `/operations?pi=${pi}&limit=2&cursor=${ofPi.next}`);
    assert.deepEqual(
      second.operations.map(({ kind }) => kind),
      ['bake'],
    );
    assert.equal(second.next, undefined);
    assert.equal((await ask<Page>(200, 'GET', `/operations?disk=${disk.id}`)).operations.length, 2);
    await ask(400, 'GET', '/operations?cursor=nonsense');
    await ask(400, 'GET', '/operations?limit=1000');
    const [bake] = second.operations;
    assert.equal(bake?.actor, 'admin');
    const detail = await ask<Operation & { events: { step: string; event: string }[]; holds: unknown[] }>(
      200,
      'GET',
      `/operations/${bake?.id}`,
    );
    assert.deepEqual(
      detail.steps.map(({ name, state }) => `${name} ${state}`),
      ['clone done', 'mount done', 'identity done', 'export done', 'power-on done'],
    );
    assert.equal(detail.events.length, 10);
    assert.deepEqual(detail.holds, []);
    await ask(404, 'GET', `/operations/${randomUUID()}`);
    await ask(409, 'POST', `/operations/${bake?.id}/retry`);
    await ask(409, 'POST', `/operations/${bake?.id}/cancel`);
  });

  test('an upload tells its progress in bytes, and is undone when it is cancelled', async () => {
    const gate = Promise.withResolvers<void>();
    const half = rack.image.subarray(0, rack.image.length / 2);
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(half);
        await gate.promise;
        controller.close();
      },
    });
    const answered = call(bakery, 'POST', '/bakeforms/halted', body);
    let seen: Operation | undefined;
    await until('half is received', async () => {
      [seen] = (await ask<Page>(200, 'GET', '/operations?state=running')).operations;
      return seen?.progress?.done === half.length;
    });
    assert.equal(seen?.progress?.step, 'receive');
    await ask(202, 'POST', `/operations/${seen?.id}/cancel`);
    const { status, body: problem } = (await answered) as { status: number; body: { code: string } };
    gate.resolve();
    assert.deepEqual([status, problem.code], [409, 'cancelled']);
    await rest();
    assert.equal((await ask<Operation>(200, 'GET', `/operations/${seen?.id}`)).state, 'failed');
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a destroyed disk is listed in the trash and comes back with its bytes, a root under its Pi', async () => {
    const disk = await bakeWithDisk();
    writeFileSync(join(disk.location, 'disk.img'), 'precious', { flag: 'r+' });
    writeFileSync(join(rack.world.root, 'nfs', pi, 'etc/motd'), 'mine');
    const root = (await read()).disks?.[0]?.id;
    await unbake();
    const { disks } = await ask<{ disks: { id: string; role: string; pi: string; secondsLeft: number }[] }>(
      200,
      'GET',
      '/trash',
    );
    const mine = disks.filter(({ id }) => id === disk.id || id === root);
    assert.deepEqual(mine.map(({ role }) => role).toSorted(), ['data', 'root']);
    assert.ok(mine.every((one) => one.pi === pi && one.secondsLeft > 86_000));
    assert.equal(existsSync(disk.location), false, 'it is withdrawn');

    const back = await ask<Disk>(201, 'POST', `/trash/${disk.id}/restore`);
    assert.deepEqual([back.id, back.location], [disk.id, disk.location]);
    assert.equal(readFileSync(join(back.location, 'disk.img')).subarray(0, 8).toString(), 'precious');
    await ask(404, 'POST', `/trash/${disk.id}/restore`);
    await ask(201, 'POST', `/trash/${root}/restore`);
    const pi2 = await read();
    assert.deepEqual([pi2.state, pi2.disks?.map(({ id }) => id)], ['baked', [root]]);
    assert.equal(readFileSync(join(rack.world.root, 'nfs', pi, 'etc/motd'), 'utf8'), 'mine');
    assert.deepEqual(await checkWorld(rack.world), []);
    await ask(200, 'POST', `/oven/${pi}/disks`, { diskId: disk.id });
    await unbake();
    // One Pi, one root: the old root of a Pi that is in use stays where it is.
    await bakeWithDisk();
    const refused = await ask<{ code: string }>(409, 'POST', `/trash/${root}/restore`);
    assert.equal(refused.code, 'pi-in-use');
    await unbake();
    await ask(200, 'DELETE', `/trash/${root}`);
    await ask(404, 'DELETE', `/trash/${root}`);
    assert.equal(existsSync(join(rack.world.root, 'pool/trash', `${root}.ext4`)), false);
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('the same Idempotency-Key gets the same answer and makes nothing new, also after a kill and restart', async () => {
    const count = async () => Object.keys((await ask<{ disks: object }>(200, 'GET', '/disks')).disks).length;
    const [before, key, other] = [await count(), randomUUID(), randomUUID()];
    const answers = await Promise.all(Array.from({ length: 8 }, () => withKey(key, 'POST', '/disks', { size: 3 })));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201]);
    assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1, 'eight at once are one');
    assert.equal(await count(), before + 1);
    const changed = await withKey(key, 'POST', '/disks', { size: 4 });
    assert.deepEqual([changed.status, changed.body.code], [409, 'idempotency-mismatch']);
    const asked = await withKey(key, 'POST', '/disks?by=another', { size: 3 });
    assert.deepEqual([asked.status, asked.body.code], [409, 'idempotency-mismatch'], 'nor for another address');
    assert.equal((await withKey('no blanks please', 'POST', '/disks', { size: 3 })).status, 400);
    const baked = await withKey(other, 'POST', '/fridge', { bakeformName: 'tiny' });
    await rest();

    await bakery.kill();
    bakery = await rack.startHeld();
    const again = await withKey(key, 'POST', '/disks', { size: 3 });
    assert.deepEqual(again.body, answers[0]?.body);
    assert.equal(again.replayed, 'true');
    const bakedAgain = await withKey(other, 'POST', '/fridge', { bakeformName: 'tiny' });
    assert.deepEqual([bakedAgain.status, bakedAgain.body], [baked.status, baked.body]);
    assert.equal(await count(), before + 2);
    await ask(200, 'DELETE', `/disks/${again.body.id}`);
    await unbake();
  });

  test('a Pi whose switch is dead is held and never picked; a retry ends it when the switch works again', async () => {
    await bakeWithDisk();
    rack.broken.add(pi);
    await ask(200, 'DELETE', `/oven/${pi}`);
    await until('held', async () => (await read()).state === 'held');
    await ask(404, 'POST', '/fridge', { bakeformName: 'tiny' });
    const [stuck] = (await ask<Page>(200, 'GET', '/operations?state=stuck')).operations;
    assert.deepEqual([stuck?.kind, stuck?.error?.code, stuck?.pi], ['unbake', 'power-failed', pi]);
    await bakery.kill();
    bakery = await rack.startHeld();
    assert.equal((await read()).state, 'held', 'a restart does not free it');
    rack.broken.delete(pi);
    await ask(202, 'POST', `/operations/${stuck?.id}/retry`);
    await rest();
    assert.equal((await read()).state, 'fridge');
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a person releases a held Pi whose switch stays dead: its disks are in the trash, it is flagged until it boots', async () => {
    const disk = await bakeWithDisk();
    rack.broken.add(pi);
    await ask(409, 'POST', `/pis/${pi}/release`, { isOff: true });
    await ask(200, 'DELETE', `/oven/${pi}`);
    await until('held', async () => (await read()).state === 'held');
    await ask(400, 'POST', `/pis/${pi}/release`, {});
    await ask(202, 'POST', `/pis/${pi}/release`, { isOff: false });
    await rest();
    const free = await read();
    assert.deepEqual([free.state, free.awaitOff], ['fridge', true]);
    await ask(404, 'POST', '/fridge', { bakeformName: 'tiny' });
    assert.ok(statSync(join(rack.world.root, 'pool/trash', `${disk.id}.ext4`)).size > 0);
    assert.deepEqual(await checkWorld(rack.world), []);
    rack.broken.delete(pi);
    await register(bakery, pi);
    assert.equal((await read()).awaitOff, undefined);
  });

  test('the audit says who did what with which answer, newest first, and what was refused', async () => {
    const refused = await fetch(`${bakery.base}/disks`, { headers: { authorization: 'Bearer not-the-right-token' } });
    assert.equal(refused.status, 401);
    await ask(404, 'DELETE', '/bakeforms/nobody-has-this');
    const disk = await ask<Disk>(201, 'POST', '/disks', { size: 1 });
    await until('written down', async () => {
      const { entries } = await ask<{ entries: { path: string }[] }>(200, 'GET', '/audit?limit=1');
      return entries[0]?.path === '/api/v1/disks';
    });
    const { entries, next } = await ask<{ entries: Record<string, unknown>[]; next: string }>(
      200,
      'GET',
      '/audit?limit=3',
    );
    assert.deepEqual(
      entries.map(({ actor, method, path, status, code }) => [actor, method, path, status, code]),
      [
        ['admin', 'POST', '/api/v1/disks', 201, undefined],
        ['admin', 'DELETE', '/api/v1/bakeforms/nobody-has-this', 404, 'bakeform-unknown'],
        ['nobody', 'GET', '/api/v1/disks', 401, 'token-wrong'],
      ],
    );
    const { operations } = await ask<Page>(200, 'GET', `/operations?disk=${disk.id}`);
    assert.equal(entries[0]?.operation, operations[0]?.id);
    assert.equal((await ask<{ entries: unknown[] }>(200, 'GET', `/audit?limit=2&cursor=${next}`)).entries.length, 2);
    assert.ok(!JSON.stringify(entries).includes('not-the-right-token'));
  });
});
