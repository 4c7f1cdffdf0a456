import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import type { Ipv4, PiId } from '../../../core/ids.ts';
import { bootFile } from '../../../netboot/files/routes.ts';

const folder = mkdtempSync(join(tmpdir(), 'bakery-routes-'));
const mountPoint = join(folder, 'root');
const boot = join(mountPoint, 'boot/firmware');
const target = { nfsServer: '10.0.0.1' as Ipv4, nfsRoot: '/srv/root', piId: '687680cd' as PiId };
const ask = (rest: string) => bootFile({ rest, mountPoint, bootFolder: 'boot/firmware', target });

beforeEach(() => {
  rmSync(mountPoint, { recursive: true, force: true });
  mkdirSync(join(boot, 'overlays'), { recursive: true });
  writeFileSync(join(boot, 'kernel8.img'), 'kernel');
  writeFileSync(join(boot, 'cmdline.txt'), 'quiet root=PARTUUID=1-02\n');
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('a file of the Pi’s own boot folder is sent from its volume', async () => {
  assert.deepEqual(await ask('kernel8.img'), { kind: 'file', root: mountPoint, path: 'boot/firmware/kernel8.img' });
});

test('cmdline.txt is rendered from the Pi’s own, below an os_prefix too', async () => {
  mkdirSync(join(boot, 'old'));
  writeFileSync(join(boot, 'old/cmdline.txt'), 'debug\n');
  for (const [rest, first] of [
    ['cmdline.txt', 'quiet'],
    ['old/cmdline.txt', 'debug'],
  ] as const) {
    const answer = await ask(rest);
    assert.ok(answer?.kind === 'bytes');
    const text = Buffer.from(answer.bytes).toString();
    assert.equal(text, `${first} root=/dev/nfs nfsroot=10.0.0.1:/srv/root,vers=3 rw ip=dhcp rootwait\n`);
  }
});

test('what is missing, a folder, a link or outside has no answer', async () => {
  writeFileSync(join(folder, 'secret'), 'secret');
  symlinkSync(join(folder, 'secret'), join(boot, 'link'));
  symlinkSync('kernel8.img', join(boot, 'inside'));
  mkdirSync(join(boot, 'dir'));
  symlinkSync(join(folder, 'secret'), join(boot, 'dir/cmdline.txt'));
  for (const rest of ['none', 'none/cmdline.txt', 'overlays', 'link', 'inside', 'dir/cmdline.txt', '../../../secret']) {
    assert.equal(await ask(rest), undefined, rest);
  }
});

test('what cloud-init and the first boot read is not sent to whoever asks: it holds passwords', async () => {
  mkdirSync(join(boot, 'old'));
  for (const name of ['user-data', 'network-config', 'userconf.txt', 'old/user-data']) {
    writeFileSync(join(boot, name), 'secret');
    assert.equal(await ask(name), undefined, name);
  }
  assert.equal(await ask('USER-DATA'), undefined);
});

test('a link in place of the boot folder is not followed', async () => {
  renameSync(boot, join(folder, 'elsewhere'));
  symlinkSync(join(folder, 'elsewhere'), boot);
  assert.equal(await ask('kernel8.img'), undefined);
  assert.equal(await ask('cmdline.txt'), undefined);
  rmSync(join(folder, 'elsewhere'), { recursive: true });
});

test('a cmdline.txt that the kernel would cut is an error, not a Pi that boots with half of it', async () => {
  writeFileSync(join(boot, 'cmdline.txt'), `x=${'y'.repeat(2100)}`);
  await assert.rejects(ask('cmdline.txt'), { code: 'cmdline-too-long' });
});
