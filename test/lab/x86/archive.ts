import { run } from '../image/host.ts';
import { walk } from '../image/tree.ts';

/** Writes a folder as the kind of archive that a kernel unpacks as its first root: newc cpio, all of it root's. Several may follow each other. */
export async function archive(folder: string, file: string): Promise<void> {
  const names = ['.', ...walk(folder)].map((name) => `${name}\0`).join('');
  const args = ['--quiet', '--null', '--create', '--format=newc', '--reproducible', '--owner=+0:+0', `--file=${file}`];
  await run('cpio', args, { cwd: folder, stdin: names });
}
