import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { type Exec, exec } from '../../core/host/exec.ts';
import type { Log } from '../../core/log.ts';
import { createImages, type Images } from '../../exports/images/images.ts';
import { listLoops } from '../../exports/volumes/loops.ts';
import { openPool, type Pool } from '../../exports/volumes/pool.ts';
import { createVolumes, type Volumes } from '../../exports/volumes/volumes.ts';

export const MIB = 1024 ** 2;
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Runs a program that must succeed; its output. */
export function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${status} ${stderr}`);
  return stdout;
}

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
export function temporaryRoot(t: Pick<TestContext, 'after'>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'bakery-volumes-')));
  t.after(async () => {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    const below = mounts.map((line) => line.split(' ')[4] ?? '').filter((point) => point.startsWith(`${root}/`));
    for (const point of below.toReversed()) spawnSync('umount', [point]);
    // By the name of the backing file: only loops of this very folder.
    for (const loop of await listLoops(exec)) {
      if (loop.file.startsWith(`${root}/`)) spawnSync('losetup', ['--detach', loop.name]);
    }
    rmSync(root, { recursive: true, force: true });
  });
  return root;
}

/** Opens a pool of 512 MiB that may grow. */
export async function openBench(t: Pick<TestContext, 'after'>, rootMiB = 64): Promise<Bench> {
  const root = temporaryRoot(t);
  const reopen = async () => {
    const pool = await openPool({ root, mode: 'auto', exec, log: silent, initialBytes: 512 * MIB });
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
