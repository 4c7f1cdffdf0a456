import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { PowerPort } from '../power-server.ts';
import { plugInRom, type RomBoard } from '../rom-board.ts';
import { boundToUs, LAB_ENV, sh } from '../sh.ts';
import type { LabBoard } from './boards.ts';

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
 * Plugs a Pi in, without power: a namespace behind a cable to the lab's bridge. `tell` is called with what it does, in plain words.
 * Switched off it is off at once, wherever it was, and nobody answers at its address.
 */
export function plugInPi(board: LabBoard, tell: (words: string) => void): LabPi {
  const name = board.name;
  let rom: RomBoard | undefined;
  let system: ChildProcess | undefined;
  let isOn = false;
  let booted: ReturnType<LabPi['rom']> = Promise.resolve('cut');

  function run(address: string, cmdline: string): void {
    const facts = ['--serial', board.serial, '--address', address, '--cmdline', cmdline];
    const argv = boundToUs('nsenter', `--net=/run/netns/${name}`, process.execPath, SYSTEM, ...facts);
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { env: LAB_ENV, stdio: ['ignore', 'pipe', 'ignore'] });
    system = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (system === child) tell(inWords(JSON.parse(line) as SystemEvent));
    });
  }

  async function boot(board: RomBoard): ReturnType<LabPi['rom']> {
    const end = await board.ended.catch((error: Error) => error);
    if (rom !== board || !isOn) return 'cut';
    if (end instanceof Error || end.event === 'failed') {
      tell(`it stops: ${end instanceof Error ? end.message : end.reason}`);
      return 'stopped';
    }
    const { requests, choice, cmdline } = end;
    const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
    tell(`${requests.length} requests, ${bytes} bytes by TFTP; it starts ${choice.kernel}`);
    run(board.leases.at(-1)?.address ?? '', cmdline);
    return 'fetched';
  }

  const link = (state: 'up' | 'down') => sh('ip', '-n', name, 'link', 'set', 'eth0', state);

  return {
    board,
    rom: () => booted,
    async on() {
      if (isOn) return;
      isOn = true;
      tell('power on');
      if (rom) {
        link('up');
        rom = rom.powerOn();
      } else rom = plugInRom(name, board);
      booted = boot(rom);
    },
    async off() {
      if (!isOn) return;
      isOn = false;
      const running = system;
      system = undefined;
      await rom?.cutPower();
      if (running && running.exitCode === null && running.signalCode === null) {
        const ended = new Promise((resolve) => running.once('close', resolve));
        running.kill('SIGKILL');
        await ended;
      }
      link('down');
      tell('power off');
    },
  };
}
