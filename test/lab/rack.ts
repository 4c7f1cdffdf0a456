import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningBakery, startAndKill, startBakery, stopLeftovers } from './bakery.ts';
import { type HeldBakery, startHeldBakery } from './held-bakery.ts';
import { type PowerServer, startPowerServer } from './power-server.ts';
import { makeTinyImage } from './tiny-image.ts';
import type { CheckedWorld } from './world-check.ts';

/** Pis that are no more than serials and ports of a switch, and a Bakery for them, over which clients can be let loose. */
export interface Rack {
  readonly world: CheckedWorld;
  readonly serials: readonly string[];
  /** A small image to make bakeforms of. */
  readonly image: Buffer;
  /** Serials whose power is on. */
  readonly lit: ReadonlySet<string>;
  /** Takes its power away, unseen by its switch. */
  unplug(serial: string): void;
  /** Serials whose port answers with an error while they are in here. */
  readonly broken: Set<string>;
  /** Serials whose port does what it is told only when the promise resolves. */
  readonly slow: Map<string, Promise<void>>;
  /** Starts a server, also after one that was killed; `more` are settings beside its own. */
  start(more?: Readonly<Record<string, string>>): Promise<RunningBakery>;
  /** Starts one that can be held at any point of its journal. */
  startHeld(more?: Readonly<Record<string, string>>): Promise<HeldBakery>;
  /** Starts one and kills it `afterMs` later, in the middle of its start-up or soon after. */
  startAndKill(afterMs: number): Promise<NodeJS.Signals | null>;
  /** Ends `bakery` and all that is left of its world. */
  close(bakery: RunningBakery | undefined): Promise<void>;
}

/** Makes one. Exports are for anybody: these Pis have no addresses. Needs a namespace of its own (namespace.ts). */
export async function makeRack(pis: number): Promise<Rack> {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-rack-'));
  const root = join(folder, 'root');
  mkdirSync(root, { mode: 0o711 });
  makeTinyImage(join(folder, 'tiny.img'), { rootMiB: 8, bootMiB: 9 });
  const serials = Array.from({ length: pis }, (_, i) => (0xca5e0000 + i).toString(16));
  const lit = new Set<string>();
  const broken = new Set<string>();
  const slow = new Map<string, Promise<void>>();
  const working = async (serial: string) => {
    await slow.get(serial);
    if (broken.has(serial)) throw new Error('the port is broken');
  };
  const port = (serial: string) => ({
    async on() {
      await working(serial);
      lit.add(serial);
    },
    async off() {
      await working(serial);
      lit.delete(serial);
    },
  });
  const power: PowerServer = await startPowerServer(Object.fromEntries(serials.map((serial, i) => [i, port(serial)])));
  const ppi = join(folder, 'ppi.json');
  const piList = Object.fromEntries(serials.map((serial, id) => [serial, { piId: serial, id, url: power.url }]));
  writeFileSync(ppi, JSON.stringify({ piList }));
  const settings = {
    BAKERY_ADDRESS: '127.0.0.1',
    BAKERY_EXPORT_POLICY: 'any',
    BAKERY_POWER: 'simpleweb',
    PPI_CONFIG_PATH: ppi,
  };
  return {
    world: { root, policy: 'any' },
    serials,
    image: readFileSync(join(folder, 'tiny.img')),
    lit,
    unplug: (serial) => void lit.delete(serial),
    broken,
    slow,
    start: (more = {}) => startBakery({ root, settings: { ...settings, ...more } }),
    startHeld: (more = {}) => startHeldBakery({ root, settings: { ...settings, ...more } }),
    startAndKill: (afterMs) => startAndKill({ root, settings, afterMs }),
    async close(bakery) {
      await bakery?.stop();
      await power.close();
      // Its pool is 4 GiB of the host's blocks: whatever else fails, they are given back.
      try {
        await stopLeftovers(root);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** Lets a trusted relay ask for a Pi's first file, as HookTFTP does: an unknown Pi is in the fridge then. */
export async function register(bakery: RunningBakery, serial: string): Promise<void> {
  const answer = await fetch(`${bakery.base}/files/${serial}/start.elf`);
  await answer.body?.cancel();
  assert.equal(answer.status, 404, `${serial} is in the fridge and gets no boot files`);
}
