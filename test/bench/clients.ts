import { spawn } from 'node:child_process';
import { LAB_ENV } from '../lab/sh.ts';
import type { Server } from './bars.ts';
import { addressOf, BENCH_PI, CROWD } from './wire.ts';

const MEGABYTE = 1_000_000;

/** Runs a client to its end; its seconds, or undefined when it failed or took longer than `limitMs`. */
function timed(argv: readonly string[], limitMs: number): Promise<number | undefined> {
  const [program = '', ...args] = argv;
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: LAB_ENV, stdio: 'ignore' });
    const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(limit);
      resolve(code === 0 ? (performance.now() - began) / 1_000 : undefined);
    });
  });
}

const curl = (server: Server, file: string, ...options: readonly string[]) => [
  ...['curl', '-sS', '--tftp-blksize', '1468', ...options, '-o', '/dev/null'],
  `tftp://${addressOf(server)}/${BENCH_PI}/${file}`,
];
const atftp = (server: Server, file: string, window: number) => [
  ...['atftp', '--option', 'blksize 1468', '--option', `windowsize ${window}`],
  ...['-g', '-r', `${BENCH_PI}/${file}`, '-l', '/dev/null', addressOf(server)],
];

/** MB/s of 100 clients who fetch 5 MB each at the same time, from an address each. A client that fails counts as nothing fetched. */
export async function crowd(server: Server): Promise<number> {
  const began = performance.now();
  const ends = await Promise.all(CROWD.map((from) => timed(curl(server, '5MB', '--interface', from), 120_000)));
  const fetched = ends.filter((seconds) => seconds !== undefined).length;
  return (fetched * 5) / ((performance.now() - began) / 1_000);
}

/** MB/s of one client with a window. */
export async function windowed(server: Server, window: number): Promise<number> {
  const seconds = await timed(atftp(server, '30MB', window), 120_000);
  return seconds === undefined ? 0 : 30 / seconds;
}

/** Whether a client loses what it then waits seconds for is luck: so many that their median is not. */
const LOSSY_CLIENTS = 24;

/** MB/s of each of these clients who fetch 1 MB while packets get lost. `window` undefined: in lock step. */
export async function lossy(server: Server, window: number | undefined): Promise<number[]> {
  const argv = window === undefined ? curl(server, '1MB') : atftp(server, '1MB', window);
  // Who is not through in a minute has fetched less than that: 1 MB in 60 s is said of it, to its favour.
  const ends = await Promise.all(Array.from({ length: LOSSY_CLIENTS }, () => timed(argv, 60_000)));
  return ends.map((seconds) => 1 / (seconds ?? 60));
}

/** Requests per second of four clients who fetch cmdline.txt again and again. */
export async function cmdlines(server: Server): Promise<number> {
  const each = 200;
  const url = `tftp://${addressOf(server)}/${BENCH_PI}/cmdline.txt`;
  const argv = ['curl', '-sS', ...Array.from({ length: each }, () => ['-o', '/dev/null', url]).flat()];
  const began = performance.now();
  const ends = await Promise.all(Array.from({ length: 4 }, () => timed(argv, 120_000)));
  const fetched = ends.filter((seconds) => seconds !== undefined).length;
  return (fetched * each) / ((performance.now() - began) / 1_000);
}

/** The files that are fetched, by size. */
export const FILES = { '1MB': MEGABYTE, '5MB': 5 * MEGABYTE, '30MB': 30 * MEGABYTE } as const;
