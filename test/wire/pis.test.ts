import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';

interface Pi {
  readonly id: string;
  readonly state: string;
  readonly name?: string;
  readonly tags: readonly string[];
  readonly notes?: string;
  readonly port?: object;
  readonly revision?: string;
  readonly model?: string;
  readonly memoryMiB?: number;
  readonly maintenance?: boolean;
  readonly quarantine?: boolean;
  readonly awaitOff?: boolean;
  readonly fault?: string;
  readonly mac?: string;
  readonly power: { readonly reach: string; readonly desired?: string };
  readonly operation?: { readonly id: string; readonly kind: string };
  readonly disks?: readonly { readonly id: string }[];
}
interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly pi?: string;
  readonly error?: { readonly code: string };
  readonly results?: readonly {
    readonly pi: string;
    readonly state: string;
    readonly operation?: string;
    readonly error?: { readonly code: string };
  }[];
}
interface Page {
  readonly pis: readonly Pi[];
  readonly next?: string;
}

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;
  /** Pis on ports of the switch, in the order of their ids. */
  let [one, two, three]: string[] = [];

  async function ask<T>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
  async function refuse(status: number, code: string, method: string, path: string, body?: unknown): Promise<void> {
    assert.equal((await ask<{ code: string }>(status, method, path, body)).code, code, `${method} ${path}`);
  }
  const rest = () => untilAtRest(rack.world, 60_000);
  const read = (pi = one) => ask<Pi>(200, 'GET', `/pis/${pi}`);
  const ids = async (query: string) => (await ask<Page>(200, 'GET', `/pis${query}`)).pis.map(({ id }) => id);
  const patch = (pi: string | undefined, body: object) => ask<Pi>(200, 'PATCH', `/pis/${pi}`, body);
  /** Switches, and waits for the operation's end. */
  async function power(pi: string | undefined, action: string): Promise<Operation> {
    const { id } = await ask<Operation>(202, 'POST', `/pis/${pi}/power`, { action });
    await rest();
    return ask<Operation>(200, 'GET', `/operations/${id}`);
  }

  before(async () => {
    rack = await makeRack(3);
    [one, two, three] = rack.serials as string[];
    bakery = await rack.startHeld({ BAKERY_DISCOVERY: 'quarantine' });
    await ask(201, 'POST', '/bakeforms/tiny', rack.image);
    for (const serial of rack.serials) await register(bakery, serial);
  });
  after(() => rack?.close(bakery));

  test('a Pi in quarantine is in no list of the fridge or oven, never picked, never switched, until it is admitted', async () => {
    assert.deepEqual(await ask(200, 'GET', '/fridge'), {});
    assert.deepEqual(await ask(200, 'GET', '/oven'), {});
    assert.deepEqual(await ids('?quarantine=true'), [one, two, three]);
    await ask(404, 'POST', '/fridge', { bakeformName: 'tiny' });
    await refuse(409, 'pi-quarantined', 'POST', `/pis/${one}/power`, { action: 'off' });
    for (const pi of [one, two, three]) {
      const admitted = await ask<Pi>(200, 'POST', `/pis/${pi}/admit`);
      assert.deepEqual([admitted.id, admitted.quarantine], [pi, undefined]);
    }
    await ask(200, 'POST', `/pis/${one}/admit`);
    assert.deepEqual(Object.keys(await ask<object>(200, 'GET', '/fridge')), [one, two, three]);
    assert.deepEqual(await ids('?quarantine=true'), []);
  });

  test('a Pi is entered before it is seen, by its serial number and once, with what is known of it', async () => {
    const key = randomUUID();
    const body = {
      id: '00000000B8123456',
      mac: 'B8-27-EB-12-34-56',
      name: 'spare',
      tags: ['shelf', 'ci', 'ci'],
      notes: 'no case',
      port: { switch: 'poe-a', port: '9' },
      revision: 'c03111',
    };
    const enter = async (wish: object, header?: string) => {
      const headers = {
        authorization: `Bearer ${bakery.token}`,
        ...(header ? { 'idempotency-key': header } : {}),
      };
      const answer = await fetch(`${bakery.base}/pis`, { method: 'POST', headers, body: JSON.stringify(wish) });
      return { status: answer.status, body: (await answer.json()) as Pi & { code?: string } };
    };
    const entered = await enter(body, key);
    assert.equal(entered.status, 201);
    const { id, state, status, mac, name, tags, notes, port, revision, model, memoryMiB, processor, power } =
      entered.body as Pi & { status: number; processor: string };
    assert.deepEqual(
      [id, state, status, mac, name, tags, notes],
      ['b8123456', 'fridge', 1, 'b8:27:eb:12:34:56', 'spare', ['shelf', 'ci'], 'no case'],
    );
    assert.deepEqual(
      [port, revision, model, memoryMiB, processor],
      [{ switch: 'poe-a', port: '9' }, 'c03111', '4B', 4096, 'BCM2711'],
    );
    assert.deepEqual(power, { reach: 'none' });
    assert.deepEqual((await enter(body, key)).body, entered.body, 'the same request once more does nothing new');
    const other = { id: 'b8123457' };
    for (const [wish, code] of [
      [{ id: 'b8123456' }, 'pi-exists'],
      [{ ...other, name: 'spare' }, 'pi-name-taken'],
      [{ ...other, port: body.port }, 'port-taken'],
      [{ id: 'c8123456', mac: body.mac }, 'mac-taken'],
      [{ ...other, mac: 'b8:27:eb:12:34:56' }, 'mac-of-another'],
      [{ id: '812345' }, 'bad-request'],
      [{ ...other, name: 'deadbeef' }, 'bad-request'],
      [{ ...other, revision: 'new' }, 'bad-request'],
    ] as const) {
      assert.equal((await enter(wish)).body.code, code, JSON.stringify(wish));
    }
    await ask(404, 'GET', '/pis/b8123457');
    assert.deepEqual(await ids('?q=12:34:56'), ['b8123456']);
    for (const called of ['spare', '00000000b8123456', 'B8123456']) assert.equal((await read(called)).id, 'b8123456');
    await refuse(404, 'pi-unknown', 'GET', '/pis/nobody');
    await refuse(400, 'bad-pi-id', 'GET', '/pis/no%20body');
  });

  test('what people say of a Pi is changed one by one, taken back with null, and refused where it clashes', async () => {
    await patch(one, { name: 'rack1-01', tags: ['ci', 'rack=1'], notes: 'loud', port: { switch: 'poe-a', port: '1' } });
    await patch(one, { revision: 'a020d3' });
    const all = await patch('rack1-01', {});
    assert.deepEqual(
      [all.id, all.name, all.tags, all.notes, all.port, all.model],
      [one, 'rack1-01', ['ci', 'rack=1'], 'loud', { switch: 'poe-a', port: '1' }, '3B+'],
    );
    await refuse(409, 'pi-name-taken', 'PATCH', `/pis/${two}`, { name: 'rack1-01' });
    await refuse(409, 'port-taken', 'PATCH', `/pis/${two}`, { notes: 'x', port: { switch: 'poe-a', port: '1' } });
    await refuse(409, 'port-taken', 'PATCH', `/pis/${one}`, { port: { switch: 'poe-a', port: '9' } });
    assert.equal((await read(two)).notes, undefined, 'a refused change changes nothing');
    await patch(one, { name: 'rack1-01', port: { switch: 'poe-a', port: '1' } });
    await patch(two, { name: 'rack1-02', port: { switch: 'poe-b', port: '1' }, tags: ['ci'], revision: 'd03114' });
    const bare = await patch(two, { name: null, port: null, revision: null });
    assert.deepEqual(
      [bare.name, bare.port, bare.revision, bare.model, bare.tags],
      [undefined, undefined, undefined, undefined, ['ci']],
    );
    await patch(two, { name: 'rack1-02', revision: 'd03114' });
  });

  test('Pis are listed by id, by pages, and by what is asked for', async () => {
    const pages: string[][] = [];
    let cursor = '';
    for (let page = 0; page < 9 && cursor !== undefined; page++) {
      const { pis, next } = await ask<Page>(200, 'GET', `/pis?limit=2${cursor && `&cursor=${cursor}`}`);
      pages.push(pis.map(({ id }) => id));
      if (!next) break;
      cursor = next;
    }
    assert.deepEqual(pages, [
      ['b8123456', one],
      [two, three],
    ]);
    for (const [query, expected] of [
      ['?state=fridge', ['b8123456', one, two, three]],
      ['?state=baked', []],
      ['?model=3b%2B', [one]],
      ['?minMemoryMiB=4096', ['b8123456', two]],
      ['?tag=ci', ['b8123456', one, two]],
      ['?tag=ci&tag=rack%3D1', [one]],
      ['?name=rack1-02', [two]],
      ['?q=RACK1&limit=1', [one]],
      ['?maintenance=false&awaitOff=false&fault=false&quarantine=false', ['b8123456', one, two, three]],
      ['?fault=true', []],
      ['?bakeform=tiny', []],
    ] as const) {
      assert.deepEqual(await ids(query), expected, query);
    }
    for (const query of ['?limit=0', '?limit=201', '?state=gone', '?fault=maybe'])
      await ask(400, 'GET', `/pis${query}`);
    await refuse(400, 'bad-cursor', 'GET', '/pis?cursor=nonsense');
  });

  test('a Pi of the fridge is switched on only in maintenance, and not picked before it is known to be off again', async () => {
    await refuse(409, 'power-on-unbaked', 'POST', `/pis/${one}/power`, { action: 'on' });
    await refuse(409, 'power-not-configured', 'POST', '/pis/spare/power', { action: 'off' });
    await ask(400, 'POST', `/pis/${one}/power`, { action: 'up' });
    for (const pi of [one, two, three, 'spare']) await patch(pi, { maintenance: true });
    const on = await power('rack1-02', 'on');
    assert.deepEqual([on.kind, on.state, on.pi], ['power', 'done', two]);
    assert.deepEqual([...rack.lit], [two]);
    assert.deepEqual(await ask(200, 'GET', `/pis/${two}/power`), { reach: 'port', desired: 'on' });
    await ask(404, 'POST', '/fridge', { bakeformName: 'tiny' });
    assert.equal((await patch(two, { maintenance: false })).awaitOff, true);
    await ask(404, 'POST', '/fridge', { bakeformName: 'tiny' });
    assert.equal((await power(two, 'off')).state, 'done');
    const off = await read(two);
    assert.deepEqual([off.awaitOff, off.power.desired, [...rack.lit]], [undefined, 'off', []]);
    await patch(two, { maintenance: true });
    await patch(one, { maintenance: false });
  });

  test('a baked Pi that is switched off stays baked; a failure is its fault until the next that works', async () => {
    await ask(202, 'POST', '/fridge', { bakeformName: 'tiny' });
    await rest();
    assert.deepEqual(await ids('?bakeform=tiny'), [one]);
    assert.equal((await power(one, 'on')).state, 'done');
    assert.deepEqual([...rack.lit], [one]);
    assert.equal((await power(one, 'off')).state, 'done');
    assert.deepEqual([(await read()).state, [...rack.lit]], ['baked', []]);
    rack.broken.add(one ?? '');
    const failed = await power(one, 'off');
    assert.deepEqual([failed.state, failed.error?.code], ['failed', 'power-failed']);
    const faulty = await read();
    assert.match(faulty.fault ?? '', /^power-off failed/);
    assert.deepEqual(await ids('?fault=true'), [one]);
    rack.broken.delete(one ?? '');
    assert.equal((await power(one, 'off')).state, 'done');
    assert.equal((await read()).fault, undefined);
  });

  test('while an operation holds a Pi nothing else switches it; an unbake calls a switching off', async () => {
    rack.broken.add(one ?? '');
    const { id } = await ask<Operation>(202, 'POST', `/pis/${one}/power`, { action: 'cycle' });
    assert.deepEqual((await read()).operation, { id, kind: 'power' });
    await refuse(409, 'busy', 'POST', `/pis/${one}/power`, { action: 'off' });
    await refuse(409, 'busy', 'DELETE', `/pis/${one}`);
    await ask(200, 'DELETE', `/oven/${one}`);
    rack.broken.delete(one ?? '');
    await rest();
    const cycle = await ask<Operation>(200, 'GET', `/operations/${id}`);
    const { state, fault } = await read();
    assert.deepEqual([state, fault, [...rack.lit]], ['fridge', undefined, []]);
    assert.deepEqual([cycle.state, cycle.error?.code], ['failed', 'cancelled']);
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('only a Pi of the fridge is forgotten; its disks in the trash stay, and it comes back as a stranger when it asks', async () => {
    const { disks } = await ask<{ disks: { id: string; pi: string }[] }>(200, 'GET', '/trash');
    assert.deepEqual(
      disks.map(({ pi }) => pi),
      [one],
    );
    await ask(202, 'POST', '/fridge', { bakeformName: 'tiny' });
    await rest();
    await refuse(409, 'pi-in-use', 'DELETE', `/pis/${one}`);
    await ask(200, 'DELETE', `/oven/${one}`);
    await rest();
    assert.deepEqual(await ask(200, 'DELETE', '/pis/rack1-01'), {});
    await refuse(404, 'pi-unknown', 'DELETE', `/pis/${one}`);
    await refuse(404, 'pi-unknown', 'POST', `/trash/${disks[0]?.id}/restore`);
    assert.equal((await ask<{ disks: unknown[] }>(200, 'GET', '/trash')).disks.length, 2);
    await register(bakery, one ?? '');
    const back = await read();
    assert.deepEqual([back.quarantine, back.name, back.tags, back.port], [true, undefined, [], undefined]);
    await ask(200, 'POST', `/pis/${one}/admit`);
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a person who has seen it off says so, and the Pi is free again', async () => {
    await patch(one, { maintenance: true });
    await power(three, 'on');
    assert.equal((await patch(three, { maintenance: false })).awaitOff, true);
    rack.unplug(three ?? '');
    assert.equal((await ask<Pi>(200, 'POST', `/pis/${three}/confirm-off`)).awaitOff, undefined);
    await ask(202, 'POST', '/fridge', { bakeformName: 'tiny' });
    await rest();
    assert.deepEqual(await ids('?state=baked'), [three]);
  });

  /** Does it to many, and waits for its end. */
  async function bulk(wish: object): Promise<Operation> {
    const { id, kind } = await ask<Operation>(202, 'POST', '/bulk', wish);
    assert.equal(kind, 'bulk');
    await rest();
    return ask<Operation>(200, 'GET', `/operations/${id}`);
  }

  test('one thing is done to many Pis, and each tells how it went and which operation did it', async () => {
    const tagged = await bulk({ action: 'patch', addTags: ['lot'], maintenance: true, pis: [two, 'spare', one, two] });
    assert.deepEqual(
      [tagged.state, tagged.results],
      ['done', [two, 'b8123456', one].map((pi) => ({ pi, state: 'done' }))],
    );
    assert.deepEqual(await ids('?tag=lot&maintenance=true'), ['b8123456', one, two]);
    rack.broken.add(one ?? '');
    const off = await bulk({ action: 'power', power: 'off', select: { tags: ['lot'] }, atATime: 3 });
    rack.broken.delete(one ?? '');
    assert.deepEqual([off.state, off.error?.code], ['failed', 'bulk-incomplete']);
    assert.deepEqual(
      off.results?.map(({ pi, state, error }) => [pi, state, error?.code]),
      [
        ['b8123456', 'failed', 'power-not-configured'],
        [one, 'failed', 'power-failed'],
        [two, 'done', undefined],
      ],
    );
    const [refused, failed, done] = off.results ?? [];
    assert.equal(refused?.operation, undefined);
    for (const { operation, pi, state } of [failed, done].flatMap((result) => result ?? [])) {
      const own = await ask<Operation>(200, 'GET', `/operations/${operation}`);
      assert.deepEqual([own.kind, own.pi, own.state], ['power', pi, state]);
    }
    await patch(two, { maintenance: false });
    const baked = await bulk({ action: 'bake', bakeformName: 'tiny', pis: [three, two] });
    assert.deepEqual(
      baked.results?.map(({ pi, state, error }) => [pi, state, error?.code]),
      [
        [three, 'failed', 'pi-not-free'],
        [two, 'done', undefined],
      ],
    );
    const unbaked = await bulk({ action: 'unbake', select: { state: 'baked' }, stopAtFirstFailure: true });
    assert.deepEqual([unbaked.state, unbaked.results?.map(({ pi }) => pi)], ['done', [two, three]]);
    assert.deepEqual(await ids('?state=fridge'), ['b8123456', one, two, three]);
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a bulk says which Pis in one way, and means at least one that there is', async () => {
    const wish = { action: 'unbake' };
    for (const wrong of [
      {},
      { pis: [] },
      { select: {} },
      { pis: [one], select: { state: 'baked' } },
      { pis: [one], atATime: 0 },
    ]) {
      await refuse(400, 'bad-request', 'POST', '/bulk', { ...wish, ...wrong });
    }
    await refuse(400, 'bad-request', 'POST', '/bulk', { action: 'paint', pis: [one] });
    await refuse(400, 'no-pi-meant', 'POST', '/bulk', { ...wish, select: { state: 'baked' } });
    await refuse(404, 'pi-unknown', 'POST', '/bulk', { ...wish, pis: [one, 'nobody'] });
    await refuse(400, 'bad-pi-id', 'POST', '/bulk', { ...wish, pis: ['no body'] });
  });
});
