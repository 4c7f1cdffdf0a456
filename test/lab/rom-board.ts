import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { plugIn, unplug } from './network.ts';
import type { RomRequest } from './rom/ask.ts';
import type { BootChoice } from './rom/config-txt.ts';
import type { RomLease } from './rom/dhcp.ts';
import type { RomModel } from './rom/models.ts';
import { boundToUs, LAB_ENV } from './sh.ts';

/** What the ROM of a board tells (rom/main.ts). */
export type RomEvent =
  | { readonly event: 'lease'; readonly lease: RomLease }
  | { readonly event: 'request'; readonly request: RomRequest }
  | {
      readonly event: 'fetched';
      readonly requests: readonly RomRequest[];
      readonly choice: BootChoice;
      cmdline: string;
    }
  | { readonly event: 'failed'; readonly requests: readonly RomRequest[]; readonly reason: string };

/** A board that is switched on and boots from the network up to the start of its kernel. */
export interface RunningRom {
  readonly name: string;
  readonly events: readonly RomEvent[];
  readonly leases: readonly RomLease[];
  /** How its boot ended. */
  readonly ended: Promise<Extract<RomEvent, { event: 'fetched' | 'failed' }>>;
  /** Cuts its power; its cable and its address stay. */
  cutPower(): Promise<void>;
}

/** One on the lab's wire, that finds its way by DHCP. */
export interface RomBoard extends RunningRom {
  /** Switches it on again. */
  powerOn(change?: Pick<RomBoardFacts, 'prefix' | 'bootOrder' | 'isTooNew'>): RomBoard;
  /** Takes it out. */
  close(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('./rom/main.ts', import.meta.url));

/** Facts of a board; `revision` is its code, hex. */
export interface RomBoardFacts {
  readonly model: RomModel;
  readonly serial: string;
  readonly mac: string;
  readonly revision?: string;
  /** See `RomSettings`. */
  readonly prefix?: string;
  readonly isTooNew?: boolean;
  /** BOOT_ORDER of its EEPROM, hex. */
  readonly bootOrder?: string;
}

/** Plugs a board in and switches it on. */
export function plugInRom(name: string, board: RomBoardFacts): RomBoard {
  plugIn(name, undefined, board.mac);
  return powerOn(name, board);
}

function powerOn(name: string, board: RomBoardFacts): RomBoard {
  const rom = startRom(name, board, { through: ['nsenter', `--net=/run/netns/${name}`] });
  return {
    ...rom,
    powerOn: (change = {}) => powerOn(name, { ...board, ...change }),
    async close() {
      await rom.cutPower();
      unplug(name);
    },
  };
}

/** Starts the boot ROM of a board: through other programs, that put it where it is on the network, and with more options of rom/main.ts. */
export function startRom(
  name: string,
  board: RomBoardFacts,
  place: { readonly through?: readonly string[]; readonly options?: readonly string[] },
): RunningRom {
  const { model, serial, mac, revision = '0' } = board;
  const prefix = board.prefix === undefined ? {} : { prefix: board.prefix };
  const bootOrder = board.bootOrder === undefined ? {} : { 'boot-order': board.bootOrder };
  const facts = Object.entries({ model, serial, mac, revision, ...prefix, ...bootOrder }).flatMap(([option, value]) => [
    `--${option}`,
    value,
  ]);
  if (board.isTooNew) facts.push('--too-new');
  const argv = boundToUs(...(place.through ?? []), process.execPath, MAIN, ...facts, ...(place.options ?? []));
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { env: LAB_ENV, stdio: ['ignore', 'pipe', 'pipe'] });
  const events: RomEvent[] = [];
  const leases: RomLease[] = [];
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as RomEvent;
    events.push(event);
    if (event.event === 'lease') leases.push(event.lease);
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ended = closed.then(() => {
    const last = events.at(-1);
    if (last?.event === 'fetched' || last?.event === 'failed') return last;
    throw new Error(`the boot of ${name} ended in the middle: ${words.trim()}`);
  });
  // Whoever cuts its power does not ask how its boot ended.
  ended.catch(() => undefined);
  async function cutPower(): Promise<void> {
    child.kill('SIGKILL');
    await closed;
  }
  return { name, events, leases, ended, cutPower };
}
