import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { BakeryError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { blamingFileSystem } from '../../exports/images/faults.ts';
import { prepareFstab } from '../../exports/images/fstab.ts';
import { listedFiles, readBootFiles } from '../../exports/images/golden.ts';
import { hostsWith } from '../../exports/images/identity.ts';
import { readLayout } from '../../exports/images/layout.ts';

const SECTOR = 512;
const PI_OS = [
  { start: 2048, size: 65536, type: 'c' },
  { start: 67584, size: 49152, type: '83' },
];
const END = (67584 + 49152) * SECTOR;

function table(partitions: readonly object[], label = 'dos'): string {
  return JSON.stringify({ partitiontable: { label, id: '0x1', device: 'x', unit: 'sectors', partitions } });
}

function codeOf(json: string, bytes = END): string {
  try {
    readLayout(json, bytes);
    return 'fine';
  } catch (error) {
    assert.ok(error instanceof BakeryError, String(error));
    assert.equal(error.kind, 'invalid');
    return error.code;
  }
}

test("the layout of Raspberry Pi OS is its FAT and its first Linux partition, in the table's order or not", () => {
  const layout = {
    boot: { offset: 2048 * SECTOR, length: 65536 * SECTOR },
    root: { offset: 67584 * SECTOR, length: 49152 * SECTOR },
  };
  assert.deepEqual(readLayout(table(PI_OS), END), layout);
  assert.deepEqual(readLayout(table(PI_OS.toReversed()), END), layout);
});

test('an image without a usable table is refused with the code that says why', () => {
  const [boot, root] = PI_OS;
  assert.equal(codeOf(''), 'image-not-an-image');
  assert.equal(codeOf('{"partitiontable":{}}'), 'image-not-an-image');
  assert.equal(codeOf(table([])), 'image-partitions');
  assert.equal(codeOf(table([{ ...boot }])), 'image-partitions');
  assert.equal(codeOf(table([{ ...root }])), 'image-partitions');
  assert.equal(codeOf(table(PI_OS, 'gpt')), 'image-partitions');
  assert.equal(codeOf(table([{ ...boot }, { ...root, start: 67583 }])), 'image-partitions', 'they overlap');
  assert.equal(codeOf(table([{ ...boot, start: 0 }, { ...root }])), 'image-partitions', 'over the table itself');
  assert.equal(codeOf(table(PI_OS), END - 1), 'image-truncated');
  assert.equal(codeOf(table([{ ...boot }, { ...root, size: 2 ** 52 }])), 'image-truncated');
});

test('whatever sfdisk says, the layout is inside the file and apart, or it is refused', () => {
  const part = fc.record({
    start: fc.nat(2 ** 20),
    size: fc.nat(2 ** 20),
    type: fc.constantFrom('c', '83', '5', 'ee'),
  });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), fc.nat(2 ** 31), (parts, bytes) => {
      if (codeOf(table(parts), bytes) !== 'fine') return;
      const { boot, root } = readLayout(table(parts), bytes);
      for (const { offset, length } of [boot, root])
        assert.ok(offset >= SECTOR && length > 0 && offset + length <= bytes);
      assert.ok(boot.offset + boot.length <= root.offset || root.offset + root.length <= boot.offset);
    }),
  );
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (json) => codeOf(json) !== 'fine'));
});

const RASPIOS = `proc            /proc           proc    defaults          0       0
PARTUUID=6c586e13-01  /boot/firmware  vfat    defaults          0       2
PARTUUID=6c586e13-02  /               ext4    defaults,noatime  0       1
# a swapfile is not a swap partition, no line here
`;
const UBUNTU = `LABEL=writable / ext4 defaults 0 1
LABEL=system-boot       /boot/firmware  vfat    defaults        0       1
/swap.img none swap sw 0 0
10.0.0.5:/home /home nfs defaults 0 0
LABEL=data /srv ext4 nofail 0 0
`;

test("fstab: the card's partitions and swap go, the rest stays, the boot folder becomes a mount point", () => {
  const raspios = prepareFstab(RASPIOS, 'boot/firmware');
  assert.equal(
    raspios.text,
    `proc            /proc           proc    defaults          0       0
# a swapfile is not a swap partition, no line here
/boot/firmware /boot/firmware none bind 0 0
`,
  );
  assert.deepEqual(raspios.dropped, [
    'PARTUUID=6c586e13-01 /boot/firmware vfat defaults 0 2',
    'PARTUUID=6c586e13-02 / ext4 defaults,noatime 0 1',
  ]);
  const ubuntu = prepareFstab(UBUNTU, 'boot/firmware').text;
  assert.match(ubuntu, /^10\.0\.0\.5:\/home \/home nfs/m);
  assert.match(ubuntu, /^LABEL=data \/srv/m, 'a disk that is not of the card is not ours to judge');
  assert.doesNotMatch(ubuntu, /writable|system-boot|swap/);
});

test('fstab: a root by any name goes unless it is NFS; /boot of old images has no bind; /bootstrap is not /boot', () => {
  assert.equal(prepareFstab('/dev/root / auto defaults 0 0\n', 'boot').text, '\n');
  assert.equal(prepareFstab('/dev/nfs / nfs defaults 0 0\n', 'boot').text, '/dev/nfs / nfs defaults 0 0\n');
  assert.equal(prepareFstab('UUID=AB-CD /bootstrap vfat ro 0 0\n', 'boot').dropped.length, 0);
  assert.doesNotMatch(prepareFstab(RASPIOS, 'boot').text, /bind/);
});

test('fstab: preparing twice is preparing once, for any text', () => {
  const line = fc.tuple(
    fc.constantFrom('PARTUUID=1-02', '/dev/mmcblk0p1', 'tmpfs', '# x', '', '/boot/firmware'),
    fc.constantFrom('/', '/boot', '/boot/firmware', '/tmp', 'none'),
    fc.constantFrom('ext4', 'vfat', 'swap', 'none', 'tmpfs'),
  );
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom('boot' as const, 'boot/firmware' as const), (lines, folder) => {
      const once = prepareFstab(lines.map((words) => `${words.join(' ')} bind 0 0`).join('\n'), folder);
      const twice = prepareFstab(once.text, folder);
      assert.equal(twice.text, once.text);
      assert.deepEqual(twice.dropped, []);
    }),
  );
});

test('hosts: the host has one name of its own, however often it gets one', () => {
  const text = '127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n::1 localhost\n\n';
  const once = hostsWith(text, '687680cd');
  assert.equal(once, '127.0.0.1\tlocalhost\n::1 localhost\n127.0.1.1\t687680cd\n');
  assert.equal(hostsWith(once, '687680cd'), once);
});

test('the files and bytes that a FAT lists are read from the end of what mdir prints, of one folder and of several', () => {
  const several = `Directory for ::/

overlays     <DIR>     2026-11-24  10:01
        7 files           1 350 108 bytes

Directory for ::/overlays

OVERLA~1 DTB         3 2026-11-24  10:01  overlay_map.dtb
        3 files                   3 bytes

Total files listed:
       10 files           1 350 111 bytes
                         32 106 496 bytes free

`;
  assert.deepEqual(listedFiles(several), { files: 10, bytes: 1_350_111 });
  const one =
    'Directory for ::/\n\nONE~1 3 2026-11-24 10:01  9 files 9 bytes\n        1 file  3 bytes\n  33 468 416 bytes free\n\n';
  assert.deepEqual(listedFiles(one), { files: 1, bytes: 3 });
  assert.equal(listedFiles('Directory for ::/\n'), undefined);
  assert.equal(listedFiles(several.slice(0, -80)), undefined, 'mdir died on the way');
});

test('a FAT that lists more than it can hold, more files than are bearable, or nothing, is not unpacked', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-boot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const read = async (listed: string) => {
    const programs: string[] = [];
    const exec: Exec = async (program) => {
      programs.push(program);
      return { code: 0, stdout: `\n  ${listed}\n  1 000 bytes free\n\n`, stderr: '' };
    };
    const extent = { offset: 0, length: 1_000_000 };
    const signal = new AbortController().signal;
    await readBootFiles(exec, { image: 'image', extent, folder: join(folder, 'boot'), signal }).catch((error) => {
      assert.equal(error.code, 'image-boot-unreadable');
    });
    return programs;
  };
  assert.deepEqual(await read('10 000 files  1 000 000 bytes'), ['mdir', 'mcopy']);
  assert.deepEqual(await read('10 001 files  1 000 000 bytes'), ['mdir']);
  assert.deepEqual(await read('10 000 files  1 000 001 bytes'), ['mdir']);
  assert.deepEqual(await read('mdir was cut off'), ['mdir']);
});

test('a file system that e2fsck passes and resize2fs does not is broken; a full disk below it is not its fault', async () => {
  const failing = (said: string) => async () => {
    throw new BakeryError('internal', 'tool-failed', 'resize2fs failed', { detail: `resize2fs x (exit 1): ${said}` });
  };
  await assert.rejects(blamingFileSystem(failing('Should never happen: resize inode corrupt!')), {
    code: 'filesystem-broken',
    kind: 'invalid',
  });
  await assert.rejects(blamingFileSystem(failing('No space left on device')), { code: 'tool-failed' });
});
