import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { hosts } from './hosts.ts';
import { tasksFor, withFigures } from './part.ts';
import { servers } from './servers.ts';
import { storage } from './storage.ts';
import { tftp } from './tftp.ts';

/**
 * Measures side by side with what others have, and says which bars are reached. Nothing depends on that: the exit status is 0. With
 * `--write` the figures go into docs/performance.md.
 */
const DOCS = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const INSIDE = 'BAKERY_BENCH_INSIDE';
const words = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const parts = [tftp, storage, hosts, servers]
  .map((part) => ({ part, wanted: tasksFor(part, words) }))
  .filter(({ wanted }) => wanted.size > 0);

function machine(before: number): string {
  const [cpu] = cpus();
  const load = before.toFixed(1);
  return `${availableParallelism()} cores (${cpu?.model.trim() ?? arch()}), Linux ${release()}, Node ${process.version}, load average before the run ${load}, ${new Date().toISOString().slice(0, 10)}`;
}

async function inside(): Promise<void> {
  for (const { part, wanted } of parts) {
    const [before = 0] = loadavg();
    const text = `${machine(before)}. Median (best).\n\n${await part.run(wanted)}`;
    console.log(`\n${text}`);
    if (process.argv.includes('--write')) writeFileSync(DOCS, withFigures(readFileSync(DOCS, 'utf8'), part.name, text));
  }
}

/** Once more, in namespaces with nothing in them, a tmpfs on /run among them. What was started there ends with it. */
function outside(): void {
  for (const { part } of parts) part.prepare?.();
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
