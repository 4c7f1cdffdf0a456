import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { type Exec, exec } from '../../core/host/exec.ts';
import type { Log } from '../../core/log.ts';
import { createImages, type Images } from '../../exports/images/images.ts';
import { listLoops } from '../../exports/volumes/loops.ts';
import { openPool, type Pool } from '../../exports/volumes/pool.ts';
import type { PoolKind } from '../../exports/volumes/pool-kind.ts';
import { createVolumes, type Volumes } from '../../exports/volumes/volumes.ts';
import { type HostType, makeDisk } from '../lab/host-disk.ts';

export const MIB = 1024 ** 2;
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Runs a program that must succeed; its output. */
export function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${status} ${stderr}`);
  return stdout;
}

/** What a Pi may put in the place of its `disk.img`, a link to `victim` for one, and the code that is refused with. */
export const putByPis = (image: string, victim: string) =>
  [
    [() => symlinkSync(victim, image), 'path-refused'],
    [() => run('mkfifo', image), 'path-refused'],
    [() => undefined, 'disk-image-missing'],
  ] as const;

/** A pool in a temporary folder, with what stands on it. */
export interface Bench {
  readonly root: string;
  readonly pool: Pool;
  readonly volumes: Volumes;
  readonly images: Images;
  /** The same intake, which runs its programs by this. */
  imagesBy(exec: Exec): Images;
  /** Where a volume of this name is mounted, as the server would choose it. */
  at(name: string): string;
  /** The same folder, opened by a Bakery that knows nothing yet: what a restart does. */
  reopen(): Promise<{ pool: Pool; volumes: Volumes; images: Images }>;
}

/** A temporary folder; what is mounted, looped and written below it is gone after the test, passed or not. */
export function temporaryRoot(t: Pick<TestContext, 'after'>, parent = tmpdir()): string {
  const root = realpathSync(mkdtempSync(join(parent, 'bakery-volumes-')));
  t.after(async () => {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    const below = mounts.map((line) => line.split(' ')[4] ?? '').filter((point) => point.startsWith(`${root}/`));
    // By the name of the backing file: only loops of this very folder. Before, too: one that nothing has mounted keeps the disk below it.
    const detach = async () => {
      for (const loop of await listLoops(exec)) {
        if (loop.file.startsWith(`${root}/`)) spawnSync('losetup', ['--detach', loop.name]);
      }
    };
    await detach();
    for (const point of below.toReversed()) spawnSync('umount', [point]);
    await detach();
    rmSync(root, { recursive: true, force: true });
  });
  return root;
}

/** Where a root lies, and what a pool must become there. */
export interface Host {
  readonly name: string;
  readonly type: HostType;
  readonly mode: 'auto' | 'plain';
  readonly kind: PoolKind;
}

/** Each way to keep volumes; the first two are the same to everything above the pool. */
export const HOSTS = [
  { name: 'ext4', type: 'ext4', mode: 'auto', kind: 'loop-xfs' },
  { name: 'xfs without reflinks', type: 'xfs-old', mode: 'auto', kind: 'loop-xfs' },
  { name: 'xfs', type: 'xfs', mode: 'auto', kind: 'reflink' },
  { name: 'btrfs', type: 'btrfs', mode: 'auto', kind: 'reflink' },
  { name: 'ext4, plain', type: 'ext4', mode: 'plain', kind: 'plain' },
] as const satisfies readonly Host[];

/** A file system of so many MiB, in a file in memory; the folder on it. Only in a namespace, which has such a /run. */
export function onHost(t: Pick<TestContext, 'after'>, { type }: Host, mib = 4096): string {
  const folder = temporaryRoot(t, '/run');
  const disk = join(folder, 'disk');
  makeDisk(join(folder, 'disk.img'), disk, { mib, type });
  const root = join(disk, 'root');
  mkdirSync(root);
  return root;
}

/** Opens a pool of 512 MiB that may grow, on a disk of its own where a host is named. */
export async function openBench(
  t: Pick<TestContext, 'after'>,
  { rootMiB = 64, host }: { rootMiB?: number; host?: Host } = {},
): Promise<Bench> {
  const root = host ? onHost(t, host) : temporaryRoot(t);
  const reopen = async () => {
    const mode = host?.mode ?? 'auto';
    const pool = await openPool({ root, mode, exec, log: silent, initialBytes: 512 * MIB });
    const volumes = createVolumes({ pool, exec, log: silent });
    const firmwareFolder = join(root, 'boot');
    const imagesBy = (by: Exec) =>
      createImages({ pool, exec: by, log: silent, rootBytes: rootMiB * MIB, imageBytes: 96 * MIB, firmwareFolder });
    return { pool, volumes, images: imagesBy(exec), imagesBy };
  };
  return { root, at: (name) => join(root, 'nfs', name), reopen, ...(await reopen()) };
}

/** For assert.rejects: a BakeryError of this code whose message names no path. */
export function fault(code: string): (error: unknown) => true {
  return (error) => {
    if (!(error instanceof BakeryError)) throw error;
    if (error.code !== code)
      throw new Error(`${code} was expected, not ${error.code}: ${error.detail}`, { cause: error });
    if (/\/(tmp|dev|proc)\b/.test(error.message)) throw new Error(`a path reaches clients: ${error.message}`);
    return true;
  };
}

/** Bytes as an upload would send them. */
export async function* chunksOf(bytes: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
