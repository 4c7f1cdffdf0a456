import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { BakeryError } from '../../core/errors.ts';
import { prepareFstab } from '../../exports/images/fstab.ts';
import { hostsWith } from '../../exports/images/identity.ts';
import { readLayout } from '../../exports/images/layout.ts';
import { lintFstab, lintKernels } from '../../exports/images/lint.ts';
import { receiveImage } from '../../exports/images/receive.ts';
import { parseMountinfo } from '../../exports/volumes/mountinfo.ts';
import type { Pool } from '../../exports/volumes/pool.ts';

const table = (partitions: object[], label = 'dos') =>
  JSON.stringify({ partitiontable: { label, id: '0x1', device: 'x', unit: 'sectors', sectorsize: 512, partitions } });
const FAT = { node: 'x1', start: 16_384, size: 1000, type: 'c' };
const LINUX = { node: 'x2', start: 20_000, size: 5000, type: '83' };
const BYTES = 30_000 * 512;

test('the boot and the root partition are found in bytes, in whatever order they are listed', () => {
  const expected = {
    boot: { offset: 16_384 * 512, length: 512_000 },
    root: { offset: 20_000 * 512, length: 2_560_000 },
  };
  assert.deepEqual(readLayout(table([FAT, LINUX]), BYTES), expected);
  assert.deepEqual(readLayout(table([LINUX, FAT]), BYTES), expected);
});

const refusals: [string, string, string, number?][] = [
  ['no table', '', 'image-not-an-image'],
  ['not JSON', 'oops', 'image-not-an-image'],
  ['GPT', table([FAT, LINUX], 'gpt'), 'image-partitions'],
  ['one partition', table([LINUX]), 'image-partitions'],
  ['no partition', table([]), 'image-partitions'],
  ['no Linux', table([FAT, { ...LINUX, type: '7' }]), 'image-partitions'],
  ['overlap', table([FAT, { ...LINUX, start: 16_385 }]), 'image-partitions'],
  ['a partition over the table itself', table([{ ...FAT, start: 0 }, LINUX]), 'image-partitions'],
  ['an end beyond the file', table([FAT, { ...LINUX, size: 50_000 }]), 'image-truncated'],
  ['an absurd size', table([FAT, { ...LINUX, size: Number.MAX_SAFE_INTEGER }]), 'image-truncated'],
  ['a size of nothing', table([FAT, { ...LINUX, size: 0 }]), 'image-not-an-image'],
];
for (const [what, json, code] of refusals) {
  test(`an image with ${what} is refused`, () => assert.throws(() => readLayout(json, BYTES), { code }));
}

test('whatever sfdisk says, the answer is a layout inside the file or a clear refusal', () => {
  const partition = fc.record({
    start: fc.integer(),
    size: fc.integer(),
    type: fc.constantFrom('c', '83', '82', 'ee', ''),
  });
  fc.assert(
    fc.property(fc.array(partition, { maxLength: 5 }), (partitions) => {
      try {
        const { boot, root } = readLayout(table(partitions), BYTES);
        assert.ok(Math.max(boot.offset + boot.length, root.offset + root.length) <= BYTES);
      } catch (error) {
        assert.ok(error instanceof BakeryError && error.kind === 'invalid', String(error));
      }
    }),
  );
});

test('fstab loses the card’s partitions and swap and gets the boot folder as a mount point, once', () => {
  const stock = [
    '# a comment stays',
    'proc            /proc           proc    defaults          0       0',
    'PARTUUID=4e639091-01  /boot/firmware  vfat    defaults          0       2',
    'PARTUUID=4e639091-02  /               ext4    defaults,noatime  0       1',
    'LABEL=data /srv/data ext4 defaults 0 2',
    '/swapfile none swap sw 0 0',
    '',
  ].join('\n');
  const { text, dropped } = prepareFstab(stock, 'boot/firmware');
  assert.deepEqual(text.split('\n'), [
    '# a comment stays',
    'proc            /proc           proc    defaults          0       0',
    'LABEL=data /srv/data ext4 defaults 0 2',
    '/boot/firmware /boot/firmware none bind 0 0',
    '',
  ]);
  assert.equal(dropped.length, 3);
  assert.deepEqual(prepareFstab(text, 'boot/firmware'), { text, dropped: [] });
  assert.ok(!prepareFstab(stock, 'boot').text.includes('bind'));
});

test('/etc/hosts names the host once', () => {
  const stock = '127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n';
  const once = hostsWith(stock, '687680cd');
  assert.equal(once, '127.0.0.1\tlocalhost\n127.0.1.1\t687680cd\n');
  assert.equal(hostsWith(once, '687680cd'), once);
});

test('mountinfo is read with its octal escapes', () => {
  const line = '36 35 7:3 / /mnt/a\\040b\\134c rw,noatime shared:1 - ext4 /dev/loop3 rw';
  assert.deepEqual(parseMountinfo(`${line}\nnonsense\n`), [
    { device: '7:3', mountPoint: '/mnt/a b\\c', type: 'ext4', source: '/dev/loop3', superOptions: ['rw'] },
  ]);
});

test('an upload is not kept in memory while it comes in', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const folder = mkdtempSync(join(tmpdir(), 'bakery-receive-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const chunks: WeakRef<Uint8Array>[] = [];
  let alive = 0;
  async function* body() {
    for (let i = 0; i < 200; i++) {
      const chunk = new Uint8Array(64 * 1024);
      chunks.push(new WeakRef(chunk));
      yield chunk;
      await new Promise(setImmediate);
    }
    collect();
    alive = chunks.filter((chunk) => chunk.deref() !== undefined).length;
  }
  const pool = { ensureFree: async () => undefined } as unknown as Pool;
  const signal = new AbortController().signal;
  const { bytes } = await receiveImage(body(), { file: join(folder, 'image'), pool, signal });
  assert.equal(bytes, 200 * 64 * 1024);
  assert.ok(alive < 20, `${alive} of 200 chunks are still held`);
});

test('an upload that stalls ends when it is cancelled, and leaves nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-receive-'));
  t.after(() => rmSync(folder, { recursive: true }));
  async function* body() {
    yield new Uint8Array(10);
    await new Promise(() => undefined);
  }
  const pool = { ensureFree: async () => undefined } as unknown as Pool;
  const cancel = new AbortController();
  const receiving = receiveImage(body(), { file: join(folder, 'image'), pool, signal: cancel.signal });
  setTimeout(() => cancel.abort(new BakeryError('conflict', 'cancelled', 'cancelled')), 50);
  await assert.rejects(receiving, { code: 'cancelled' });
  assert.deepEqual(readdirSync(folder), []);
});

const codes = (found: readonly { level: string; code: string; message: string }[]) =>
  found.map(({ level, code, message }) => `${level} ${code}: ${message}`);

test('for each family of Pis it is told when an image has no kernel, or not the firmware, and as an error when none can boot', () => {
  const lint = (names: string[], config = '') => codes(lintKernels(names, config, 'boot'));
  const firmware = ['start.elf', 'start4.elf'];
  const all = ['kernel.img', 'kernel7.img', 'kernel7l.img', 'kernel8.img', 'kernel_2712.img', ...firmware];
  assert.deepEqual(lint(all), []);
  assert.deepEqual(lint(['kernel8.img', ...firmware]), [
    'info no-kernel-for-model: no kernel for Pi 1, Zero',
    'info no-kernel-for-model: no kernel for Pi 2',
  ]);
  assert.deepEqual(lint(['kernel8.img', 'start4.elf']), [
    'info no-kernel-for-model: no kernel for Pi 1, Zero',
    'info no-kernel-for-model: no kernel for Pi 2',
    'info no-firmware-for-model: no start.elf for Pi 3, Zero 2 W',
  ]);
  assert.deepEqual(lint(firmware), ['error kernel-missing: there is no kernel and firmware that any Pi can boot']);
  assert.deepEqual(lint(['kernel.img']), lint([]));
  assert.deepEqual(lint(['vmlinuz', ...firmware], '[all]\nkernel=vmlinuz\n'), []);
  assert.deepEqual(lint(firmware, 'kernel=vmlinuz'), [
    'error kernel-missing: config.txt names a kernel that is not there: vmlinuz',
  ]);
  assert.deepEqual(lint(firmware, 'os_prefix=current/'), [], 'it is elsewhere');
  assert.deepEqual(lint(['kernel8.img', ...firmware], '#kernel=vmlinuz').length, 2);
});

test('a partition that stays in fstab and that no Pi has is told, unless nothing waits for it', () => {
  const text = `# LABEL=old /old ext4
proc /proc proc defaults 0 0
LABEL=data /data ext4 defaults 0 2
/dev/sda1 /usb ext4 noatime,nofail 0 2
/dev/sdb1 /other ext4 noauto 0 2
/boot/firmware /boot/firmware none bind 0 0
`;
  assert.deepEqual(codes(lintFstab(text)), [
    'warning fstab-partition-kept: fstab mounts LABEL=data at /data, which no Pi has: its start waits for it',
  ]);
});

test('docs/bakeforms.md explains every code of the lint with its level, and none that there is not', () => {
  const root = new URL('../../', import.meta.url);
  const text = (file: string) => readFileSync(new URL(file, root), 'utf8');
  const told = [...text('docs/bakeforms.md').matchAll(/^\| `([a-z-]+)` \| (\w+) \|/gm)].map(
    ([, code, level]) => `${level} ${code}`,
  );
  const found = ['lint.ts', 'prepare.ts', 'change.ts', 'changes.ts', 'network.ts', 'disks-unit.ts'].flatMap((file) => {
    const source = text(`exports/images/${file}`);
    const told = [...source.matchAll(/\bfinding\('(\w+)', '([a-z-]+)'/g)].map(([, level, code]) => `${level} ${code}`);
    return [...told, ...[...source.matchAll(/\btells: '([a-z-]+)'/g)].map(([, code]) => `info ${code}`)];
  });
  assert.ok(found.length > 10, 'the search for codes found next to nothing');
  assert.deepEqual(told.toSorted(), [...new Set(found)].toSorted());
});
