import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isErrno } from '../../core/errors.ts';
import { adopt } from '../../core/host/detached.ts';
import { parseIpv4 } from '../../core/ids.ts';
import type { NfsBackend, NfsExport } from '../../exports/nfs/backend.ts';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { nfsdBackend } from '../../exports/nfs/nfsd/backend.ts';
import { openLab } from '../contract/nfs-lab.ts';
import { sh } from '../lab/sh.ts';
import { lookAsPi } from './servers-pi.ts';
import { type Sample, SERVERS, type Server, sampleLine } from './servers-table.ts';
import { mountVolumes } from './servers-volumes.ts';
import { timed } from './timed.ts';

/** Run in the emulated machine: measures both servers in turn, each as Bakery runs it, and prints the samples. */
const EXPORTS = 200;
const ROUNDS = 2;
const CHANGES = 5;
const LOOKS = 2;
/** In the round that does not count. */
const FEW = 5;
const FIRST_MIB = 512;
const ROOT = '/lab/data';

const Orders = z.strictObject({ guard: z.string(), wanted: z.array(z.string()) });
const { guard, wanted } = Orders.parse(JSON.parse(readFileSync('/src/servers.json', 'utf8')));

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
// Here all is slow.
const options = { root: ROOT, log: quiet, startTimeoutMs: 900_000 };
const MAKE: Readonly<Record<Server, () => NfsBackend>> = {
  ganesha: () => ganeshaBackend(options),
  nfsd: () => nfsdBackend(options),
};

const lab = openLab('/lab');
// gcc is not there: the guard was made outside, and is found.
mkdirSync(join(ROOT, 'nfs-server'), { recursive: true });
cpSync(join('/src', guard), join(ROOT, 'nfs-server', guard));

function clientOf(n: number): NfsExport['client'] {
  const address = parseIpv4(`10.98.${Math.floor(n / 200)}.${(n % 200) + 1}`);
  if (!address) throw new Error('no address');
  return { kind: 'address', address };
}

/** The first is the Pi's, each other that of a machine that never comes. */
const all = mountVolumes(ROOT, { count: EXPORTS + 1, firstMib: FIRST_MIB }).map(
  (path, n): NfsExport => ({
    id: n + 1,
    path,
    client: n === 0 ? { kind: 'address', address: lab.pi.address } : clientOf(n),
    access: 'rw',
  }),
);

/** MB of memory that is neither free nor a file's, when no cache is left; without what this process has. */
function usedMb(): number {
  writeFileSync('/proc/sys/vm/drop_caches', '3');
  const kib = (file: string, name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(file, 'utf8'))?.[1]);
  const [total = 0, ...others] = ['MemTotal', 'MemFree', 'Buffers', 'Cached'].map((name) => kib('/proc/meminfo', name));
  const left = [...others, kib('/proc/self/status', 'RssAnon')].reduce((used, other) => used - other, total);
  return (left * 1_024) / 1e6;
}

/** As a power cut ends a server: what is in files stays. */
async function cutPower(server: Server): Promise<void> {
  if (server === 'nfsd') sh('rpc.nfsd', '0');
  const folder = join(ROOT, 'nfs-server');
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.process.json'))) {
    const part = await adopt(join(folder, name));
    try {
      if (part) process.kill(part.pid, 'SIGKILL');
    } catch (error) {
      // Without its bus ganesha ends by itself, and may have done so by now.
      if (!isErrno(error, 'ESRCH')) throw error;
    }
  }
}

async function turn(server: Server, round: number): Promise<void> {
  const backend = MAKE[server]();
  const tell = (sample: Omit<Sample, 'server'>) => {
    if (round >= 0) process.stdout.write(sampleLine({ ...sample, server }));
  };
  const wantsExports = wanted.includes('exports');
  const exports = all.slice(0, round >= 0 && wantsExports ? EXPORTS : FEW);
  if (wantsExports) {
    tell({ row: 'start without exports', unit: 'ms', value: await timed(() => backend.start()) });
    await backend.stop();
  }
  const before = usedMb();
  const start = async () => {
    let isOld = false;
    const took = await timed(async () => {
      isOld = (await backend.start(async () => exports)).adopted;
    });
    if (isOld) throw new Error(`${server} was not ended`);
    const served = (await backend.outline()).length;
    if (served !== exports.length) throw new Error(`${server} serves ${served} of ${exports.length}`);
    return took;
  };
  const first = await start();
  if (wantsExports) {
    tell({ row: `start with ${EXPORTS} exports, none of them known`, unit: 'ms', value: first });
    await cutPower(server);
    tell({ row: 'start again after a power cut', unit: 'ms', value: await start() });
    tell({ row: `memory with ${EXPORTS} exports`, unit: 'MB', value: Math.max(0, usedMb() - before) });
    const [last] = all.slice(-1);
    if (!last) throw new Error('there is no volume');
    const client = clientOf(EXPORTS + 1);
    for (let n = 0; n < CHANGES; n++) {
      tell({ row: `add one to ${EXPORTS} exports`, unit: 'ms', value: await timed(() => backend.add(last)) });
      tell({ row: 'change its client', unit: 'ms', value: await timed(() => backend.update({ ...last, client })) });
      tell({ row: 'remove it', unit: 'ms', value: await timed(() => backend.remove(last.id)) });
    }
  }
  const [own] = exports;
  if (!own) throw new Error('there is no export');
  for (let n = 0; n < (round < 0 ? 1 : LOOKS); n++) {
    for (const version of ['3', '4.2'] as const) {
      if (wanted.includes(`NFSv${version}`)) lookAsPi(lab.pi, own.path, version).forEach(tell);
    }
  }
  // One by one they would take as long as their start did.
  if (server === 'nfsd') sh('exportfs', '-ua');
  await backend.stop();
}

for (let round = -1; round < ROUNDS; round++) {
  for (const server of SERVERS) await turn(server, round);
}
