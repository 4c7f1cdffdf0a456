import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { PowerPort } from '../power-server.ts';
import { type RunningRom, startRom } from '../rom-board.ts';
import { boundToUs, LAB_ENV } from '../sh.ts';
import type { LabBoard } from './boards.ts';
import type { PiPlace } from './place.ts';

/** A virtual Pi on a port. Both calls may come twice in a row. */
export interface LabPi extends PowerPort {
  readonly board: LabBoard;
  /** How far its boot ROM came since it was last switched on; never rejects. */
  rom(): Promise<'fetched' | 'stopped' | 'cut'>;
}

const SYSTEM = fileURLToPath(new URL('./system-main.ts', import.meta.url));

interface SystemEvent {
  readonly event: 'root' | 'ready' | 'failed';
  readonly path?: string;
  readonly hostname?: string;
  readonly reason?: string;
}

function inWords({ event, path, hostname, reason }: SystemEvent): string {
  if (event === 'root') return `it runs from ${path}; there its name is ${hostname}`;
  return event === 'ready' ? 'up' : `it stops: ${reason}`;
}

/**
 * A Pi without power. `tell` is called with what it does, in plain words. Switched off it is off at once, wherever it was, and nobody
 * answers where it is.
 */
export function createPi(board: LabBoard, place: PiPlace, tell: (words: string) => void): LabPi {
  let rom: RunningRom | undefined;
  let system: ChildProcess | undefined;
  let booted: ReturnType<LabPi['rom']> = Promise.resolve('cut');

  function run(address: string, cmdline: string): void {
    const facts = ['--serial', board.serial, '--address', address, '--cmdline', cmdline];
    const [program = '', ...args] = boundToUs(...place.through, process.execPath, SYSTEM, ...facts);
    const child = spawn(program, args, { env: LAB_ENV, stdio: ['ignore', 'pipe', 'ignore'] });
    system = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (system === child) tell(inWords(JSON.parse(line) as SystemEvent));
    });
  }

  async function boot(running: RunningRom): ReturnType<LabPi['rom']> {
    const end = await running.ended.catch((error: Error) => error);
    if (rom !== running) return 'cut';
    if (end instanceof Error || end.event === 'failed') {
      tell(`it stops: ${end instanceof Error ? end.message : end.reason}`);
      return 'stopped';
    }
    const { requests, choice, cmdline } = end;
    const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
    tell(`${requests.length} requests, ${bytes} bytes by TFTP; it starts ${choice.kernel}`);
    run(running.leases.at(-1)?.address ?? board.address, cmdline);
    return 'fetched';
  }

  return {
    board,
    rom: () => booted,
    async on() {
      if (rom) return;
      tell('power on');
      place.link('up');
      rom = startRom(board.name, board, { through: place.through, options: place.rom() });
      booted = boot(rom);
    },
    async off() {
      if (!rom) return;
      const [wasRom, wasSystem] = [rom, system];
      rom = undefined;
      system = undefined;
      await wasRom.cutPower();
      if (wasSystem && wasSystem.exitCode === null && wasSystem.signalCode === null) {
        const ended = new Promise((resolve) => wasSystem.once('close', resolve));
        wasSystem.kill('SIGKILL');
        await ended;
      }
      place.link('down');
      tell('power off');
    },
  };
}
