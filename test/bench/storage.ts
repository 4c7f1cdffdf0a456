import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sh } from '../lab/sh.ts';
import { median } from './bars.ts';
import type { Part } from './part.ts';
import { type Timed, timesTable } from './storage-bars.ts';
import { makeBigImage, openWorld, type StorageWorld } from './storage-world.ts';
import { timed } from './timed.ts';

const ROUNDS = 5;
const COPY_ROUNDS = 10;
/** Bakes that do not count: programs and their libraries are read from the disk in these. */
const COLD = 2;
/** A bake is so short that one of them tells little: of each round it is their median. */
const BAKES = 5;
const AT_ONCE = 20;
const EXPORTS = 1_000;
/** Sparse, and more than is ever written there. */
const DISK_MIB = 64 * 1024;
/**
 * Where copies are timed, with all of its blocks there: ext4 writes each copy to blocks that had none before, and memory that a virtual machine touches
 * for the first time takes several times as long.
 */
const COPIES_MIB = 6 * 1024;

interface Worlds {
  /** On xfs, with reflinks. */
  shared(): Promise<StorageWorld>;
  /** The same, with a thousand Pis baked. */
  full(): Promise<StorageWorld>;
  /** On ext4, with copies. */
  plain(): Promise<StorageWorld>;
}

interface Task {
  readonly task: string;
  run(worlds: Worlds): Promise<Omit<Timed, 'task'>>;
}

async function times(count: number, one: () => Promise<number>): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < count; n++) found.push(await one());
  return found;
}

/** What was deleted a moment ago is given back in its own time: nobody is to pay for that of another. */
const settle = (world: StorageWorld) => sh('sync', '--file-system', world.disk);

async function bakeAndRsync({ shared }: Worlds): Promise<Omit<Timed, 'task'>> {
  const world = await shared();
  const { pi: source = '' } = await world.bake();
  const [ours, rsync]: [number[], number[]] = [[], []];
  const copy = join(world.disk, 'copy');
  for (let round = -1; round < ROUNDS; round++) {
    settle(world);
    const baked = await times(BAKES, async () => {
      const { ms, pi = '' } = await world.bake();
      await world.unbake(pi);
      return ms;
    });
    settle(world);
    mkdirSync(copy);
    const took = await timed(() => sh('rsync', '-xa', `${join(world.root, 'nfs', source)}/`, copy));
    rmSync(copy, { recursive: true });
    // In the first round rsync finds its source cold.
    if (round < 0) continue;
    ours.push(median(baked));
    rsync.push(took);
  }
  await world.unbake(source);
  return { ours, peer: { name: 'rsync -xa', times: rsync }, most: 100, factor: 50 };
}

async function manyAtOnce({ shared }: Worlds): Promise<Omit<Timed, 'task'>> {
  const world = await shared();
  const [ours, one]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const single = await world.bake();
    one.push(single.ms);
    const all = await world.bakeAll(AT_ONCE);
    ours.push(Math.max(...all.map(({ ended }) => ended)) - Math.min(...all.map(({ began }) => began)));
    for (const { pi = '' } of [single, ...all]) await world.unbake(pi);
  }
  return { ours, peer: { name: 'one', times: one }, factor: 1 / 3 };
}

async function unbakes({ shared }: Worlds): Promise<Omit<Timed, 'task'>> {
  const world = await shared();
  const ours = await times(ROUNDS, async () => {
    const gone = await world.unbake((await world.bake()).pi ?? '');
    return gone.ms - gone.stepMs('power-off');
  });
  return { ours, most: 50 };
}

async function largeDisks({ shared }: Worlds): Promise<Omit<Timed, 'task'>> {
  const world = await shared();
  const ours = await times(ROUNDS, async () => {
    const { id } = await world.ask<{ id: string }>('POST', '/disks', 201, { size: 1024 ** 2 });
    const { ms } = await world.operation('create-disk', { disk: id });
    await world.ask('DELETE', `/disks/${id}`, 200);
    return ms;
  });
  return { ours, most: 150 };
}

async function fill(world: StorageWorld): Promise<void> {
  await world.addPis(EXPORTS);
  for (let baked = 0; baked < EXPORTS; baked += 10) {
    await world.bakeAll(10);
    if (baked % 100 === 0) console.log(`${baked} of ${EXPORTS} Pis are baked`);
  }
}

/** What a bake's and an unbake's step takes that changes what is exported. */
const amongMany =
  (step: 'export' | 'withdraw') =>
  async ({ full }: Worlds): Promise<Omit<Timed, 'task'>> => {
    const world = await full();
    const ours = await times(ROUNDS, async () => {
      const baked = await world.bake();
      const gone = await world.unbake(baked.pi ?? '');
      return (step === 'export' ? baked : gone).stepMs(step);
    });
    return { ours, most: 20 };
  };

async function copies({ plain }: Worlds): Promise<Omit<Timed, 'task'>> {
  const world = await plain();
  const [golden = ''] = sh('find', join(world.root, 'pool', 'golden'), '-name', '*.ext4').split('\n');
  const copy = join(world.disk, 'copy.ext4');
  const [ours, cp]: [number[], number[]] = [[], []];
  async function clone(): Promise<void> {
    settle(world);
    const baked = await world.bake();
    ours.push(baked.stepMs('clone'));
    await world.unbake(baked.pi ?? '');
  }
  async function copyBeside(): Promise<void> {
    settle(world);
    cp.push(
      await timed(() => {
        sh('cp', '--sparse=always', golden, copy);
        // A clone is durable when it is there.
        sh('sync', copy);
      }),
    );
    rmSync(copy);
  }
  for (let round = 0; round < COPY_ROUNDS; round++) {
    const acts = [clone, copyBeside];
    for (const act of round % 2 === 0 ? acts : acts.toReversed()) await act();
  }
  return { ours, peer: { name: 'cp --sparse=always, sync', times: cp }, factor: 0.9 };
}

const TASKS: readonly Task[] = [
  { task: 'clone where blocks cannot be shared', run: copies },
  { task: 'bake 669 MB in 20,000 files', run: bakeAndRsync },
  { task: `${AT_ONCE} bakes at once`, run: manyAtOnce },
  { task: 'unbake, without the power call', run: unbakes },
  { task: 'make a disk of 1 TiB', run: largeDisks },
  // Last: they leave a thousand Pis.
  { task: `add an export to ${EXPORTS}`, run: amongMany('export') },
  { task: `withdraw an export of ${EXPORTS}`, run: amongMany('withdraw') },
];

/** `--on=FOLDER`: the disks are files there; else in memory. */
function placeOfDisks(): string {
  const folder = process.argv.find((arg) => arg.startsWith('--on='))?.slice('--on='.length) ?? '/run';
  return mkdtempSync(join(folder, 'bakery-bench-'));
}

/** Volumes: a whole server with its database and NFS server, asked over its API. Times are those of its journal. */
export const storage: Part = {
  name: 'storage',
  tasks: TASKS.map(({ task }) => task),
  async run(wanted) {
    const folder = placeOfDisks();
    const image = join(folder, 'big.img');
    let open: { name: string; world: StorageWorld } | undefined;
    /** One at a time: a machine has one NFS server. */
    async function enter(name: 'shared' | 'plain'): Promise<StorageWorld> {
      if (open?.name === name) return open.world;
      await open?.world.close();
      open = undefined;
      // Destroyed roots are kept, as they are where nothing else is said; but not whole copies.
      const how =
        name === 'shared'
          ? ({ type: 'xfs', mib: DISK_MIB } as const)
          : ({
              type: 'ext4',
              mib: COPIES_MIB,
              isAllocated: true,
              settings: { BAKERY_POOL: 'plain', BAKERY_TRASH_HOURS: '0' },
            } as const);
      const world = await openWorld(join(folder, name), { image, ...how });
      open = { name, world };
      await world.addPis(AT_ONCE + 5);
      for (let n = 0; n < COLD; n++) await world.unbake((await world.bake()).pi ?? '');
      return world;
    }
    let isFull = false;
    const worlds: Worlds = {
      shared: () => enter('shared'),
      async full() {
        const world = await enter('shared');
        if (!isFull) await fill(world);
        isFull = true;
        return world;
      },
      plain: () => enter('plain'),
    };
    try {
      process.env.TMPDIR = folder;
      makeBigImage(image);
      const rows: Timed[] = [];
      for (const { task, run } of TASKS.filter((one) => wanted.has(one.task))) {
        rows.push({ task, ...(await run(worlds)) });
        console.log(`\n${timesTable(rows.slice(-1))}`);
      }
      return timesTable(rows);
    } finally {
      await open?.world.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
