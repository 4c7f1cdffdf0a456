import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import { exec } from '../../core/host/exec.ts';
import { createDirtyLimits, DIRTY_BYTES } from '../../exports/volumes/dirty.ts';
import { mountAt } from '../../exports/volumes/mountinfo.ts';
import { createVolumes } from '../../exports/volumes/volumes.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { openBench, silent, temporaryRoot } from './volumes-lab.ts';

inOwnNamespace(import.meta.url, () => {
  test('a mounted volume, new or adopted, may have 64 MiB dirty in memory and no more', async (t) => {
    const { pool, at } = await openBench(t);
    const volumes = createVolumes({ pool, exec, log: silent, dirtyLimits: createDirtyLimits({ log: silent }) });
    const disk = { id: 'a', fsUuid: randomUUID(), sizeMiB: 16 };
    await volumes.createDisk(disk);
    for (const how of ['new', 'adopted']) {
      await volumes.mount({ ...disk, at: at('a') });
      const device = (await mountAt(at('a')))?.device ?? '';
      const [limit, strict] = ['max_bytes', 'strict_limit'].map((name) => join('/sys/class/bdi', device, name));
      const bytes = Number(readFileSync(limit ?? '', 'utf8'));
      // The kernel keeps it as a part of the memory, rounded.
      assert.ok(Math.abs(bytes - DIRTY_BYTES) < DIRTY_BYTES / 50, `${how}: ${bytes}`);
      assert.equal(readFileSync(strict ?? '', 'utf8').trim(), '1', how);
      // As another hand, or a device that is used again, may leave it.
      writeFileSync(strict ?? '', '0');
    }
  });

  test('a volume that is unmounted leaves no limit on its device, and one that cannot be keeps it', async (t) => {
    const { pool, at } = await openBench(t);
    // Of its own: a device that is free again is another test's at once.
    const sysfs = temporaryRoot(t);
    const dirtyLimits = createDirtyLimits({ log: silent, sysfs });
    const clock = { ...systemClock, sleep: async () => undefined };
    const volumes = createVolumes({ pool, exec, log: silent, dirtyLimits, clock });
    const disk = { id: 'a', fsUuid: randomUUID(), sizeMiB: 16, at: at('a') };
    await volumes.createDisk(disk);
    await volumes.mount(disk);
    const folder = join(sysfs, (await mountAt(disk.at))?.device ?? '');
    mkdirSync(folder);
    for (const name of ['max_bytes', 'max_ratio', 'strict_limit']) writeFileSync(join(folder, name), '7');
    const limits = () => ['strict_limit', 'max_ratio'].map((name) => readFileSync(join(folder, name), 'utf8'));
    const file = openSync(join(disk.at, 'disk.img'), 'r');
    await assert.rejects(volumes.unmount(disk), { code: 'volume-busy' });
    assert.equal(limits()[0], '1', 'it is still mounted');
    closeSync(file);
    await volumes.unmount(disk);
    assert.deepEqual(limits(), ['0', '100']);
  });

  test('where the kernel has no such limit it is told once, and the pool counts on much more being dirty', async (t) => {
    const told: string[] = [];
    const log = { ...silent, warn: (_data: object, message: string) => void told.push(message) };
    const limits = createDirtyLimits({ log, sysfs: temporaryRoot(t) });
    assert.equal(limits.allowed(3), 3 * DIRTY_BYTES);
    limits.bound('7:1');
    limits.bound('7:2');
    assert.equal(told.length, 1);
    assert.ok(limits.allowed(3) > totalmem() / 6);
    assert.equal(limits.allowed(0), 0);
  });
});
