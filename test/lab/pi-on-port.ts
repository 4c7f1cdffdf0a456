import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { PowerPort } from './power-server.ts';
import type { RomRequest } from './rom/ask.ts';
import type { BootChoice } from './rom/config-txt.ts';
import type { RomLease } from './rom/dhcp.ts';
import { LAB_ENV } from './sh.ts';

/** What a virtual Pi told, and when (ms since the epoch). */
export interface PiEvent {
  readonly event: 'on' | 'off' | 'lease' | 'request' | 'fetched' | 'failed' | 'qemu' | 'marker' | 'halted';
  readonly at: number;
  /** Of a marker: what stood after `LAB ` on the serial console. */
  readonly text?: string;
  /** Of `failed`. */
  readonly reason?: string;
  /** Of `lease`: one of its ROM, and one of bootcode.bin. */
  readonly lease?: RomLease;
  /** Of `request`. */
  readonly request?: RomRequest;
  /** Of `fetched` and `failed`: all of the boot's, in their order. */
  readonly requests?: readonly RomRequest[];
  /** Of `fetched`. */
  readonly prefix?: string;
  readonly choice?: BootChoice;
  readonly cmdline?: string;
}

/** A virtual Pi that hangs on a power port. */
export interface PiOnPort extends PowerPort {
  readonly events: readonly PiEvent[];
  /** Whether the power is on, not whether anything still runs. */
  powered(): boolean;
  /** The first event from now on, or among those since the last power-on, that `is` says; undefined when time is over. */
  waitFor(is: (event: PiEvent) => boolean, ms: number): Promise<PiEvent | undefined>;
  /** The serial console since the last power-on. */
  serialLog(): string;
  /** Switches it off and forgets its memory. */
  dispose(): Promise<void>;
}

/** A power cut takes some 50 ms. */
const CUT_MS = 10_000;

/** A Pi 3B that can be switched on and off. Its process (virtual-pi.ts) lives while the power is on. */
export function createPiOnPort(pi: {
  serial: string;
  mac: string;
  /** Its address, with the prefix length, and the server; without both it asks by DHCP. */
  address?: string;
  server?: string;
  /** Folders that it must not be able to reach; they must be there. */
  hide: readonly string[];
  /** Where its serial console is written; by default in its own folder. */
  console?: string;
  /** Told of each event as it comes. */
  onEvent?(event: PiEvent): void;
  /** Looked up at each power-on. */
  fileTimeoutMs?: number;
  /** What is emulated from the kernel on; `virt` is fast enough for a whole system. */
  machine?: 'raspi3b' | 'virt';
}): PiOnPort {
  const workdir = mkdtempSync(join(tmpdir(), 'bakery-pi-'));
  const events: PiEvent[] = [];
  const serialLog = pi.console ?? join(workdir, 'serial.log');
  /** How many there are then. */
  function add(event: PiEvent): number {
    pi.onEvent?.(event);
    return events.push(event);
  }
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  let poweredAt = 0;

  function argv(): string[] {
    const { serial, mac, address = '', server = '', hide, fileTimeoutMs, machine = 'raspi3b' } = pi;
    const program = fileURLToPath(new URL('./virtual-pi.ts', import.meta.url));
    return [
      ...['--mount', '--propagation', 'private', process.execPath, program],
      ...Object.entries({ serial, mac, address, server, workdir, machine, console: serialLog }).flatMap(
        ([name, value]) => [`--${name}`, value],
      ),
      ...hide.flatMap((folder) => ['--hide', folder]),
      ...(fileTimeoutMs === undefined ? [] : ['--file-timeout-ms', String(fileTimeoutMs)]),
    ];
  }

  function boot(): void {
    rmSync(workdir, { recursive: true, force: true });
    mkdirSync(workdir, { recursive: true });
    const started = spawn('unshare', argv(), { env: LAB_ENV, stdio: ['pipe', 'pipe', 'pipe'] });
    child = started;
    let words = '';
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
    // The reader is gone at a power cut, and our end of the pipe with it.
    started.stdin.on('error', () => undefined);
    createInterface({ input: started.stdout }).on('line', (line) => {
      if (line.startsWith('{')) add({ ...JSON.parse(line), at: Date.now() });
    });
    ended = new Promise((resolve) => {
      started.once('error', (error) => {
        add({ event: 'failed', at: Date.now(), reason: `virtual-pi.ts: ${error.message}` });
        resolve();
      });
      started.once('close', (code, signal) => {
        // SIGTERM is a power cut that came before it could listen for one: nothing was plugged in yet.
        if (code !== 0 && signal !== 'SIGTERM')
          add({
            event: 'failed',
            at: Date.now(),
            reason: `virtual-pi.ts (${signal ?? code}): ${words.trim()}`,
          });
        resolve();
      });
    });
  }

  const port: PiOnPort = {
    events,
    async on() {
      if (port.powered()) return;
      poweredAt = add({ event: 'on', at: Date.now() });
      boot();
    },
    async off() {
      if (!child) return;
      const cut = child;
      cut.kill('SIGTERM');
      const overdue = setTimeout(() => cut.kill('SIGKILL'), CUT_MS);
      await ended;
      clearTimeout(overdue);
      child = undefined;
      add({ event: 'off', at: Date.now() });
    },
    powered: () => child !== undefined && child.exitCode === null && child.signalCode === null,
    async waitFor(is, ms) {
      const until = Date.now() + ms;
      for (;;) {
        const found = events.slice(poweredAt).find(is);
        if (found || Date.now() > until) return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    serialLog() {
      try {
        return readFileSync(serialLog, 'latin1');
      } catch {
        return '';
      }
    },
    async dispose() {
      await port.off();
      rmSync(workdir, { recursive: true, force: true });
    },
  };
  return port;
}
