import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call, type RunningBakery, stopLeftovers } from './bakery.ts';
import { startHeldBakery } from './held-bakery.ts';
import { type LabNetwork, makeLabNetwork } from './network.ts';
import { type PowerPort, type PowerServer, startPowerServer } from './power-server.ts';
import { BOOT } from './rom/transcripts.ts';
import { plugInRom, type RomBoard, type RomBoardFacts } from './rom-board.ts';
import { sh } from './sh.ts';
import { makeTinyImage } from './tiny-image.ts';

/** A boot as the API tells it. */
export interface ToldBoot {
  readonly id: string;
  readonly state: string;
  readonly stage?: string;
  readonly stages: readonly { readonly stage: string }[];
  readonly files: number;
  readonly misses: number;
  readonly missed: readonly string[];
  readonly endedBy?: string;
  readonly diagnosis: {
    readonly code: string;
    readonly text: string;
    readonly causes: readonly { readonly code: string }[];
    readonly next?: string;
  };
}

/** What is wrong with a board. */
export type BoardFault = Pick<RomBoardFacts, 'bootOrder' | 'isTooNew'>;

const SOUND = { bootOrder: 'f21', isTooNew: false } as const satisfies BoardFault;

/** A Bakery, the wire it is on, and one virtual Pi on a port of a switch. */
export interface BootWorld {
  readonly network: LabNetwork;
  readonly root: string;
  bakery(): RunningBakery;
  /** How the boot ROM of the board ended since it was last switched on. */
  rom(): RomBoard['ended'];
  /** Runs a program in the board's place on the wire; its exit code and what it said. */
  onBoard(program: string, ...args: readonly string[]): { code: number; output: string };
  ask<T>(method: string, path: string, expected: number, body?: unknown): Promise<T>;
  /** Ends the server, and starts one with these settings. */
  restart(settings?: Readonly<Record<string, string>>): Promise<void>;
  /** What the switch does from now on in place of switching the board on; undefined: that again. */
  onPower(act: (() => Promise<void>) | undefined): void;
  /** What it is otherwise from its next power-on on; absent: nothing. */
  alter(how?: BoardFault): void;
  /** Power-cycles it. @returns once the switch has done it, or failed. */
  cycle(): Promise<void>;
  /** The newest boot, once its diagnosis has that code, and `is` is true of it; fails after a minute, with what it is. */
  diagnosed(code: string, is?: (boot: ToldBoot) => boolean): Promise<ToldBoot>;
  /** Another Pi's boots, or the board's, the newest first. */
  boots(pi?: string): Promise<readonly ToldBoot[]>;
  close(): Promise<void>;
}

const PATIENCE_MS = 60_000;

/** Makes one; the Pi is not known yet. Needs namespaces of its own (namespace.ts). */
export async function makeBootWorld(pi: RomBoardFacts & { readonly address: string }): Promise<BootWorld> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'bakery-boots-')));
  const root = join(folder, 'root');
  const ppi = join(folder, 'ppi.json');
  const name = `rom-${pi.serial}`;
  let bakery: RunningBakery | undefined;
  let plugged: RomBoard | undefined;
  let isOn = false;
  let fault: BoardFault = SOUND;
  let instead: (() => Promise<void>) | undefined;
  const port: PowerPort = {
    async on() {
      if (instead) return instead();
      if (isOn) return;
      plugged = plugged ? plugged.powerOn(fault) : plugInRom(name, { ...pi, ...fault });
      isOn = true;
    },
    async off() {
      await plugged?.cutPower();
      isOn = false;
    },
  };
  const network = await makeLabNetwork([pi]);
  const power: PowerServer = await startPowerServer({ 0: port });

  const running = (): RunningBakery => {
    assert.ok(bakery);
    return bakery;
  };
  const world: BootWorld = {
    network,
    root,
    bakery: running,
    async rom() {
      assert.ok(plugged, 'it was switched on');
      return plugged.ended;
    },
    onBoard(program, ...args) {
      try {
        return { code: 0, output: sh('nsenter', `--net=/run/netns/${name}`, program, ...args) };
      } catch (error) {
        const { status, stdout, stderr } = error as { status?: number; stdout?: string; stderr?: string };
        return { code: status ?? -1, output: `${stdout ?? ''}${stderr ?? ''}` };
      }
    },
    async ask(method, path, expected, body) {
      const answer = await call(running(), method, path, body);
      assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
      return answer.body as never;
    },
    async restart(settings = {}) {
      await bakery?.stop();
      const usual = {
        BAKERY_ADDRESS: network.server,
        BAKERY_POOL: 'plain',
        BAKERY_POWER: 'simpleweb',
        PPI_CONFIG_PATH: ppi,
        BAKERY_BOOT_STAGGER_SECONDS: '0',
        // Each test cycles the same board.
        BAKERY_CYCLES_PER_HOUR: '0',
      };
      // Its Pis need not be without power for 5 s.
      bakery = await startHeldBakery({ root, settings: { ...usual, ...settings } });
    },
    onPower(act) {
      instead = act;
    },
    alter(how = {}) {
      fault = { ...SOUND, ...how };
    },
    async cycle() {
      await world.ask('POST', `/pis/${pi.serial}/power`, 202, { action: 'cycle' });
      const query = `/operations?pi=${pi.serial}&state=running`;
      while ((await world.ask<{ operations: unknown[] }>('GET', query, 200)).operations.length > 0) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async boots(of = pi.serial) {
      return (await world.ask<{ boots: ToldBoot[] }>('GET', `/pis/${of}/boots`, 200)).boots;
    },
    async diagnosed(code, is = () => true) {
      const end = Date.now() + PATIENCE_MS;
      for (;;) {
        const [boot] = await world.boots();
        if (boot?.diagnosis.code === code && is(boot)) return boot;
        if (Date.now() > end)
          throw new Error(`no ${code}: ${JSON.stringify(boot, undefined, 1)}\n${running().output().slice(-2000)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async close() {
      await plugged?.close();
      await bakery?.stop();
      await power.close();
      if (bakery) await stopLeftovers(root);
      await network.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    writeFileSync(ppi, JSON.stringify({ piList: { [pi.serial]: { piId: pi.serial, id: 0, url: power.url } } }));
    await world.restart({ BAKERY_DHCP: 'proxy' });
    const image = join(folder, 'tiny.img');
    makeTinyImage(image, { bootFiles: { ...BOOT, 'bootcode.bin': 'b'.repeat(900) }, rootMiB: 8, bootMiB: 9 });
    await world.ask('POST', '/bakeforms/tiny', 201, readFileSync(image));
    return world;
  } catch (error) {
    await world.close();
    throw error;
  }
}
