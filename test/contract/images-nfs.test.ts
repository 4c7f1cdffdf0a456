import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import { replaceBeneath } from '../../core/host/replace.ts';
import { parseIpv4 } from '../../core/ids.ts';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { attempt, type Intruder, intrude, type Server, walk } from '../lab/nfs/connect.ts';
import {
  ACL,
  aclEntries,
  attributesOf,
  type Facts,
  facts3,
  facts4,
  saysXattrs,
  userAttribute,
  userAttributes,
  XATTR_SUPPORT,
} from '../lab/nfs/facts.ts';
import { op } from '../lab/nfs/nfs4.ts';
import { connectRpc, type RpcClient } from '../lab/nfs/rpc.ts';
import { ACL_USERS, makeOddRoot } from '../lab/odd-root.ts';
import { requireTools, sh } from '../lab/sh.ts';
import { openBench, silent } from './volumes-lab.ts';

const GOLDEN = 'aaaaaaaa';
const NOTES = 'home/pi/notes';
const HERE = '127.0.0.1';

/** Every path below a folder. */
function pathsBelow(folder: string, base = ''): string[] {
  const inner = readdirSync(join(folder, base), { withFileTypes: true });
  return inner.flatMap((entry) => {
    const path = join(base, entry.name);
    return entry.isDirectory() ? [path, ...pathsBelow(folder, path)] : [path];
  });
}

/** The same of a file on the volume. */
function factsOf(path: string): Facts {
  const stat = lstatSync(path, { bigint: true });
  // ftype3 (RFC 1813 §2.3.5)
  const types = { file: stat.isFile(), folder: stat.isDirectory(), block: stat.isBlockDevice() };
  const others = { character: stat.isCharacterDevice(), link: stat.isSymbolicLink(), socket: stat.isSocket() };
  const type = [...Object.values(types), ...Object.values(others), stat.isFIFO()].indexOf(true) + 1;
  const isDevice = type === 3 || type === 4;
  return {
    type,
    mode: Number(stat.mode & 0o7777n),
    links: Number(stat.nlink),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: stat.size,
    used: stat.blocks * 512n,
    // The kernel's dev_t, as glibc's major(3) and minor(3) take it apart for small numbers.
    major: isDevice ? Number((stat.rdev >> 8n) & 0xfffn) : 0,
    minor: isDevice ? Number(stat.rdev & 0xffn) : 0,
    fileid: stat.ino,
    changed: stat.mtimeNs,
  };
}

inOwnNamespace(import.meta.url, () => {
  const lab = mkdtempSync(join(tmpdir(), 'bakery-odd-'));
  const ends: (() => unknown)[] = [];
  let at = '';
  let server: Server;
  let rpc: RpcClient;
  let pi: Intruder;
  let modern: Intruder;
  async function handle3(path: string): Promise<Buffer> {
    const answer = await pi.mount(at);
    let its = 'handle' in answer ? answer.handle : assert.fail(answer.refused);
    for (const name of path.split('/')) its = await pi.v3.lookup({ folder: its, name });
    return its;
  }
  const handle4 = async (path: string): Promise<Buffer> => pi.v4.last(...walk(join(at, path)), op.getfh());

  before(async () => {
    requireTools('ganesha.nfsd', 'mkfs.ext4', 'debugfs', 'nfs-cat');
    const bench = await openBench({ after: (end) => void ends.push(end as () => unknown) });
    copyFileSync(makeOddRoot(lab), bench.pool.path('golden', `${GOLDEN}.ext4`));
    const fsUuid = randomUUID();
    at = bench.at('00000001');
    await bench.volumes.clone({ golden: GOLDEN, id: 'v', fsUuid });
    await bench.volumes.mount({ id: 'v', fsUuid, at });
    ends.unshift(() => bench.volumes.unmount({ id: 'v', at }));
    const backend = ganeshaBackend({ root: bench.root, log: silent });
    ends.unshift(() => backend.stop());
    await backend.start();
    const address = parseIpv4(HERE) ?? assert.fail();
    await backend.add({ id: 1, path: at, client: { kind: 'address', address }, access: 'rw' });
    server = { address: HERE, ...backend.ports() };
    rpc = await connectRpc({ host: HERE, port: server.nfs, from: HERE });
    pi = await intrude(server, HERE, 0);
    modern = await intrude(server, HERE, 2);
  });
  after(async () => {
    for (const client of [rpc, pi, modern]) client?.close();
    for (const end of ends) await end();
    rmSync(lab, { recursive: true, force: true });
  });

  test('by NFSv3, 4.0 and 4.2 a Pi sees types, modes, owners, times, sizes, holes, hard links and devices as they are in the volume', async () => {
    const paths = pathsBelow(at).filter((path) => path !== 'lost+found');
    assert.ok(paths.length > 15, paths.join(' '));
    for (const path of paths) {
      const [wanted, its] = [factsOf(join(at, path)), await handle4(path)];
      assert.deepEqual(await facts3(rpc, await handle3(path)), wanted, `v3 ${path}`);
      assert.deepEqual(await facts4(pi.v4, its), wanted, `v4.0 ${path}`);
      assert.deepEqual(await facts4(modern.v4, its), wanted, `v4.2 ${path}`);
    }
    const [notes, same] = [
      await facts3(rpc, await handle3(NOTES)),
      await facts3(rpc, await handle3('home/pi/the same')),
    ];
    assert.deepEqual([notes.links, notes.fileid], [2, same.fileid]);
    const sparse = await facts3(rpc, await handle3('var/log/lastlog'));
    assert.ok(sparse.size === 41_943_040n && sparse.used < 65_536n, `${sparse.size} ${sparse.used}`);
    assert.equal(await pi.v3.readlink(await handle3('home/pi/link')), '/etc/hostname');
  });

  /** What debugfs says of the attributes of a file. */
  function attributesInVolume(path: string): string {
    const device = sh('findmnt', '--noheadings', '--output', 'SOURCE', at).trim();
    return sh('debugfs', '-R', `ea_list /${path}`, device);
  }

  /** Whether a user of the Pi can read a file, by either version. */
  function mayRead(uid: number, name: string): boolean[] {
    return [3, 4].map((version) => {
      const url = `nfs://${HERE}${at}/home/pi/${name}?version=${version}&uid=${uid}&gid=${uid}`;
      return spawnSync('nfs-cat', [url]).status === 0;
    });
  }

  test('an ACL is in the volume, and a Pi neither sees it nor is bound by it: modes alone decide', async () => {
    const its = await handle3(NOTES);
    assert.match(attributesInVolume(NOTES), /system\.posix_acl_access/);
    assert.equal(await aclEntries(rpc, its), 0);
    for (const nfs of [pi.v4, modern.v4]) assert.ok(!(await attributesOf(nfs, await handle4(NOTES))).includes(ACL));
    assert.deepEqual(mayRead(1000, 'notes'), [true, true], 'the owner');
    assert.deepEqual(mayRead(ACL_USERS.letIn, 'notes'), [false, false], 'whom only the ACL lets in');
    assert.deepEqual(mayRead(ACL_USERS.keptOut, 'public'), [true, true], 'whom only the ACL keeps out');
  });

  test('capabilities and other attributes are in the volume, and a Pi has no call to see them', async () => {
    assert.match(attributesInVolume('usr/bin/ping'), /security\.capability/);
    assert.match(attributesInVolume(NOTES), /user\.comment/);
    const its = await handle4(NOTES);
    assert.ok(!(await attributesOf(pi.v4, its)).includes(XATTR_SUPPORT));
    assert.equal(await saysXattrs(modern.v4, its), false);
    const refused = { refused: 'NFS4ERR_NOTSUPP' };
    assert.deepEqual(await attempt(() => userAttribute(modern.v4, its, 'comment')), refused);
    assert.deepEqual(await attempt(() => userAttributes(modern.v4, its)), refused);
  });

  test('a file that Bakery has replaced has no name any more: a kernel that asks for it by its handle, as at each open, looks the name up again', async () => {
    const its = await handle3('home/pi/public');
    assert.equal((await pi.v3.read(its, 10)).toString(), 'all');
    await replaceBeneath(at, 'home/pi/public', 'changed');
    for (const end = Date.now() + 5_000; ; await systemClock.sleep(50)) {
      const answer = await attempt(async () => (await facts3(rpc, its)).links);
      if ('got' in answer ? answer.got === 0 : answer.refused === 'NFS3ERR_STALE') break;
      assert.ok(Date.now() < end, JSON.stringify(answer));
    }
    assert.equal((await pi.v3.read(await handle3('home/pi/public'), 10)).toString(), 'changed');
  });
});
