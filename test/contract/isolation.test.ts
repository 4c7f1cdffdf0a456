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
import { after, before, test } from 'node:test';
import { parseIpv4 } from '../../core/ids.ts';
import type { NfsBackend, NfsExport } from '../../exports/nfs/backend.ts';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { ganeshaLayout, ganeshaOddities } from '../lab/nfs/handles.ts';
import { requireTools, sh } from '../lab/sh.ts';
import { isLongRun } from '../sizes.ts';
import { isolationByHandles } from './isolation-handles.ts';
import { isolationByNames } from './isolation-names.ts';
import type { ExportedVolume, IsolationSubject, Known, Tenant } from './isolation-subject.ts';
import { type Bench, MIB, openBench, silent } from './volumes-lab.ts';

const SERVER = '10.99.0.1';
const ADDRESSES = { a: '10.99.0.11', b: '10.99.0.12', stranger: '10.99.0.66' };
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

/** ganesha as the product runs it, with two Pis' roots and disks as the product makes them. */
async function ganeshaSubject(bench: Bench, backend: NfsBackend): Promise<IsolationSubject> {
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
    layout: ganeshaLayout,
    a,
    b,
    stranger: ADDRESSES.stranger,
    hostFolder,
    hidden: [bench.root, bench.pool.path('volumes', ''), join(bench.root, 'nfs-server')],
    oddHandles: ganeshaOddities,
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

/** What `nm` tells of an object's dynamic symbols: name, and version behind an `@`. */
function symbols(file: string, kind: '--defined-only' | '--undefined-only'): string[] {
  const lines = sh('nm', '--dynamic', '--format=posix', kind, file).split('\n');
  return lines.map((line) => line.split(' ')[0] ?? '').filter((name) => name !== '');
}

inOwnNamespace(import.meta.url, () => {
  const ends: (() => unknown)[] = [];
  let subject: IsolationSubject | undefined;
  let root = '';
  before(async () => {
    requireTools('ganesha.nfsd', 'gcc', 'nm', 'mkfs.ext4', 'ip');
    for (const address of [SERVER, ...Object.values(ADDRESSES)]) sh('ip', 'addr', 'add', `${address}/24`, 'dev', 'lo');
    const bench = await openBench({ after: (end) => void ends.push(end as () => unknown) });
    root = bench.root;
    const backend = ganeshaBackend({ root, log: silent });
    ends.unshift(() => backend.stop());
    await backend.start();
    subject = await ganeshaSubject(bench, backend);
  });
  after(async () => {
    for (const end of ends) await end();
  });
  test('the guard stands before every call by which ganesha hands a name in a folder to the kernel', () => {
    const module = sh('dpkg', '-L', 'nfs-ganesha-vfs')
      .split('\n')
      .find((path) => path.endsWith('/libfsalvfs.so'));
    const folder = join(root, 'nfs-server');
    const guard = readdirSync(folder).find((name) => /^guard-.*\.so$/.test(name));
    assert.ok(module && guard);
    const has = symbols(join(folder, guard), '--defined-only');
    // Functions of the C library for such calls end so; of these, one takes no name and two no folder.
    const calls = symbols(module, '--undefined-only').flatMap(
      (name) => /^(.*at(?:64|2|64_2|_2)?)@GLIBC/.exec(name)?.[1] ?? [],
    );
    const others = ['open_by_handle_at', 'stat64', 'fstat64'];
    assert.deepEqual(calls.filter((name) => !has.includes(name)).toSorted(), others.toSorted());
    // Times are set by a function of ganesha's own, which calls this one.
    assert.ok(has.includes('utimensat') && calls.length > 10, calls.join(' '));
  });

  const get = () => subject ?? assert.fail('there is no server');
  // Kernels begin with 4.2, which has the sessions of 4.1. Names come last: a file that was opened and removed is still there by its number.
  const minors = isLongRun ? ([0, 1, 2] as const) : ([0, 2] as const);
  for (const minor of minors) isolationByHandles(get, minor);
  for (const minor of minors) isolationByNames(get, minor);
});
