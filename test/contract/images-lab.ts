import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { makeTinyImage, TINY } from '../lab/tiny-image.ts';
import { type Bench, chunksOf, MIB } from './volumes-lab.ts';

/** Small: an image is held in memory here, and whoever forks has all its pages to copy. */
export const SIZE = { bootMiB: 9, rootMiB: 8 };
/** Where makeTinyImage puts its two partitions. */
export const [FAT, EXT4] = [1 * MIB, (1 + SIZE.bootMiB) * MIB];
/** Of what nobody cancels. */
export const signal = new AbortController().signal;

/** A stock image with a bit of everything that prepare looks at. */
export const STOCK = {
  ...TINY.rootFiles,
  'etc/systemd/system/multi-user.target.wants/rpi-resize.service': 'unit',
  'etc/systemd/system/multi-user.target.wants/ssh.service': 'unit',
  'etc/systemd/system/swap.target.wants/dphys-swapfile.service': 'unit',
  'etc/rc3.d/S01resize2fs_once': 'script',
  'etc/rpi/swap.conf': '[Main]\n#Mechanism=auto\n',
  'etc/NetworkManager/NetworkManager.conf': '[main]\n',
  'etc/dhcpcd.conf': 'persistent\n',
  'etc/shadow': 'root:*:1::::::\npi:!:1::::::\n',
  'var/lib/dbus/machine-id': '0123456789abcdef0123456789abcdef\n',
  'boot/firmware/meta-data': 'dsmode: local\ninstance_id: rpios-image\n',
  'var/lib/systemd/random-seed': 'everybody has this seed',
  'var/lib/NetworkManager/secret_key': 'everybody has this key',
};

/** Receives an image and makes it a golden volume, not prepared yet. */
export async function take(bench: Bench, id: string, bytes: Uint8Array): Promise<void> {
  await bench.images.receive(chunksOf(bytes), { id, signal });
  await bench.images.unpack({ id, signal });
  await bench.images.makeGolden({ id, signal });
}

/** What the operation's undo does, and that nothing is left then. */
export async function undo(bench: Bench, id: string): Promise<void> {
  await bench.images.tidy({ id });
  await bench.images.tidy({ id });
  await bench.volumes.removeGolden(id);
  for (const folder of ['incoming', 'golden', 'work'] as const) {
    assert.deepEqual(readdirSync(bench.pool.path(folder, '')), [], folder);
  }
}

/** A folder for images while the tests of one file run, and what makes one there: its bytes, changed by `forge` while it is a file. */
export function imageFolder(): {
  lab: string;
  image(rootFiles?: typeof TINY.rootFiles, forge?: (file: string) => void): Buffer;
} {
  const lab = mkdtempSync(join(tmpdir(), 'bakery-stock-'));
  after(() => rmSync(lab, { recursive: true, force: true }));
  return {
    lab,
    image(rootFiles = STOCK, forge = () => undefined) {
      const file = join(lab, 'image');
      makeTinyImage(file, { ...SIZE, rootFiles });
      forge(file);
      return readFileSync(file);
    },
  };
}
