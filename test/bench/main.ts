import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bar, type Figures, SERVERS, type Server, table } from './bars.ts';
import { cmdlines, crowd, FILES, lossy, windowed } from './clients.ts';
import { fetchPeers } from './peers.ts';
import { BENCH_PI, layWire, loseNone, loseSome, startServer } from './wire.ts';

/**
 * Measures TFTP side by side with other servers, each in a network namespace of its own, with the files on a tmpfs, and says which bars
 * are reached. Nothing depends on that: the exit status is 0. With `--write` the figures go into docs/performance.md.
 */
const DOCS = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const [BEGIN, END] = ['<!-- tftp: written by npm run bench -->', '<!-- tftp: end -->'];
const ROUNDS = 5;
const PEERS: readonly Server[] = ['tftpd-hpa', 'dnsmasq', 'atftpd'];
const INSIDE = 'BAKERY_BENCH_INSIDE';
const CMDLINE = 'console=serial0,115200 console=tty1 root=PARTUUID=4a2b7c01-02 rootfstype=ext4 rootwait quiet\n';

interface Task extends Bar {
  readonly isLossy?: true;
  measure(server: Server): Promise<number | number[]>;
}
const MB = { unit: 'MB/s', against: PEERS } as const;
const TASKS: readonly Task[] = [
  { task: '100 clients × 5 MB', ...MB, factor: 1, against: ['tftpd-hpa'], measure: crowd },
  { task: '30 MB, window 4', ...MB, factor: 1, measure: (server) => windowed(server, 4) },
  { task: '30 MB, window 16', ...MB, factor: 1, measure: (server) => windowed(server, 16) },
  { task: 'cmdline.txt', unit: 'requests/s', factor: 0.8, against: ['tftpd-hpa'], measure: cmdlines },
  { task: '1 MB, 1 % lost', ...MB, isLossy: true, factor: 5, measure: (server) => lossy(server, undefined) },
  { task: '1 MB, 1 % lost, window 4', ...MB, isLossy: true, factor: 5, measure: (server) => lossy(server, 4) },
  { task: '1 MB, 1 % lost, window 16', ...MB, isLossy: true, factor: 5, measure: (server) => lossy(server, 16) },
];

/** In turn, so that what else the machine does meets all of them. */
async function measure(task: Task): Promise<Figures> {
  const figures: Record<Server, number[]> = { bakery: [], 'tftpd-hpa': [], dnsmasq: [], atftpd: [] };
  // A server that has run for a while is warm.
  if (!task.isLossy) for (const server of SERVERS) await task.measure(server);
  for (let round = 0; round < (task.isLossy ? 1 : ROUNDS); round++) {
    for (const server of SERVERS) figures[server].push(...[await task.measure(server)].flat());
  }
  return figures;
}

function machine(before: number): string {
  const [cpu] = cpus();
  const load = before.toFixed(1);
  return `${availableParallelism()} cores (${cpu?.model.trim() ?? arch()}), Linux ${release()}, Node ${process.version}, load average before the run ${load}, ${new Date().toISOString().slice(0, 10)}`;
}

function writeDocs(text: string): void {
  const docs = readFileSync(DOCS, 'utf8');
  const [head = '', rest = ''] = docs.split(BEGIN);
  writeFileSync(DOCS, `${head}${BEGIN}\n${text}\n${END}${rest.split(END)[1] ?? ''}`);
}

async function inside(): Promise<void> {
  const [before = 0] = loadavg();
  const folder = '/run/bench';
  mkdirSync(join(folder, BENCH_PI), { recursive: true });
  for (const [name, bytes] of Object.entries(FILES)) writeFileSync(join(folder, BENCH_PI, name), randomBytes(bytes));
  writeFileSync(join(folder, BENCH_PI, 'cmdline.txt'), CMDLINE);
  layWire();
  for (const server of SERVERS) await startServer(server, folder);
  const words = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
  const results: { bar: Bar; figures: Figures }[] = [];
  let isLossy = false;
  for (const task of TASKS.filter((one) => words.every((word) => one.task.includes(word)))) {
    if (task.isLossy && !isLossy) loseSome();
    isLossy ||= task.isLossy ?? false;
    results.push({ bar: task, figures: await measure(task) });
    console.log(`\n${table(results.slice(-1))}`);
  }
  if (isLossy) loseNone();
  const text = `${machine(before)}. Median (best).\n\n${table(results)}`;
  console.log(`\n${text}`);
  if (process.argv.includes('--write')) writeDocs(text);
}

/** Once more, in namespaces with nothing in them, a tmpfs on /run among them. What was started there ends with it. */
function outside(): void {
  fetchPeers();
  const enter = 'mount -t tmpfs -o mode=755 tmpfs /run; ip link set lo up; exec "$@"';
  const flags = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
  const argv = [...flags, 'sh', '-ec', enter, 'sh', process.execPath, fileURLToPath(import.meta.url)];
  const { status } = spawnSync('unshare', [...argv, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  process.exitCode = status ?? 1;
}

if (process.env[INSIDE] === '1') {
  // The first process of a namespace ends by no signal that it does not ask for.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
  await inside();
  process.exit(0);
} else {
  outside();
}
