import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { call, type RunningBakery } from './bakery.ts';
import { Leak } from './leaks.ts';
import type { Chance } from './seed.ts';

/** A disk that a client was promised. */
export interface KnownDisk {
  /** In its disk.img since it was made. */
  readonly bytes: Buffer;
  readonly location: string;
  /** The Pi it is attached to; `unsure` when the last attach or detach had no answer. */
  pi: string | undefined | 'unsure';
}

/** What all clients of one server share: what must hold among them, and what no answer told. */
export interface Ledgers {
  /** Who holds each Pi that was promised and not given up. */
  readonly holders: Map<string, string>;
  /** Pis given up by an unbake, until they are promised again. */
  readonly givenUp: Set<string>;
  /** Disks that were destroyed, by themselves or with their Pi, and it was answered. */
  readonly gone: Set<string>;
  /** Disks whose destruction had no answer. */
  readonly maybeGone: Map<string, KnownDisk>;
  /** Bakeforms that were deleted, and it was answered. */
  readonly deleted: Set<string>;
  /** How many creates had no answer since the last look. */
  lost: { bakes: number; disks: number };
  /** How many calls were answered: a kill comes after so many, not after so long. */
  answered: number;
  /** What should not have happened. */
  readonly surprises: string[];
}

/** A client that does things at random, one after the other, and remembers what it was promised. */
export interface Client {
  readonly name: string;
  readonly pis: Set<string>;
  readonly disks: Map<string, KnownDisk>;
  readonly bakeforms: Set<string>;
  /** Works until the server is gone. `isKilled` tells whether that is as it should be. */
  work(bakery: RunningBakery, isKilled: () => boolean): Promise<void>;
}

/** No answer came. */
class Unanswered extends Error {}

type Act = () => Promise<unknown>;

/** Makes one. It asks the server through TCP and reaches into the folder of a disk where its Pi would write over NFS. */
export function makeClient(options: { name: string; chance: Chance; image: Uint8Array; ledgers: Ledgers }): Client {
  const { name, chance, image, ledgers } = options;
  const pis = new Set<string>();
  const disks = new Map<string, KnownDisk>();
  const bakeforms = new Set<string>();
  let uploads = 0;

  function actsOn(bakery: RunningBakery): Record<string, Act> {
    /**
     * An answer with one of the expected codes; its body when it is a success. That something is busy may be said of
     * everything: on a slow machine an operation outlasts the server's patience.
     */
    async function ask<T>(expected: readonly (number | string)[], method: string, path: string, body?: unknown) {
      const answer = await call(bakery, method, path, body).catch((cause) => {
        if (cause instanceof Leak) throw cause;
        throw new Unanswered(`${method} ${path}`, { cause });
      });
      ledgers.answered++;
      const { status, body: told } = answer as { status: number; body: T & { code?: string } };
      if (![...expected, 'busy', 'still-running'].some((one) => one === status || one === told.code)) {
        ledgers.surprises.push(`${name}: ${method} ${path} answered ${status} ${JSON.stringify(told)}`);
      }
      return status < 300 ? told : undefined;
    }
    async function unbake(id: string): Promise<void> {
      // From here on it is nobody's, whatever the answer.
      pis.delete(id);
      ledgers.holders.delete(id);
      ledgers.givenUp.add(id);
      const with_ = [...disks].filter(([, { pi }]) => pi === id);
      for (const [disk, facts] of with_) {
        disks.delete(disk);
        ledgers.maybeGone.set(disk, facts);
      }
      if (!(await ask([200], 'DELETE', `/oven/${id}`))) return;
      for (const [disk] of with_) {
        ledgers.maybeGone.delete(disk);
        ledgers.gone.add(disk);
      }
    }
    async function place(disk: string, act: () => Promise<unknown>, after: string | undefined) {
      const facts = disks.get(disk);
      if (!facts) return;
      const before = facts.pi;
      facts.pi = 'unsure';
      facts.pi = (await act()) ? after : before;
    }
    const free = () => [...disks].filter(([, { pi }]) => pi === undefined).map(([id]) => id);
    const attached = () => [...disks].filter(([, { pi }]) => pi !== undefined);
    return {
      async bake() {
        if (pis.size >= 2) return;
        ledgers.lost.bakes++;
        const pi = await ask<{ id: string }>([202, 'no-free-pi'], 'POST', '/fridge', { bakeformName: 'tiny' });
        ledgers.lost.bakes--;
        if (!pi) return;
        const other = ledgers.holders.get(pi.id);
        if (other) ledgers.surprises.push(`Pi ${pi.id} was given to ${name} while ${other} has it`);
        ledgers.holders.set(pi.id, name);
        ledgers.givenUp.delete(pi.id);
        pis.add(pi.id);
      },
      async createDisk() {
        if (disks.size >= 5) return;
        ledgers.lost.disks++;
        const disk = await ask<{ id: string; location: string }>([201], 'POST', '/disks', { size: 4 });
        ledgers.lost.disks--;
        if (!disk) return;
        const bytes = randomBytes(64 * 1024);
        const handle = await open(join(disk.location, 'disk.img'), 'r+');
        await handle.write(bytes, 0, bytes.length, 1024 ** 2);
        await handle.sync();
        await handle.close();
        disks.set(disk.id, { bytes, location: disk.location, pi: undefined });
      },
      async attach() {
        if (free().length === 0 || pis.size === 0) return;
        const [disk, pi] = [chance.pick(free()), chance.pick([...pis])];
        const act = () => ask([200, 'pi-not-baked'], 'POST', `/oven/${pi}/disks`, { diskId: disk });
        await place(disk, act, pi);
      },
      async detach() {
        if (attached().length === 0) return;
        const [disk, { pi = '' }] = chance.pick(attached());
        await place(disk, () => ask([200], 'DELETE', `/oven/${pi}/disks/${disk}`), undefined);
      },
      async deleteDisk() {
        if (free().length === 0) return;
        const disk = chance.pick(free());
        const facts = disks.get(disk);
        disks.delete(disk);
        if (facts) ledgers.maybeGone.set(disk, facts);
        if (!(await ask([200], 'DELETE', `/disks/${disk}`))) return;
        ledgers.maybeGone.delete(disk);
        ledgers.gone.add(disk);
      },
      unbake: async () => (pis.size > 0 ? unbake(chance.pick([...pis])) : undefined),
      async upload() {
        const bakeform = `${name}-${uploads++}`;
        if (await ask([201], 'POST', `/bakeforms/${bakeform}`, image)) bakeforms.add(bakeform);
      },
      async deleteBakeform() {
        if (bakeforms.size === 0) return;
        const bakeform = chance.pick([...bakeforms]);
        bakeforms.delete(bakeform);
        if (await ask([200], 'DELETE', `/bakeforms/${bakeform}`)) ledgers.deleted.add(bakeform);
      },
    };
  }

  /** How often each thing is done. What makes room comes less often than what takes it: there should be much to lose. */
  const HABITS = Object.entries({
    bake: 3,
    createDisk: 3,
    attach: 4,
    detach: 1,
    deleteDisk: 1,
    unbake: 2,
    upload: 1,
    deleteBakeform: 1,
  }).flatMap(([act, times]) => Array.from({ length: times }, () => act));

  return {
    name,
    pis,
    disks,
    bakeforms,
    async work(bakery, isKilled) {
      const acts = actsOn(bakery);
      try {
        for (;;) await acts[chance.pick(HABITS)]?.();
      } catch (error) {
        if (error instanceof Unanswered && isKilled()) return;
        ledgers.surprises.push(`${name}: ${error instanceof Error ? `${error.message} ${error.cause ?? ''}` : error}`);
      }
    },
  };
}

/** True while the bytes that a client once wrote are in its disk. */
export async function hasItsBytes(disk: KnownDisk): Promise<boolean> {
  const content = await readFile(join(disk.location, 'disk.img')).catch(() => Buffer.alloc(0));
  return content.subarray(1024 ** 2, 1024 ** 2 + disk.bytes.length).equals(disk.bytes);
}
