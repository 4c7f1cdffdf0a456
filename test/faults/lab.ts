import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, realpathSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { listLoops } from '../../exports/volumes/loops.ts';
import { type Mount, parseMountinfo } from '../../exports/volumes/mountinfo.ts';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { startHeldBakery } from '../lab/held-bakery.ts';
import { type HostType, makeDisk } from '../lab/host-disk.ts';
import { LAB_ENV, trySh } from '../lab/sh.ts';
import { makeTinyImage } from '../lab/tiny-image.ts';

export const MIB = 1024 ** 2;

/** A copy that has not ended by then never will. */
const COPY_MS = 40_000;

/** A server whose root is on a small disk of its own. */
export interface FaultLab {
  /** A temporary folder that is not on that disk. */
  readonly folder: string;
  /** The mount point of the disk; the server's root is below it. */
  readonly disk: string;
  readonly root: string;
  bakery: RunningBakery;
  /** Starts the server again, as it was started. */
  restart(): Promise<void>;
  /** A call that must be answered with this status; the body. */
  ask<T>(method: string, path: string, status: number, body?: unknown): Promise<T>;
  /** Uploads the tiny image under this name. */
  upload(name: string): Promise<{ status: number; code?: string }>;
  /** Makes a Pi known and bakes it; the path it mounts. */
  bake(pi: string, bakeform?: string): Promise<string>;
}

/** What a fault test needs to end what it began, also after a failure. */
async function cleanUp(lab: Partial<FaultLab>, folder: string, disk: string, root: string): Promise<void> {
  // Whatever touches a frozen volume hangs.
  for (const { mountPoint } of mounts())
    if (mountPoint.startsWith(`${root}/`)) trySh('fsfreeze', '--unfreeze', mountPoint);
  await lab.bakery?.stop();
  await stopLeftovers(root).catch(() => undefined);
  for (const mount of mounts().toReversed()) {
    if (mount.mountPoint.startsWith(`${folder}/`)) trySh('umount', mount.mountPoint);
  }
  trySh('umount', '--lazy', disk);
  rmSync(folder, { recursive: true, force: true });
}

/** Starts a server on a disk of so many MiB with the file system `type`. Everything is gone after the test. */
export async function openFaultLab(
  t: Pick<TestContext, 'after'>,
  options: {
    mib: number;
    type: HostType;
    settings?: Readonly<Record<string, string>>;
    /** Mount options of the disk. */
    options?: string;
    /** How often loops run, by their names, in ms; see held-main.ts. */
    pace?: Readonly<Record<string, number>>;
    /** Prepares the temporary folder; more settings. */
    before?(folder: string): Readonly<Record<string, string>>;
  },
): Promise<FaultLab> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'bakery-faults-')));
  const [image, disk] = [join(folder, 'disk.img'), join(folder, 'disk')];
  const root = join(disk, 'root');
  const lab: Partial<FaultLab> = {};
  t.after(() => cleanUp(lab, folder, disk, root));
  makeDisk(image, disk, options);
  const more = options.before?.(folder);
  makeTinyImage(join(folder, 'tiny.img'));
  const tiny = readFileSync(join(folder, 'tiny.img'));
  const settings = {
    BAKERY_ADDRESS: '127.0.0.1',
    BAKERY_EXPORT_POLICY: 'any',
    BAKERY_TFTP_PORT: '0',
    ...options.settings,
    ...more,
  };
  const pace = options.pace && { BAKERY_TEST_PACE: JSON.stringify(options.pace) };
  const start = () =>
    pace ? startHeldBakery({ root, settings: { ...settings, ...pace } }) : startBakery({ root, settings });

  async function ask<T>(method: string, path: string, status: number, body?: unknown): Promise<T> {
    const answer = await call(full.bakery, method, path, body);
    if (answer.status !== status) {
      throw new Error(`${method} ${path}: ${answer.status}, not ${status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body as T;
  }
  const full: FaultLab = Object.assign(lab, {
    folder,
    disk,
    root,
    bakery: await start(),
    async restart() {
      full.bakery = await start();
    },
    ask,
    async upload(name: string) {
      const answer = await call(full.bakery, 'POST', `/bakeforms/${name}`, new Uint8Array(tiny));
      return { status: answer.status, ...(answer.body as { code?: string }) };
    },
    async bake(pi: string, bakeform = 'tiny') {
      await (await fetch(`${full.bakery.base}/files/${pi}/start.elf`)).body?.cancel();
      await ask('POST', '/fridge', 202, { bakeformName: bakeform });
      await until(`Pi ${pi} is baked`, async () => {
        return (await call(full.bakery, 'GET', `/oven/${pi}`)).body['status' as never] === 2;
      });
      return join(root, 'nfs', pi);
    },
  });
  return full;
}

/** Waits for something to become true, at most half a minute. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | false | undefined> | T | false | undefined,
  lab?: FaultLab,
) {
  const end = Date.now() + 30_000;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it never came to: ${what}\n${lab?.bakery.output().slice(-6_000) ?? ''}`);
    await pause(50);
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** All mounts of our namespace. */
export function mounts(): Mount[] {
  return parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** The mount points below `folder` whose file system has given up. */
export function brokenBelow(folder: string): string[] {
  return mounts()
    .filter(({ mountPoint, superOptions }) => {
      return (
        mountPoint.startsWith(`${folder}/`) && superOptions.some((word) => /^(ro|emergency_ro|shutdown)$/.test(word))
      );
    })
    .map(({ mountPoint }) => mountPoint);
}

/** MiB that root may still write there. */
export function freeMib(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return Math.floor((bavail * bsize) / MIB);
}

/** MiB of that file system, used or not. */
export function totalMib(folder: string): number {
  const { blocks, bsize } = statfsSync(folder);
  return Math.floor((blocks * bsize) / MIB);
}

/** An NFSv3 client that copies a local file onto an export. */
export function nfsCopy(
  from: string,
  path: string,
): { child: ChildProcess; ended: Promise<{ code: number | null; output: string }> } {
  const child = spawn('nfs-cp', [from, `nfs://127.0.0.1${path}?version=3`], {
    env: LAB_ENV,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const late = setTimeout(() => child.kill('SIGKILL'), COPY_MS);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => {
      clearTimeout(late);
      resolve({ code, output });
    });
  });
  return { child, ended };
}

export const [PI, OTHER] = ['5564247d', '5564247e'] as const;

/** A server with two baked Pis, on xfs where nothing else is said, and where these mount from. */
export async function openBaked(
  t: Pick<TestContext, 'after'>,
  disk: { mib: number; rootSize: string; type?: HostType; pool?: 'auto' | 'plain' },
): Promise<{ lab: FaultLab; at: string; other: string }> {
  const { mib, rootSize, type = 'xfs', pool = 'auto' } = disk;
  const settings = { BAKERY_ROOT_SIZE: rootSize, BAKERY_TRASH_HOURS: '0', BAKERY_POOL: pool };
  const lab = await openFaultLab(t, { mib, type, settings });
  assert.equal((await lab.upload('tiny')).status, 201);
  return { lab, at: await lab.bake(PI), other: await lab.bake(OTHER) };
}

/** True when an NFS client can write a new file there. */
export async function writes(lab: FaultLab, at: string): Promise<boolean> {
  const file = join(lab.folder, 'written');
  writeFileSync(file, Buffer.alloc(MIB, 'w'));
  return (await nfsCopy(file, `${at}/written-${randomUUID()}`).ended).code === 0;
}

/** The volumes of this server that a loop device has. */
export async function loopedVolumes(lab: FaultLab): Promise<string[]> {
  return (await listLoops(exec)).filter(({ file }) => file.startsWith(`${lab.root}/pool/`)).map(({ file }) => file);
}

/** Asks for a small disk. */
export const createDisk = (lab: FaultLab) => call(lab.bakery, 'POST', '/disks', { size: 8 });

/** How many disks the API lists. */
export async function diskCount(lab: FaultLab): Promise<number> {
  return Object.keys((await lab.ask<{ disks: object }>('GET', '/disks', 200)).disks).length;
}

/** The code of a problem. */
export const codeOf = ({ body }: { body: object }) => (body as { code?: string }).code;
