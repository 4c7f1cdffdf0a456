import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseIpv4 } from '../../../core/ids.ts';
import { nfsdBackend } from '../../../exports/nfs/nfsd/backend.ts';

/** Run in the emulated machine: serves /src/root.ext4 to one Pi by the kernel's NFS server, and tells what that Pi has asked for. */
const ROOT = '/lab/data';
const PATH = join(ROOT, 'nfs', 'root');
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const address = parseIpv4('10.99.0.21');
if (!address) throw new Error('no address');

mkdirSync(PATH, { recursive: true });
const { status, stderr } = spawnSync('mount', ['-o', 'loop', '/src/root.ext4', PATH], { encoding: 'utf8' });
if (status !== 0) throw new Error(stderr);
const backend = nfsdBackend({ root: ROOT, log: quiet });
await backend.start();
await backend.add({ id: 1, path: PATH, client: { kind: 'address', address }, access: 'rw' });
process.stdout.write('LAB serving\n');
for (;;) {
  const { v3 } = await backend.operations(address);
  const heard = (await backend.clients()).some((client) => client.address === address);
  process.stdout.write(`LAB heard ${heard} v3 ${v3}\n`);
  await sleep(2_000);
}
