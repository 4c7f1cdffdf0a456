import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostType } from '../lab/host-disk.ts';
import { LAB_ENV, sh } from '../lab/sh.ts';
import { median } from './bars.ts';
import type { Part } from './part.ts';
import { makeBigImage, openWorld, type StorageWorld } from './storage-world.ts';

const ROUNDS = 5;
/** Bakes that do not count: programs and their libraries are read from the disk in these. */
const COLD = 2;
/** Sparse, and more than is ever written there. */
const DISK_MIB = 64 * 1024;
/** Written and read over NFS. It does not pack, and has no holes. */
const FILE_MB = 256;

/** A file system that a root can be on, and how Bakery keeps volumes there. */
interface Host {
  readonly task: string;
  readonly type: HostType;
  readonly settings?: Readonly<Record<string, string>>;
  /** Where room is counted: what lies beneath the root, for one. */
  readonly counted: string;
}

const HOSTS: readonly Host[] = [
  { task: 'xfs', type: 'xfs', counted: '.' },
  { task: 'btrfs', type: 'btrfs', counted: '.' },
  { task: 'ext4, an xfs in a file', type: 'ext4', counted: 'root/pool' },
  {
    task: 'ext4, plain',
    type: 'ext4',
    // Destroyed copies are not kept.
    settings: { BAKERY_POOL: 'plain', BAKERY_TRASH_HOURS: '0' },
    counted: '.',
  },
];

/** What is taken of the file system of a folder, in MB, once all is written. */
function usedMb(folder: string): number {
  sh('sync', '--file-system', folder);
  const { blocks, bfree, bsize } = statfsSync(folder);
  return ((blocks - bfree) * bsize) / 1e6;
}

/** MB/s of a program that moves the file. */
function rate(program: string, ...args: readonly string[]): number {
  const began = performance.now();
  // What it reads goes nowhere.
  const { status } = spawnSync(program, args, { env: LAB_ENV, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
  return FILE_MB / ((performance.now() - began) / 1_000);
}

async function measure(world: StorageWorld, { task, counted }: Host, file: string): Promise<string> {
  await world.addPis(ROUNDS + COLD);
  for (let n = 0; n < COLD; n++) await world.unbake((await world.bake()).pi ?? '');
  const before = usedMb(join(world.disk, counted));
  const baked = [];
  for (let n = 0; n < ROUNDS; n++) baked.push(await world.bake());
  const room = (usedMb(join(world.disk, counted)) - before) / ROUNDS;
  const [writes, reads]: [number[], number[]] = [[], []];
  for (const { pi = '' } of baked) {
    const url = `nfs://127.0.0.1${join(world.root, 'nfs', pi)}/file?version=3`;
    writes.push(rate('nfs-cp', file, url));
    reads.push(rate('nfs-cat', url));
  }
  const cells = [
    median(baked.map(({ ms }) => ms)),
    median(baked.map((one) => one.stepMs('clone'))),
    room,
    median(writes),
    median(reads),
  ];
  return `| ${task} | ${cells.map((value) => value.toFixed(value < 10 ? 1 : 0)).join(' | ')} |`;
}

/** What a server costs on each file system that its root can be on, in memory. There is no bar: it tells what to choose. */
export const hosts: Part = {
  name: 'hosts',
  tasks: HOSTS.map(({ task }) => task),
  async run(wanted) {
    const folder = mkdtempSync('/run/bakery-bench-');
    process.env.TMPDIR = folder;
    const [image, file] = [join(folder, 'big.img'), join(folder, 'file')];
    const rows = [
      '| `BAKERY_ROOT` is on | a bake, ms | its clone, ms | room, MB | NFS write, MB/s | NFS read, MB/s |',
      '|---|---|---|---|---|---|',
    ];
    try {
      makeBigImage(image);
      writeFileSync(file, randomBytes(FILE_MB * 1e6));
      for (const [i, host] of HOSTS.filter(({ task }) => wanted.has(task)).entries()) {
        const at = join(folder, String(i));
        const { type, settings = {} } = host;
        const world = await openWorld(at, { mib: DISK_MIB, image, type, settings });
        try {
          rows.push(await measure(world, host, file));
        } finally {
          await world.close();
          rmSync(at, { recursive: true, force: true });
        }
      }
      return rows.join('\n');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
