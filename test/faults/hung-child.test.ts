import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Exec, exec } from '../../core/host/exec.ts';
import { createVolumes } from '../../exports/volumes/volumes.ts';
import { fault, openBench, silent } from '../contract/volumes-lab.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { sh } from '../lab/sh.ts';

/** The processes of our namespace that have this on their command line. */
function running(argument: string): string[] {
  return readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry) || entry === String(process.pid)) return false;
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(argument);
    } catch {
      return false;
    }
  });
}

inOwnNamespace(import.meta.url, () => {
  test('a program that hangs and ignores SIGTERM is killed at its limit, what it began is removed, and the next one works', async (t) => {
    const { pool, root } = await openBench(t);
    const program = sh('sh', '-c', 'command -v mkfs.ext4').trim();
    const hanging = join(root, 'hanging');
    writeFileSync(hanging, '#!/bin/sh\ntrap "" TERM\nwhile :; do read -r line < /dev/zero; done\n', { mode: 0o755 });
    sh('mount', '--bind', hanging, program);
    let isHanging = true;
    const impatient: Exec = (name, args, options) =>
      exec(name, args, { ...options, ...(name === 'mkfs.ext4' && isHanging ? { timeoutMs: 500 } : {}) });
    const volumes = createVolumes({ pool, exec: impatient, log: silent });
    const disk = { id: 'hung', fsUuid: randomUUID(), sizeMiB: 8 };
    await assert.rejects(volumes.createDisk(disk), fault('tool-timeout'));
    assert.deepEqual(running(disk.fsUuid), []);
    await volumes.remove(disk);
    assert.deepEqual(readdirSync(pool.path('volumes', '')), []);

    sh('umount', program);
    isHanging = false;
    await volumes.createDisk(disk);
    assert.deepEqual(readdirSync(pool.path('volumes', '')), ['hung.ext4']);
  });
});
