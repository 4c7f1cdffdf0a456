import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { type Client, hasItsBytes, type Ledgers, makeClient } from '../lab/client.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { type Chance, chanceFrom, seededChance } from '../lab/seed.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';
import { size } from '../sizes.ts';

const PIS = 8;
const CLIENTS = 4;

interface Seen {
  readonly oven: Readonly<Record<string, { state: string; disks?: readonly { id: string }[] }>>;
  readonly disks: Readonly<Record<string, { location: string }>>;
  readonly bakeforms: Readonly<Record<string, unknown>>;
}

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;
  let chance: Chance;
  let clients: Client[];
  const ledgers: Ledgers = {
    holders: new Map(),
    givenUp: new Set(),
    gone: new Set(),
    maybeGone: new Map(),
    deleted: new Set(),
    lost: { bakes: 0, disks: 0 },
    answered: 0,
    surprises: [],
  };
  /** How much was checked: a run in which the clients did nothing proves nothing. */
  const seen = { pis: 0, disks: 0, attached: 0, gone: 0, bakeforms: 0, unanswered: 0, midStart: 0 };

  const get = async <T>(path: string): Promise<T> => {
    const answer = await call(bakery, 'GET', path);
    assert.equal(answer.status, 200, path);
    return answer.body as T;
  };

  before(async () => {
    chance = seededChance('random-kills');
    rack = await makeRack(PIS);
    bakery = await rack.start();
    assert.equal((await call(bakery, 'POST', '/bakeforms/tiny', rack.image)).status, 201);
    for (const serial of rack.serials) await register(bakery, serial);
    clients = Array.from({ length: CLIENTS }, (_, i) =>
      makeClient({ name: `client-${i}`, chance: chanceFrom(chance.below(2 ** 32)), image: rack.image, ledgers }),
    );
  });
  after(() => rack?.close(bakery));

  /** Clients work; the server is killed; in every fourth round the next one too, while it starts or recovers; the one after that stays. */
  async function killUnderLoad(round: number): Promise<void> {
    let killed = false;
    const all = Promise.all(clients.map((client) => client.work(bakery, () => killed)));
    const isLong = round % 4 === 0;
    // So many answers, and then in the middle of something; in every fourth round enough for the longest, an upload.
    const enough = ledgers.answered + (isLong ? 20 + chance.below(20) : chance.below(16));
    const hasUploaded = () => clients.some((client) => client.bakeforms.size > 0);
    const until = performance.now() + 10_000;
    while (ledgers.answered < enough || (isLong && !hasUploaded() && performance.now() < until)) {
      if (ledgers.surprises.length > 0) break;
      await sleep(5);
    }
    await sleep(chance.below(120));
    killed = true;
    assert.equal(await bakery.kill(), 'SIGKILL');
    await all;
    if (round % 4 === 3) {
      assert.equal(await rack.startAndKill(300 + chance.below(900)), 'SIGKILL');
      seen.midStart++;
    }
    bakery = await rack.start();
  }

  function checkPis({ oven }: Seen): void {
    for (const client of clients) {
      for (const pi of client.pis) {
        assert.equal(oven[pi]?.state, 'baked', `${client.name} was promised Pi ${pi}`);
        seen.pis++;
      }
    }
    // Whatever else is baked is of a bake, or an unbake, that had no answer.
    const others = Object.keys(oven).filter((pi) => !ledgers.holders.has(pi));
    const unexplained = others.filter((pi) => !ledgers.givenUp.has(pi));
    assert.ok(unexplained.length <= ledgers.lost.bakes, `${unexplained} were given to nobody`);
    seen.unanswered += ledgers.lost.bakes + ledgers.lost.disks;
  }

  async function checkDisks({ oven, disks }: Seen): Promise<void> {
    const placeOf = (id: string) => Object.keys(oven).find((pi) => oven[pi]?.disks?.some((disk) => disk.id === id));
    for (const client of clients) {
      for (const [id, disk] of client.disks) {
        assert.ok(id in disks, `${client.name} was promised disk ${id}`);
        assert.ok(await hasItsBytes(disk), `disk ${id} of ${client.name} has lost its bytes`);
        const place = placeOf(id);
        if (disk.pi !== 'unsure') assert.equal(place, disk.pi, `disk ${id} of ${client.name}`);
        else if (place !== undefined) assert.ok(client.pis.has(place), `disk ${id} is with ${place}`);
        disk.pi = place;
        seen.disks++;
        if (place) seen.attached++;
      }
    }
    for (const id of ledgers.gone) assert.ok(!(id in disks), `disk ${id} was destroyed`);
    seen.gone += ledgers.gone.size;
    // One whose end had no answer is there as it was, or gone.
    for (const [id, disk] of ledgers.maybeGone) {
      if (id in disks) assert.ok(await hasItsBytes(disk), `disk ${id} is there without its bytes`);
    }
    const known = new Set([...clients.flatMap((client) => [...client.disks.keys()]), ...ledgers.maybeGone.keys()]);
    const roots = new Set(Object.values(oven).map((pi) => pi.disks?.[0]?.id));
    const unexplained = Object.keys(disks).filter((id) => !known.has(id) && !roots.has(id));
    assert.ok(unexplained.length <= ledgers.lost.disks, `${unexplained} were given to nobody`);
  }

  function checkBakeforms({ bakeforms }: Seen): void {
    for (const client of clients) {
      for (const name of client.bakeforms) {
        assert.ok(name in bakeforms, `${client.name} was promised ${name}`);
        seen.bakeforms++;
      }
    }
    for (const name of ledgers.deleted) assert.ok(!(name in bakeforms), `${name} was deleted`);
    assert.ok('tiny' in bakeforms);
  }

  /** Gives back what nobody was told of. The unbakes go on under the next round's load. */
  async function tidy({ oven, disks, bakeforms }: Seen): Promise<void> {
    const known = clients.flatMap((client) => [...client.disks.keys()]);
    for (const pi of Object.keys(oven).filter((id) => !ledgers.holders.has(id))) {
      ledgers.givenUp.add(pi);
      assert.equal((await call(bakery, 'DELETE', `/oven/${pi}`)).status, 200);
      for (const disk of oven[pi]?.disks ?? []) ledgers.gone.add(disk.id);
    }
    for (const id of Object.keys(disks).filter((one) => !known.includes(one) && !ledgers.gone.has(one))) {
      if (Object.values(oven).some((pi) => pi.disks?.[0]?.id === id)) continue;
      assert.equal((await call(bakery, 'DELETE', `/disks/${id}`)).status, 200);
      ledgers.gone.add(id);
    }
    const named = new Set(clients.flatMap((client) => [...client.bakeforms]));
    for (const name of Object.keys(bakeforms).filter((one) => one !== 'tiny' && !named.has(one))) {
      assert.equal((await call(bakery, 'DELETE', `/bakeforms/${name}`)).status, 200);
    }
    ledgers.maybeGone.clear();
    ledgers.lost = { bakes: 0, disks: 0 };
  }

  test(`${size('killRounds')} kills at random times under load lose nothing, leak nothing and give no Pi away twice`, async (t) => {
    let rounds = 0;
    // What comes after a round that failed tells nothing.
    for (let round = 0; round < size('killRounds') && rounds === round; round++) {
      await t.test(`round ${round}`, async () => {
        await killUnderLoad(round);
        await untilAtRest(rack.world, 60_000);
        assert.deepEqual(ledgers.surprises, []);
        assert.deepEqual(await checkWorld(rack.world), []);
        const world: Seen = {
          oven: await get('/oven'),
          disks: (await get<{ disks: Seen['disks'] }>('/disks')).disks,
          bakeforms: await get('/bakeforms'),
        };
        checkPis(world);
        await checkDisks(world);
        checkBakeforms(world);
        await tidy(world);
        rounds++;
      });
    }
    process.stdout.write(`checked: ${JSON.stringify(seen)}\n`);
    for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `no ${what} was ever checked`);
  });
});
