import { mkdir, open, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, isErrno } from '../../../core/errors.ts';
import type { Clock } from '../../../core/host/clock.ts';
import type { Exec } from '../../../core/host/exec.ts';
import { exists } from '../../../core/host/files.ts';
import { type Ipv4, parseIpv4 } from '../../../core/ids.ts';
import type { Log } from '../../../core/log.ts';
import type { NfsClient } from '../backend.ts';

/** Requests of one machine, by version. */
export interface Requests {
  readonly v3: number;
  readonly v4: number;
}

/**
 * Requests by address out of a histogram of the kernel's over the tracepoint svc_process, `{ addr: 10.0.0.2:861 , vers: 3 } hitcount: 7`
 * a connection and version (Documentation/trace/histogram.rst).
 */
export function parseHistogram(text: string): ReadonlyMap<Ipv4, Requests> {
  const found = new Map<Ipv4, Requests>();
  for (const [, host = '', version, hits] of text.matchAll(
    /\{ addr: ([\d.]+):\d+\s*, vers:\s*(\d+) \} hitcount:\s*(\d+)/g,
  )) {
    const address = parseIpv4(host);
    if (!address) continue;
    const { v3, v4 } = found.get(address) ?? { v3: 0, v4: 0 };
    const isV3 = version === '3';
    found.set(address, { v3: v3 + (isV3 ? Number(hits) : 0), v4: v4 + (isV3 ? 0 : Number(hits)) });
  }
  return found;
}

/** How many requests the kernel could not count because its table was full. */
export function parseDropped(text: string): number {
  return Number(/^\s*Dropped: (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Addresses that asked mountd for a mount, granted or not, one for each line of its log that says so. */
export function parseMountRequests(log: string): Ipv4[] {
  return [...log.matchAll(/ mount request from ([\d.]+)[: ]/g)].flatMap(([, host = '']) => parseIpv4(host) ?? []);
}

/** Who has asked for what. */
export interface Visitors {
  /** Begins to count, or goes on with what is counted already. What a kernel cannot count is told in the log. */
  open(): Promise<void>;
  close(): Promise<void>;
  clients(): Promise<readonly NfsClient[]>;
  requests(client: Ipv4): Promise<Requests>;
}

const TRACING = '/sys/kernel/tracing';
const INSTANCE = join(TRACING, 'instances', 'bakery');
const EVENT = join(INSTANCE, 'events', 'sunrpc', 'svc_process');
/** One line for each connection that ever was; a Pi makes a few when it boots. */
const SIZE = 32_768;
const TRIGGER = `hist:keys=addr,vers:size=${SIZE} if service == "nfsd"\n`;
const NOTHING: Requests = { v3: 0, v4: 0 };

/**
 * The kernel itself has counts of all clients together only (/proc/net/rpc/nfsd). By client it counts when it is asked to, in a histogram of
 * a tracing instance of Bakery's own, which outlives Bakery; of mounts by NFSv3 it knows nothing, those are in the log of a mountd that
 * Bakery has started. It keeps no times: an address is heard when a look finds more of it than the look before.
 */
export function createVisitors(options: { mountdLog: string; exec: Exec; clock: Clock; log: Log }): Visitors {
  const { mountdLog, exec, clock, log } = options;
  /** What was counted before the histogram was begun anew. */
  let earlier: ReadonlyMap<Ipv4, Requests> = new Map();
  const mounts = new Map<Ipv4, number>();
  const heard = new Map<Ipv4, { readonly seen: number; readonly heardAt: number }>();
  let readTo: number | undefined;
  let hasLooked = false;

  async function readHistogram(): Promise<string> {
    try {
      return await readFile(join(EVENT, 'hist'), 'utf8');
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return '';
      throw error;
    }
  }

  async function count(): Promise<ReadonlyMap<Ipv4, Requests>> {
    const text = await readHistogram();
    const now = new Map(parseHistogram(text));
    for (const [address, { v3, v4 }] of earlier) {
      const more = now.get(address) ?? NOTHING;
      now.set(address, { v3: more.v3 + v3, v4: more.v4 + v4 });
    }
    if (parseDropped(text) > 0) {
      earlier = now;
      // Opened to be written from its beginning, it forgets the trigger it had.
      await writeFile(join(EVENT, 'trigger'), TRIGGER);
    }
    return now;
  }

  /** Counts the mount requests that mountd has logged since the last look. */
  async function followMounts(): Promise<void> {
    const handle = await open(mountdLog, 'r').catch((error) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (!handle) return;
    try {
      const { size } = await handle.stat();
      // What is older is from before this Bakery; a log that is shorter was cut.
      const from = readTo === undefined ? size : readTo > size ? 0 : readTo;
      const bytes = Buffer.alloc(size - from);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, from);
      const whole = bytes.subarray(0, bytesRead).lastIndexOf(10) + 1;
      readTo = from + whole;
      for (const address of parseMountRequests(bytes.toString('latin1', 0, whole)))
        mounts.set(address, (mounts.get(address) ?? 0) + 1);
    } finally {
      await handle.close();
    }
  }

  async function look(): Promise<ReadonlyMap<Ipv4, Requests>> {
    const [counted] = await Promise.all([count(), followMounts()]);
    const now = clock.now();
    for (const address of new Set([...counted.keys(), ...mounts.keys()])) {
      const { v3, v4 } = counted.get(address) ?? NOTHING;
      const seen = v3 + v4 + (mounts.get(address) ?? 0);
      const before = heard.get(address);
      // What the first look finds was asked at a time that nobody knows.
      if (before?.seen !== seen) heard.set(address, { seen, heardAt: hasLooked ? now : 0 });
    }
    hasLooked = true;
    return counted;
  }

  return {
    async open() {
      try {
        if (!(await exists(join(TRACING, 'instances')))) await exec('mount', ['-t', 'tracefs', 'tracefs', TRACING]);
        await mkdir(INSTANCE, { recursive: true });
        const now = await readFile(join(EVENT, 'trigger'), 'utf8');
        if (!/^hist:/m.test(now)) await writeFile(join(EVENT, 'trigger'), TRIGGER);
      } catch (error) {
        log.warn(
          { error: describeError(error) },
          'this kernel does not count requests by client: no boot shows when its root was mounted',
        );
      }
      await look();
    },
    close: async () => {
      heard.clear();
      mounts.clear();
      earlier = new Map();
      await rmdir(INSTANCE).catch(() => undefined);
    },
    async clients() {
      await look();
      return [...heard].map(([address, { heardAt }]) => ({ address, heardAt }));
    },
    requests: async (client) => (await look()).get(client) ?? NOTHING,
  };
}
