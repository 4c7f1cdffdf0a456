import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { parseIpv4 } from '../../core/ids.ts';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { mountExt4 } from '../../exports/volumes/loop-mount.ts';
import { mountAt } from '../../exports/volumes/mountinfo.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { requireTools, sh } from '../lab/sh.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

inOwnNamespace(import.meta.url, () => {
  test('a volume is served without a look at its disk, and as itself on a loop device that another one had a moment ago', async (t) => {
    requireTools('ganesha.nfsd', 'mkfs.ext4');
    const root = mkdtempSync(join(tmpdir(), 'bakery-reused-'));
    const backend = ganeshaBackend({ root, log: quiet });
    const address = parseIpv4('127.0.0.1') ?? assert.fail();
    const at = (name: string) => join(root, 'nfs', name);
    let id = 0;
    async function serve(name: string): Promise<number> {
      await backend.add({ id: ++id, path: at(name), client: { kind: 'address', address }, access: 'rw' });
      return id;
    }
    /** Mounts it, and says on which device. */
    async function mount(name: string): Promise<string> {
      await mountExt4(exec, join(root, `${name}.img`), at(name));
      return (await mountAt(at(name)))?.source ?? assert.fail();
    }
    t.after(async () => {
      await backend.stop();
      for (const name of ['one', 'other']) if (await mountAt(at(name))) sh('umount', at(name));
      rmSync(root, { recursive: true, force: true });
    });
    for (const name of ['one', 'other']) {
      sh('truncate', '-s', '8M', join(root, `${name}.img`));
      sh('mkfs.ext4', '-q', '-F', join(root, `${name}.img`));
      mkdirSync(at(name), { recursive: true });
    }
    await backend.start();

    // Reads that the device has done (Documentation/block/stat.rst).
    const readsOf = (device: string) =>
      Number(
        readFileSync(`/sys/block/${basename(device)}/stat`, 'utf8')
          .trim()
          .split(/ +/)[0],
      );
    const device = await mount('one');
    readdirSync(at('one'));
    const reads = readsOf(device);
    const first = await serve('one');
    assert.ok(readsOf(device) - reads <= 4, `${readsOf(device) - reads} reads of the disk`);
    await backend.remove(first);
    sh('umount', at('one'));

    // Loop devices are the whole machine's: somebody else may take the one that was given back. Then it is tried again.
    for (let reused = 0, tries = 0; reused < 2; tries++) {
      assert.ok(tries < 50, 'no loop device came back');
      const before = await mount('one');
      await backend.remove(await serve('one'));
      sh('umount', at('one'));
      const after = await mount('other');
      await mount('one');
      const ids = [await serve('other'), await serve('one')];
      if (before === after) reused++;
      for (const served of ids) await backend.remove(served);
      for (const name of ['one', 'other']) sh('umount', at(name));
    }
  });
});
