import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exec } from '../../core/host/exec.ts';
import { buildGuard } from '../../exports/nfs/ganesha/guard.ts';
import { buildMachine } from '../lab/x86/build.ts';
import { runInMachine } from '../lab/x86/machine.ts';
import type { Part } from './part.ts';
import { samplesOf, serversTable } from './servers-table.ts';

/** What ganesha needs beside what the machine has for the kernel's server. */
const PACKAGES = ['dbus-daemon', 'nfs-ganesha', 'nfs-ganesha-vfs'];
const LIMIT_MS = 1_800_000;

/**
 * Both NFS servers, as Bakery runs them, in one emulated machine with Debian's kernel: few others have nfsd. There is no bar: it tells what to
 * choose, and only by the one beside the other.
 */
export const servers: Part = {
  name: 'servers',
  tasks: ['exports', 'NFSv3', 'NFSv4.2'],
  prepare: () => void buildMachine(PACKAGES),
  async run(wanted) {
    const folder = mkdtempSync('/run/bakery-bench-');
    process.env.TMPDIR = folder;
    try {
      const guard = await buildGuard(exec, folder);
      const orders = join(folder, 'servers.json');
      writeFileSync(orders, JSON.stringify({ guard, wanted: [...wanted] }));
      const { code, output } = await runInMachine(join(import.meta.dirname, 'servers-guest.ts'), {
        limitMs: LIMIT_MS,
        isLong: false,
        packages: PACKAGES,
        memoryMib: 3_072,
        files: { 'servers.json': orders, [guard]: join(folder, guard) },
      });
      if (code !== 0) throw new Error(`the machine ended with ${code}`);
      return serversTable(samplesOf(output));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
