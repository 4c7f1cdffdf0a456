import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Stops the bus of the NFS server below `root`: whoever asks it something waits. The result lets it go on. */
export function holdBus(root: string): () => void {
  const { pid } = JSON.parse(readFileSync(join(root, 'nfs-server', 'bus.process.json'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGSTOP');
  return () => process.kill(pid, 'SIGCONT');
}
