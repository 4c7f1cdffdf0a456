import { randomBytes } from 'node:crypto';
import { createReadStream, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { type HostType, makeDisk } from '../lab/host-disk.ts';
import { trySh } from '../lab/sh.ts';
import { makeTinyImage, TINY } from '../lab/tiny-image.ts';

/** What a root has: as many files and bytes as a Raspberry Pi OS Lite that an upgrade was run on. */
export const TREE = { files: 20_000, bytes: 669_000_000 } as const;

/** Sizes as in a real root: most files are small, most bytes are in few. They add up to `bytes`, nearly. */
export function sizesOf({ files, bytes }: { files: number; bytes: number }): number[] {
  const weights = Array.from({ length: files }, (_, i) => ((i * 7919) % files) ** 4 + 1);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => Math.floor((weight / all) * bytes));
}

/** Makes an image with such a root. */
export function makeBigImage(file: string): void {
  const noise = randomBytes(8 * 1024 ** 2);
  const rootFiles: Record<string, string | Uint8Array> = { ...TINY.rootFiles };
  for (const [i, size] of sizesOf(TREE).entries()) {
    rootFiles[`usr/lib/d${i % 400}/f${i}`] = noise.subarray(0, Math.min(size, noise.length));
  }
  makeTinyImage(file, { rootFiles, rootMiB: 900 });
}

/** An operation that has ended, and its steps, with the times that its journal has. */
export interface Ended {
  readonly pi?: string;
  readonly began: number;
  readonly ended: number;
  readonly ms: number;
  stepMs(name: string): number;
}

interface OperationView {
  readonly state: string;
  readonly pi?: string;
  readonly createdAt: string;
  readonly endedAt?: string;
  readonly error?: { readonly code: string };
  readonly steps: readonly { readonly name: string; readonly startedAt?: string; readonly endedAt?: string }[];
}

/** A server on a file system of its own, and what the bench asks of it. */
export interface StorageWorld {
  readonly disk: string;
  readonly root: string;
  readonly bakery: RunningBakery;
  ask<T>(method: string, path: string, status: number, body?: unknown): Promise<T>;
  /** Makes so many Pis known. */
  addPis(count: number): Promise<void>;
  /** Bakes any free Pi. */
  bake(): Promise<Ended>;
  /** Bakes so many, all begun at once. */
  bakeAll(count: number): Promise<Ended[]>;
  unbake(pi: string): Promise<Ended>;
  /** The newest operation of this kind on that Pi or disk, once it has ended. */
  operation(kind: string, of: { pi?: string; disk?: string }): Promise<Ended>;
  close(): Promise<void>;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const at = (text: string | undefined) => (text === undefined ? Number.NaN : Date.parse(text));

/** Starts one in `folder`, with `image` taken in as the bakeform `big`. */
export async function openWorld(
  folder: string,
  host: {
    type: HostType;
    mib: number;
    isAllocated?: boolean;
    image: string;
    settings?: Readonly<Record<string, string>>;
  },
): Promise<StorageWorld> {
  const [file, disk] = [join(folder, 'disk.img'), join(folder, 'disk')];
  mkdirSync(folder, { recursive: true });
  makeDisk(file, disk, host);
  const root = join(disk, 'root');
  const settings = {
    BAKERY_ADDRESS: '127.0.0.1',
    BAKERY_EXPORT_POLICY: 'any',
    BAKERY_TFTP_PORT: '0',
    BAKERY_DHCP: 'off',
  };
  // Nothing that is timed goes over the log.
  const bakery = await startBakery({ root, settings: { ...settings, LOG_LEVEL: 'warn', ...host.settings } });
  async function ask<T>(method: string, path: string, status: number, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
  async function operation(kind: string, of: { pi?: string; disk?: string }): Promise<Ended> {
    const query = new URLSearchParams({ kind, ...of, limit: '1' });
    for (;;) {
      // Times are those of the journal: who asks at once, or too often, only slows it down.
      await pause(100);
      const { operations } = await ask<{ operations: OperationView[] }>('GET', `/operations?${query}`, 200);
      const [found] = operations;
      if (found?.endedAt === undefined) continue;
      if (found.state !== 'done') throw new Error(`${kind} is ${found.state}: ${found.error?.code}`);
      const [began, ended] = [at(found.createdAt), at(found.endedAt)];
      const stepMs = (name: string) => {
        const step = found.steps.find((one) => one.name === name);
        return at(step?.endedAt) - at(step?.startedAt);
      };
      return { ...(found.pi === undefined ? {} : { pi: found.pi }), began, ended, ms: ended - began, stepMs };
    }
  }
  const begin = async () => (await ask<{ id: string }>('POST', '/fridge', 202, { bakeformName: 'big' })).id;
  let pis = 0;
  await ask('POST', '/bakeforms/big', 201, Readable.toWeb(createReadStream(host.image)));
  return {
    disk,
    root,
    bakery,
    ask,
    operation,
    async addPis(count) {
      for (let n = 0; n < count; n++) await ask('POST', '/pis', 201, { id: (0xba5e0000 + pis++).toString(16) });
    },
    async bake() {
      return operation('bake', { pi: await begin() });
    },
    async bakeAll(count) {
      const pis = await Promise.all(Array.from({ length: count }, begin));
      const ended: Ended[] = [];
      // One after another, for the same reason.
      for (const pi of pis) ended.push(await operation('bake', { pi }));
      return ended;
    },
    async unbake(pi) {
      await ask('DELETE', `/oven/${pi}`, 200);
      const ended = await operation('unbake', { pi });
      // Nobody can switch it: without that it would not be picked again.
      await ask('POST', `/pis/${pi}/confirm-off`, 200);
      return ended;
    },
    async close() {
      await bakery.stop();
      await stopLeftovers(root);
      // What is mounted below it ends with the namespace.
      trySh('umount', '--recursive', '--lazy', disk);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
