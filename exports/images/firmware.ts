import { mkdir } from 'node:fs/promises';
import { exists, readBeneath, writeFileAtomic } from '../../core/host/files.ts';
import { blamingRoot } from './faults.ts';

/** What a Pi 1 to 3 asks for by a bare name, before it tells its serial. */
export const FIRST_STAGE = ['bootcode.bin'] as const;

/**
 * Keeps a copy of the first-stage firmware of the first image that has it: a Pi that nobody knows yet needs it to go on to
 * telling its serial. What an operator put there is left alone.
 */
export async function keepFirmware(root: string, bootFolder: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const name of FIRST_STAGE) {
    if (await exists(`${folder}/${name}`)) continue;
    const bytes = await blamingRoot(() => readBeneath(root, `${bootFolder}/${name}`));
    if (bytes) await writeFileAtomic(`${folder}/${name}`, bytes);
  }
}
