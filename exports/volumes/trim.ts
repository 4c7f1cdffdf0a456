import { stat } from 'node:fs/promises';
import type { Exec } from '../../core/host/exec.ts';

/**
 * A trim is done in pieces of so many bytes (a whole number of ext4's block groups): a volume cannot be unmounted while one is under way, and
 * who wants to must not wait for long.
 */
const PIECE = 64 * 1024 ** 3;

/** Where the pieces of a volume begin; the last one is up to twice as long, never empty. */
export function piecesOf(bytes: number, piece = PIECE): { offset: number; length?: number }[] {
  const count = Math.max(1, Math.floor(bytes / piece));
  return Array.from({ length: count }, (_, i) => ({
    offset: i * piece,
    ...(i === count - 1 ? {} : { length: piece }),
  }));
}

/**
 * Gives what the ext4 in `file`, mounted at `at`, does not use back to the file system below (FITRIM, fstrim(8)). It disturbs nobody who has
 * files open there, and costs next to nothing when nothing was freed since the last time: ext4 remembers, for as long as it is mounted.
 * @returns by how many bytes the file got smaller; what was written meanwhile counts against it.
 */
export async function trimExt4(
  exec: Exec,
  { file, at, mayGoOn }: { file: string; at: string; mayGoOn(): Promise<boolean> },
): Promise<number> {
  const before = await stat(file);
  for (const { offset, length } of piecesOf(before.size)) {
    if (!(await mayGoOn())) break;
    const range = ['--offset', String(offset), ...(length === undefined ? [] : ['--length', String(length)])];
    await exec('fstrim', ['--quiet-unsupported', ...range, at], { timeoutMs: 10 * 60_000 });
  }
  return Math.max(0, (before.blocks - (await stat(file)).blocks) * 512);
}
