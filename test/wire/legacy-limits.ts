import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CALLS, GoClient, type GoDisk, type GoPi } from '../lab/go-bakery-client.ts';
import type { GoCall } from '../lab/go-wire.ts';
import { holdBus } from '../lab/slow-bus.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';
import { quirkTest } from './legacy-quirks.ts';
import type { LegacyWorld } from './legacy-world.ts';

/** What a call came to while everything it needs was held: a status, or the words of a client that gave up. */
type Outcome = number | string;

interface Jam {
  readonly outcomes: Readonly<Record<string, Outcome>>;
  readonly pis: Readonly<Record<'cycled' | 'unbaked' | 'baking' | 'attaching' | 'detaching', string>>;
  readonly disks: Readonly<Record<'attached' | 'waiting' | 'detached' | 'deleted', string>>;
  readonly release: () => void;
}

/** Lets everything wait on something slow, and makes all calls at once. */
async function jam(world: LegacyWorld): Promise<Jam> {
  const { rack, slow } = world;
  const [cycled, unbaked, attaching, detaching] = [
    await world.vm(),
    await world.vm(),
    await world.vm(),
    await world.vm(),
  ].map(({ id }) => id) as [string, string, string, string];
  const [attached, waiting, detached, deleted] = [
    await world.disk(),
    await world.disk(),
    await world.disk(),
    await world.disk(),
  ].map(({ id }) => id) as [string, string, string, string];
  await world.must(CALLS.attachDisk(detaching, detached));
  await world.must(CALLS.uploadFile(attaching, 'settings.json', '{}'));

  const switches = Promise.withResolvers<void>();
  for (const pi of [cycled, unbaked]) rack.slow.set(pi, switches.promise);
  const programs = ['tune2fs', 'mkfs.ext4', 'umount'].map((program) => slow.hold(program));
  const releaseBus = holdBus(rack.world.root);
  const baking = (await world.must<GoPi>(CALLS.bakePi('tiny'))).id;
  await world.must(CALLS.unbakePi(unbaked));

  const calls: Readonly<Record<string, GoCall>> = {
    'the fridge': CALLS.listFridge(),
    'the oven': CALLS.listOven(),
    'the bakeforms': CALLS.listBakeforms(),
    'the disks': CALLS.listDisks(),
    'a Pi that is being baked': CALLS.getPi(baking),
    'a disk that is being attached': CALLS.getDisk(attached),
    'a boot file': CALLS.getBootFile(cycled, 'cmdline.txt'),
    'another bake': CALLS.bakePi('tiny'),
    'an unbake on a slow switch, again': CALLS.unbakePi(unbaked),
    'a power-cycle on a slow switch': CALLS.powercyclePi(cycled),
    'the same power-cycle again': CALLS.powercyclePi(cycled),
    'a power-cycle of a Pi that is being unbaked': CALLS.powercyclePi(unbaked),
    'an attach on a slow NFS server': CALLS.attachDisk(attaching, attached),
    'a second attach to that Pi': CALLS.attachDisk(attaching, waiting),
    'a detach on a slow NFS server': CALLS.detachDisk(detaching, detached),
    'a delete on a slow unmount': CALLS.deleteDisk(deleted),
    'a disk on a slow mkfs': CALLS.createDisk(4),
    'a delete of a bakeform that is being cloned': CALLS.deleteBakeform('tiny'),
    'an upload into a Pi': CALLS.uploadFile(attaching, 'disks.json', '[]'),
    'a download from a Pi': CALLS.downloadFile(attaching, 'settings.json'),
  };
  const outcomes = await Promise.all(
    Object.entries(calls).map(async ([name, call]): Promise<[string, Outcome]> => {
      // Each as a client of its own, which gives up after 10 s.
      const go = new GoClient(world.bakery.base, `cpi:${world.bakery.token}`);
      const outcome = await go.do(call).then(
        ({ status }) => status,
        (error) => String(error),
      );
      go.close();
      return [name, outcome];
    }),
  );
  return {
    outcomes: Object.fromEntries(outcomes),
    pis: { cycled, unbaked, baking, attaching, detaching },
    disks: { attached, waiting, detached, deleted },
    release() {
      switches.resolve();
      rack.slow.clear();
      for (const go of programs) go();
      releaseBus();
    },
  };
}

/** The 10-second rule. */
export function legacyLimits(of: () => LegacyWorld): void {
  let jammed: Promise<Jam> | undefined;
  const result = () => {
    jammed ??= jam(of());
    return jammed;
  };

  test(quirkTest('gives-up-after-10-s', 'each call is answered in time while all that it needs is held'), async () => {
    const all = Object.entries((await result()).outcomes);
    const outcomes = all.filter(
      ([name]) => !name.endsWith('power-cycle on a slow switch') && !name.startsWith('the same'),
    );
    assert.deepEqual(Object.fromEntries(outcomes), {
      'the fridge': 200,
      'the oven': 200,
      'the bakeforms': 200,
      'the disks': 200,
      'a Pi that is being baked': 200,
      'a disk that is being attached': 200,
      'a boot file': 200,
      'another bake': 202,
      'an unbake on a slow switch, again': 200,
      'a power-cycle of a Pi that is being unbaked': 409,
      'an attach on a slow NFS server': 504,
      'a second attach to that Pi': 409,
      'a detach on a slow NFS server': 504,
      'a delete on a slow unmount': 504,
      'a disk on a slow mkfs': 504,
      'a delete of a bakeform that is being cloned': 409,
      'an upload into a Pi': 200,
      'a download from a Pi': 200,
    });
  });

  test(quirkTest('powercycle-in-10-s', 'one on a slow switch is 200 in time, and goes on'), async () => {
    const { outcomes, pis } = await result();
    assert.equal(outcomes['a power-cycle on a slow switch'], 200);
    assert.equal(outcomes['the same power-cycle again'], 200);
    assert.ok(!of().rack.lit.has(pis.cycled));
  });

  test('what was answered as going on comes to its end, and what nobody would hear of is taken back', async () => {
    const world = of();
    const { pis, disks, release } = await result();
    // While it is baked, before anything goes on.
    await world.must(CALLS.unbakePi(pis.baking));
    assert.notEqual((await world.must<GoPi>(CALLS.getPi(pis.baking))).status, 2);
    release();
    // The same calls again wait for what they began.
    await world.must(CALLS.attachDisk(pis.attaching, disks.attached));
    await world.must(CALLS.detachDisk(pis.detaching, disks.detached));
    await world.must(CALLS.deleteDisk(disks.deleted));
    await untilAtRest(world.rack.world, 60_000);
    assert.deepEqual(await checkWorld(world.rack.world), []);
    const shown = await world.must<{ disks: Readonly<Record<string, GoDisk>> }>(CALLS.listDisks());
    const data = Object.values(shown.disks).filter(({ size }) => size > 0);
    assert.deepEqual(
      data.map(({ id }) => id).toSorted(),
      [disks.attached, disks.waiting, disks.detached].toSorted(),
      'neither the deleted one nor the one that took too long',
    );
    const oven = await world.must<Readonly<Record<string, GoPi>>>(CALLS.listOven());
    assert.equal(Object.values(oven).filter(({ status }) => status === 2).length, 4);
    assert.ok(!(pis.unbaked in oven) && !(pis.baking in oven));
    await world.giveBack(...Object.keys(oven));
    for (const disk of [disks.waiting, disks.detached]) await world.must(CALLS.deleteDisk(disk));
  });
}
