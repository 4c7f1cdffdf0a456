import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bar, type Figures, SERVERS, type Server, table } from './bars.ts';
import { cmdlines, crowd, FILES, lossy, windowed } from './clients.ts';
import type { Part } from './part.ts';
import { fetchPeers } from './peers.ts';
import { BENCH_PI, layWire, loseNone, loseSome, startServer } from './wire.ts';

const ROUNDS = 5;
const PEERS: readonly Server[] = ['tftpd-hpa', 'dnsmasq', 'atftpd'];
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

/** TFTP side by side with other servers, each in a network namespace of its own, with the files on a tmpfs. */
export const tftp: Part = {
  name: 'tftp',
  tasks: TASKS.map(({ task }) => task),
  prepare: fetchPeers,
  async run(wanted) {
    const folder = '/run/bench';
    mkdirSync(join(folder, BENCH_PI), { recursive: true });
    for (const [name, bytes] of Object.entries(FILES)) writeFileSync(join(folder, BENCH_PI, name), randomBytes(bytes));
    writeFileSync(join(folder, BENCH_PI, 'cmdline.txt'), CMDLINE);
    layWire();
    for (const server of SERVERS) await startServer(server, folder);
    const results: { bar: Bar; figures: Figures }[] = [];
    let isLossy = false;
    for (const task of TASKS.filter((one) => wanted.has(one.task))) {
      if (task.isLossy && !isLossy) loseSome();
      isLossy ||= task.isLossy ?? false;
      results.push({ bar: task, figures: await measure(task) });
      console.log(`\n${table(results.slice(-1))}`);
    }
    if (isLossy) loseNone();
    return table(results);
  },
};
