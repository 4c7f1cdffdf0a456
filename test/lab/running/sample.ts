import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BOOT } from '../rom/transcripts.ts';
import { makeTinyImage, TINY } from '../tiny-image.ts';

/** Makes the image of the lab's bakeform: what every model can boot from, and the root of a small Raspberry Pi OS. */
export function makeSampleImage(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-sample-'));
  try {
    const image = join(folder, 'sample.img');
    const bootFiles = { ...BOOT, 'bootcode.bin': TINY.bootFiles['bootcode.bin'] ?? '' };
    makeTinyImage(image, { bootFiles, rootMiB: 16, bootMiB: 9 });
    return readFileSync(image);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
