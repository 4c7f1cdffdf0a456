import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseIpv4 } from '../../core/ids.ts';
import type { NfsBackend, NfsExport } from '../../exports/nfs/backend.ts';
import { readExt4Uuid } from '../../exports/volumes/ext4.ts';
import { readMounts } from '../../exports/volumes/mountinfo.ts';
import type { Place } from '../lab/nfs/handles.ts';
import { sh } from '../lab/sh.ts';
import type { ExportedVolume, IsolationSubject, Known, Tenant } from './isolation-subject.ts';
import type { Bench } from './volumes-lab.ts';

const SERVER = '10.99.0.1';
const ADDRESSES = { a: '10.99.0.11', b: '10.99.0.12', stranger: '10.99.0.66' };
const MIB = 1024 ** 2;
const GOLDEN = 'aaaaaaaa';
const HOST_SECRET = 'secret of the host\n';

/** What a Pi is given of a file by one call. */
function firstBytes(path: string): Buffer {
  const handle = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(65_536);
    return bytes.subarray(0, readSync(handle, bytes));
  } finally {
    closeSync(handle);
  }
}

/** A folder and everything below it. Node's own recursive listing would follow links. */
function everything(folder: string): string[] {
  const inner = readdirSync(folder, { withFileTypes: true }).toSorted((x, y) => (x.name < y.name ? -1 : 1));
  return [folder, ...inner.flatMap((entry) => (entry.isDirectory() ? everything : one)(join(folder, entry.name)))];
}
const one = (path: string) => [path];

/** Each with what changes when somebody touches it. */
function listing(folder: string): string[] {
  return everything(folder).map((path) => {
    const { ino, mode, size, mtimeMs, ctimeMs, nlink } = lstatSync(path);
    return [path, ino, mode, size, mtimeMs, ctimeMs, nlink].join(' ');
  });
}

/** Every file below a folder, by inode number. */
function inventory(folder: string): Map<bigint, Known> {
  return new Map(
    everything(folder).map((path) => {
      const stat = lstatSync(path, { bigint: true });
      const isFile = stat.isFile();
      const isFolder = stat.isDirectory();
      // ftype3 (RFC 1813 §2.3.5)
      const type = isFile ? 1 : isFolder ? 2 : stat.isSymbolicLink() ? 5 : 7;
      return [
        stat.ino,
        {
          type,
          mode: Number(stat.mode & 0o7777n),
          size: stat.size,
          ...(isFile ? { content: firstBytes(path) } : {}),
          ...(isFolder ? { names: readdirSync(path).toSorted() } : {}),
        },
      ];
    }),
  );
}

/** Where a path is, on this machine. */
export async function placeOf(path: string): Promise<Place> {
  const { ino } = lstatSync(path);
  const above = (await readMounts()).filter(({ mountPoint }) =>
    `${path}/`.startsWith(`${mountPoint}/`.replace('//', '/')),
  );
  const mount = above.toSorted((x, y) => x.mountPoint.length - y.mountPoint.length).at(-1) ?? assert.fail(path);
  const [major = 0, minor = 0] = mount.device.split(':').map(Number);
  // Not every machine lets its own disk be read.
  const uuid = await readExt4Uuid(mount.source).catch(() => undefined);
  return { major, minor, inode: ino, uuid: uuid === undefined ? uuid : Buffer.from(uuid.replaceAll('-', ''), 'hex') };
}

/** Gives this machine the addresses of everybody. */
export function addAddresses(): void {
  for (const address of [SERVER, ...Object.values(ADDRESSES)]) sh('ip', 'addr', 'add', `${address}/24`, 'dev', 'lo');
}

/** What is known of a server beside how it is run. */
type Kind = Pick<IsolationSubject, 'layout' | 'ways' | 'counts' | 'oddHandles' | 'fileSystems' | 'throughTree'>;

/** A server as the product runs it, with two Pis' roots and disks as the product makes them. */
export async function serveTenants(
  bench: Pick<Bench, 'root' | 'pool' | 'volumes' | 'at'>,
  backend: NfsBackend,
  kind: Kind,
): Promise<IsolationSubject> {
  const hostFolder = join(bench.root, 'host');
  mkdirSync(hostFolder);
  writeFileSync(join(hostFolder, 'secret.txt'), HOST_SECRET);
  const golden = bench.pool.path('golden', `${GOLDEN}.ext4`);
  writeFileSync(golden, '');
  truncateSync(golden, 16 * MIB);
  sh('mkfs.ext4', '-q', '-F', golden);
  const exports = new Map<string, NfsExport>();

  function fill({ path, secret, mark }: ExportedVolume, sibling: string): void {
    writeFileSync(join(path, 'secret.txt'), secret);
    writeFileSync(join(path, mark), '');
    mkdirSync(join(path, 'folder'));
    for (const name of ['inner.txt', 'secret.txt']) writeFileSync(join(path, 'folder', name), `inner ${secret}`);
    symlinkSync(hostFolder, join(path, 'link-out'));
    symlinkSync(bench.at(sibling), join(path, 'link-sibling'));
  }

  async function volume(id: string, kind: 'root' | 'disk', address: string): Promise<ExportedVolume> {
    const fsUuid = randomUUID();
    if (kind === 'root') await bench.volumes.clone({ golden: GOLDEN, id, fsUuid, bytes: 24 * MIB });
    else await bench.volumes.createDisk({ id, fsUuid, sizeMiB: 8 });
    const path = bench.at(id);
    await bench.volumes.mount({ id, fsUuid, at: path });
    // Files of the same inode number differ in size.
    const made = { path, secret: `secret of ${id}${'.'.repeat(exports.size)}\n`, mark: `mark-of-${id}` };
    fill(made, id.startsWith('a') ? 'bbbb0001' : 'aaaa0001');
    const parsed = parseIpv4(address) ?? assert.fail();
    const entry: NfsExport = { id: exports.size + 1, path, client: { kind: 'address', address: parsed }, access: 'rw' };
    exports.set(path, entry);
    await backend.add(entry);
    return made;
  }
  const tenant = async (name: string, address: string): Promise<Tenant> => ({
    address,
    root: await volume(`${name}0001`, 'root', address),
    disk: await volume(`${name}0002`, 'disk', address),
  });
  const a = await tenant('aaaa', ADDRESSES.a);
  const b = await tenant('bbbb', ADDRESSES.b);
  return {
    server: { address: SERVER, ...backend.ports() },
    ...kind,
    a,
    b,
    stranger: ADDRESSES.stranger,
    hostFolder,
    hostFiles: [join(hostFolder, 'secret.txt'), bench.pool.path('volumes', 'bbbb0001.ext4')],
    hidden: [bench.root, bench.pool.path('volumes', ''), join(bench.root, 'nfs-server')],
    inventory: async ({ path }) => inventory(path),
    outside: async () => [
      ...readdirSync('/').toSorted(),
      ...readdirSync(bench.root).toSorted(),
      ...readdirSync(join(bench.root, 'nfs')).toSorted(),
      ...[hostFolder, b.root.path, b.disk.path].flatMap(listing),
    ],
    async move({ path }, address) {
      const entry = exports.get(path) ?? assert.fail();
      const parsed = parseIpv4(address) ?? assert.fail();
      await backend.update({ ...entry, client: { kind: 'address', address: parsed } });
    },
  };
}
