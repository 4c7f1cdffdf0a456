import type { NewFileSystem } from '../../core/disk.ts';
import type { Exec } from '../../core/host/exec.ts';

/**
 * The program and its arguments that make a file system in a sparse file that was never written: nothing is discarded, and no zeros are
 * written where zeros are. `orphan_file` and a checksum seed are left out, which the e2fsck of Debian 11 does not take.
 */
export function mkfsCommand({ type, label }: NewFileSystem, file: string): readonly [string, ...string[]] {
  const named = label === undefined ? [] : ['-L', label];
  if (type === 'xfs') return ['mkfs.xfs', '-q', '-f', '-K', ...named, file];
  const zeros = ['-E', 'nodiscard,assume_storage_prezeroed=1'];
  return ['mkfs.ext4', '-q', '-F', '-m', '0', '-O', '^orphan_file,^metadata_csum_seed', ...zeros, ...named, file];
}

/** Makes it. @throws BakeryError `tool-failed` (internal). */
export async function makeFileSystem(exec: Exec, file: string, wish: NewFileSystem): Promise<void> {
  const [program, ...args] = mkfsCommand(wish, file);
  await exec(program, args, { timeoutMs: 10 * 60_000 });
}
