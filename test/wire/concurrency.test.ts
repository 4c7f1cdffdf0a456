import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { seededChance } from '../lab/seed.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';
import { size } from '../sizes.ts';

interface DiskInfo {
  readonly id: string;
  readonly location: string;
}
interface PiInfo {
  readonly id: string;
  readonly status: number;
  readonly state: string;
  readonly disks?: readonly DiskInfo[];
}
interface Problem {
  readonly code: string;
}
type Answer<T> = { readonly status: number; readonly body: T };

const PIS = 20;
const CLIENTS = 50;

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;
  /** Baked until the last test that needs many. */
  let fleet: PiInfo[] = [];

  const ask = <T>(method: string, path: string, body?: unknown): Promise<Answer<T>> =>
    call(bakery, method, path, body) as Promise<Answer<T>>;
  async function must<T>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await ask<T>(method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
  const rest = () => untilAtRest(rack.world, 60_000);
  const bake = (bakeformName = 'tiny') => ask<PiInfo & Problem>('POST', '/fridge', { bakeformName });
  const upload = (name: string) => ask<Problem>('POST', `/bakeforms/${name}`, rack.image);
  const attach = (pi: string, diskId: string) => ask<PiInfo & Problem>('POST', `/oven/${pi}/disks`, { diskId });
  const consistent = async () => assert.deepEqual(await checkWorld(rack.world), []);
  const countOf = (answers: readonly Answer<unknown>[], status: number) =>
    answers.filter((answer) => answer.status === status).length;

  before(async () => {
    rack = await makeRack(PIS);
    bakery = await rack.start();
    assert.equal((await upload('tiny')).status, 201);
    for (const serial of rack.serials) await register(bakery, serial);
  });
  after(() => rack?.close(bakery));

  test('of 50 clients that ask at once for 20 Pis each Pi goes to exactly one, and the rest are told 404', async () => {
    const answers = await Promise.all(Array.from({ length: CLIENTS }, () => bake()));
    const given = answers.filter(({ status }) => status === 202).map(({ body }) => body.id);
    assert.deepEqual(given.toSorted(), rack.serials.toSorted());
    const refused = answers.filter(({ status }) => status !== 202);
    assert.deepEqual(
      refused.map(({ status, body }) => [status, body.code]),
      Array.from({ length: CLIENTS - PIS }, () => [404, 'no-free-pi']),
    );
  });

  test('all 20 come to status 2, each with a root of its own, and none is free then', async () => {
    await rest();
    assert.equal((await bake()).status, 404);
    await rest();
    fleet = Object.values(await must<Record<string, PiInfo>>(200, 'GET', '/oven'));
    assert.deepEqual(
      fleet.map(({ status, disks }) => [status, disks?.length]),
      rack.serials.map(() => [2, 1]),
    );
    const roots = fleet.flatMap(({ disks }) => disks ?? []);
    assert.equal(new Set(roots.map(({ id }) => id)).size, PIS);
    assert.equal(new Set(roots.map(({ location }) => location)).size, PIS);
    for (const pi of fleet) {
      assert.equal(readFileSync(join(pi.disks?.[0]?.location ?? '', 'etc/hostname'), 'utf8').trim(), pi.id);
    }
    await consistent();
  });

  test('one disk is attached to one of two Pis that ask at once, the other is told 409', async () => {
    const disk = await must<DiskInfo>(201, 'POST', '/disks', { size: 4 });
    const [one, two] = [rack.serials[0] ?? '', rack.serials[1] ?? ''];
    for (let round = 0; round < size('attachRaces'); round++) {
      const answers = await Promise.all([attach(one, disk.id), attach(two, disk.id)]);
      assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 409]);
      const refusal = answers.find(({ status }) => status === 409)?.body.code ?? '';
      // `busy` where the machine is so slow that the other's attach outlasts the server's patience.
      assert.ok(['disk-attached', 'busy'].includes(refusal), refusal);
      const winner = answers[0]?.status === 200 ? one : two;
      const loser = winner === one ? two : one;
      const disksOf = async (pi: string) => (await must<PiInfo>(200, 'GET', `/oven/${pi}`)).disks?.map(({ id }) => id);
      assert.equal((await disksOf(winner))?.[1], disk.id);
      assert.equal((await disksOf(loser))?.length, 1);
      await consistent();
      await must(200, 'DELETE', `/oven/${winner}/disks/${disk.id}`);
    }
    await must(200, 'DELETE', `/disks/${disk.id}`);
    await consistent();
  });

  test('an attached disk cannot be deleted, also not while it is being attached', async () => {
    const disk = await must<DiskInfo>(201, 'POST', '/disks', { size: 4 });
    const pi = rack.serials[2] ?? '';
    assert.equal((await attach(pi, disk.id)).status, 200);
    const refused = await ask<Problem>('DELETE', `/disks/${disk.id}`);
    assert.deepEqual([refused.status, refused.body.code], [409, 'disk-attached']);
    assert.ok(existsSync(join(disk.location, 'disk.img')));
    assert.equal((await must<PiInfo>(200, 'GET', `/oven/${pi}`)).disks?.[1]?.id, disk.id);
    await must(200, 'DELETE', `/oven/${pi}/disks/${disk.id}`);

    // Whichever comes first, the other is refused: never both.
    const [attached, deleted] = await Promise.all([attach(pi, disk.id), ask('DELETE', `/disks/${disk.id}`)]);
    const outcome = [attached.status, deleted.status].join();
    assert.ok(['200,409', '404,200', '409,200'].includes(outcome), outcome);
    await rest();
    await consistent();
    if (attached.status === 200) await must(200, 'DELETE', `/oven/${pi}/disks/${disk.id}`);
    await must(200, 'DELETE', `/disks/${disk.id}`);
  });

  test('a disk cannot be attached to a Pi in the fridge, and never becomes the root of its next bake', async () => {
    const disk = await must<DiskInfo>(201, 'POST', '/disks', { size: 4 });
    const pi = rack.serials[3] ?? '';
    const oldRoot = (await must<PiInfo>(200, 'GET', `/oven/${pi}`)).disks?.[0]?.id;
    // While it is unbaked, and after.
    await must(200, 'DELETE', `/oven/${pi}`);
    assert.equal((await attach(pi, disk.id)).status, 409);
    await rest();
    const refused = await attach(pi, disk.id);
    assert.deepEqual([refused.status, refused.body.code], [409, 'pi-not-baked']);
    // A bake and an attach at once: it may come before or after the bake, the root comes first.
    const picked = await bake();
    assert.deepEqual([picked.status, picked.body.id], [202, pi]);
    const early = await attach(pi, disk.id);
    assert.ok(early.status === 409 || early.status === 200);
    await rest();
    if (early.status === 409) assert.equal((await attach(pi, disk.id)).status, 200);
    const { disks = [] } = await must<PiInfo>(200, 'GET', `/oven/${pi}`);
    assert.deepEqual([disks.length, disks[1]?.id], [2, disk.id]);
    assert.notEqual(disks[0]?.id, oldRoot);
    assert.equal(disks[0]?.location, join(rack.world.root, 'nfs', pi));
    await consistent();
    await must(200, 'DELETE', `/oven/${pi}/disks/${disk.id}`);
    await must(200, 'DELETE', `/disks/${disk.id}`);
  });

  test('of two uploads of one name at once one is made and the other is told 403', async () => {
    const answers = await Promise.all([upload('twice'), upload('twice')]);
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 403]);
    assert.equal(answers.find(({ status }) => status === 403)?.body.code, 'bakeform-exists');
    await rest();
    await consistent();
  });

  test('a bakeform is deleted while Pis live of it: they get their boot files as before', async () => {
    const pi = rack.serials[4] ?? '';
    await must(200, 'DELETE', `/oven/${pi}`);
    await rest();
    assert.equal((await bake('twice')).body.id, pi);
    await rest();
    await must(200, 'DELETE', '/bakeforms/twice');
    const kernel = await fetch(`${bakery.base}/files/${pi}/kernel8.img`);
    assert.deepEqual([kernel.status, (await kernel.arrayBuffer()).byteLength], [200, 1_000_000]);
    const cmdline = await fetch(`${bakery.base}/files/${pi}/cmdline.txt`);
    assert.match(await cmdline.text(), new RegExp(`nfsroot=127\\.0\\.0\\.1:${rack.world.root}/nfs/${pi},`));
    assert.equal((await bake('twice')).status, 400);
    await consistent();
  });

  test('a bakeform is not deleted under a bake that clones it: the delete waits, and both end well', async () => {
    const pi = rack.serials[5] ?? '';
    for (let round = 0; round < size('deleteRaces'); round++) {
      const name = `short-${round}`;
      assert.equal((await upload(name)).status, 201);
      await must(200, 'DELETE', `/oven/${pi}`);
      await rest();
      assert.equal((await bake(name)).body.id, pi);
      const deleted = await ask<Problem>('DELETE', `/bakeforms/${name}`);
      assert.ok(
        deleted.status === 200 || (deleted.status === 409 && deleted.body.code === 'busy'),
        `${deleted.status}`,
      );
      // Deleted means that the bake had ended before.
      const state = (await must<PiInfo>(200, 'GET', `/oven/${pi}`)).state;
      if (deleted.status === 200) assert.equal(state, 'baked');
      await rest();
      assert.equal((await must<PiInfo>(200, 'GET', `/oven/${pi}`)).state, 'baked');
      if (deleted.status === 409) await must(200, 'DELETE', `/bakeforms/${name}`);
      await consistent();
    }
  });

  test('bake, unbake, attach, detach, delete and power-cycle racing on one Pi always leave a consistent world', async () => {
    const chance = seededChance('concurrency');
    const pi = rack.serials[6] ?? '';
    const cycles: Promise<Answer<unknown>>[] = [];
    for (let round = 0; round < size('piRaces'); round++) {
      const disks = await Promise.all([0, 1].map(() => must<DiskInfo>(201, 'POST', '/disks', { size: 4 })));
      const [a, b] = disks.map(({ id }) => id) as [string, string];
      const acts = chance.shuffled<() => Promise<Answer<unknown>>>([
        () => bake(),
        () => bake(),
        () => ask('DELETE', `/oven/${pi}`),
        () => ask('DELETE', `/oven/${pi}`),
        () => attach(pi, a),
        () => attach(pi, b),
        () => ask('DELETE', `/oven/${pi}/disks/${a}`),
        () => ask('DELETE', `/disks/${a}`),
        () => ask('DELETE', `/disks/${b}`),
        () => {
          const cycle = ask('POST', `/oven/${pi}/powercycle`);
          cycles.push(cycle);
          // It takes 5 s when nothing overtakes it, and may reach into the next round.
          return Promise.race([cycle, rest().then(() => ({ status: 200, body: undefined }))]);
        },
      ]);
      const running: Promise<Answer<unknown>>[] = [];
      for (const act of acts) {
        running.push(act());
        await new Promise((resolve) => setTimeout(resolve, chance.pick([0, 0, 1, 5, 20, 80])));
      }
      const answers = await Promise.all(running);
      const strange = answers.filter(({ status }) => ![200, 202, 404, 409].includes(status));
      assert.deepEqual(strange, [], `round ${round}`);
      await rest();
      assert.deepEqual(await checkWorld(rack.world), [], `round ${round}`);
      const { state, disks: left = [] } = await must<PiInfo>(200, 'GET', `/oven/${pi}`);
      assert.ok(state === 'fridge' ? left.length === 0 : state === 'baked' && left.length >= 1, state);
      for (const id of [a, b]) {
        if (left.some((disk) => disk.id === id)) await must(200, 'DELETE', `/oven/${pi}/disks/${id}`);
        await must(200, 'DELETE', `/disks/${id}`);
      }
    }
    for (const { status } of await Promise.all(cycles)) assert.ok([200, 409].includes(status), `${status}`);
  });

  test('when all are unbaked at once nothing is left but the Pis, switched off', async () => {
    const answers = await Promise.all(rack.serials.map((serial) => ask('DELETE', `/oven/${serial}`)));
    assert.equal(countOf(answers, 200), PIS);
    await rest();
    await consistent();
    assert.deepEqual(Object.keys(await must<object>(200, 'GET', '/fridge')), rack.serials);
    assert.deepEqual(await must(200, 'GET', '/disks'), { disks: {} });
    assert.deepEqual([...rack.lit], []);
  });
});
