import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One request of the boot ROM. */
export interface RomRequest {
  readonly path: string;
  readonly outcome: string;
  readonly bytes: number;
  readonly sha256?: string;
  readonly ms: number;
}

/** What a virtual Pi told, and when (ms since the epoch). */
export interface PiEvent {
  readonly event: 'on' | 'off' | 'fetched' | 'failed' | 'qemu' | 'marker' | 'halted';
  readonly at: number;
  readonly text?: string;
  readonly reason?: string;
  readonly requests?: readonly RomRequest[];
}

/** A virtual Pi that hangs on a power port. */
export interface PiOnPort {
  readonly events: readonly PiEvent[];
  on(): Promise<void>;
  off(): Promise<void>;
  powered(): boolean;
  /** The first event from now on, or among those since the last power-on, that `is` says; undefined when time is over. */
  waitFor(is: (event: PiEvent) => boolean, ms: number): Promise<PiEvent | undefined>;
  serialLog(): string;
  dispose(): Promise<void>;
}

/** A Pi 3B that can be switched on and off. */
export function createPiOnPort(pi: {
  serial: string;
  mac: string;
  /** With its prefix length. */
  address: string;
  server: string;
  /** Folders it must not be able to reach. */
  hide: readonly string[];
  fileTimeoutMs?: number;
}): PiOnPort {
  const workdir = mkdtempSync(join(tmpdir(), 'bakery-pi-'));
  const events: PiEvent[] = [];
  let child: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  let poweredAt = 0;

  function boot(): void {
    rmSync(workdir, { recursive: true, force: true });
    mkdirSync(workdir, { recursive: true });
    const program = fileURLToPath(new URL('./virtual-pi.ts', import.meta.url));
    const args = [
      '--serial',
      pi.serial,
      '--mac',
      pi.mac,
      '--address',
      pi.address,
      '--server',
      pi.server,
      '--workdir',
      workdir,
    ];
    for (const folder of pi.hide) args.push('--hide', folder);
    if (pi.fileTimeoutMs !== undefined) args.push('--file-timeout-ms', String(pi.fileTimeoutMs));
    child = spawn('unshare', ['--mount', '--propagation', 'private', process.execPath, program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('{')) events.push({ ...JSON.parse(line), at: Date.now() });
    });
    ended = new Promise((resolve) => child?.once('close', resolve));
  }

  const port: PiOnPort = {
    events,
    async on() {
      if (port.powered()) return;
      events.push({ event: 'on', at: Date.now() });
      poweredAt = events.length;
      boot();
    },
    async off() {
      if (!child) return;
      child.kill('SIGTERM');
      await ended;
      child = undefined;
      events.push({ event: 'off', at: Date.now() });
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
        return readFileSync(join(workdir, 'serial.log'), 'latin1');
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
