import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { NfsBackend, NfsExport } from '../../exports/nfs/backend.ts';
import { convergeExports } from '../../exports/nfs/converge.ts';
import { nfsdBackend } from '../../exports/nfs/nfsd/backend.ts';
import { idOfEntry, parseEtab } from '../../exports/nfs/nfsd/table.ts';
import { isBakeryCode } from './nfs-expect.ts';
import { type Lab, must, run } from './nfs-lab.ts';
import { assertRefused, assertServed } from './nfs-suite.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const ETAB = '/var/lib/nfs/etab';
const OWN_FILE = '/etc/exports.d/bakery.exports';

/** Entries of etab that are not Bakery's, in the order of their text. What exportfs adds to an option when it reads its own file again is no change. */
function foreignEntries(): string[] {
  const foreign = parseEtab(readFileSync(ETAB, 'utf8')).filter((entry) => idOfEntry(entry) === undefined);
  return foreign.map(({ path, client, options }) => `${path} ${client} ${[...new Set(options)].toSorted()}`).toSorted();
}

/** Mounts an export with this kernel's client, in the network namespace of the Pi; gives the mount point. */
export function mountOnPi(lab: Lab, path: string, version: '3' | '4.2'): string {
  const at = join(lab.folder, `client-${version}`);
  mkdirSync(at, { recursive: true });
  const server = lab.pi.server;
  const options = `vers=${version},nolock,tcp,addr=${server},mountaddr=${server},clientaddr=${lab.pi.address},noac`;
  must('nsenter', ['--net=/run/netns/pi', 'mount', '-i', '-t', 'nfs', '-o', options, `${server}:${path}`, at]);
  return at;
}

function readHeld(file: number): string {
  const bytes = Buffer.alloc(100);
  return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0));
}

async function until(what: () => boolean): Promise<void> {
  for (let tries = 0; !what(); tries++) {
    assert.ok(tries < 500, 'waited in vain');
    await systemClock.sleep(20);
  }
}

const threads = () => Number(readFileSync('/proc/fs/nfsd/threads', 'utf8'));

/** What only the kernel's server has: it may be others' as well, its clients hold volumes, and it may run already. */
export function nfsdTests(make: (root: string) => NfsBackend, openedLab: () => Lab): void {
  describe('the kernel’s NFS server', () => {
    let lab: Lab;
    let root: string;
    let backend: NfsBackend;
    let served: NfsExport;

    before(() => {
      lab = openedLab();
      root = join(lab.folder, "an odd 'root'; # of $some");
      backend = make(root);
      const client = { kind: 'address', address: lab.pi.address } as const;
      served = { id: 5, path: lab.volume(root, 'bbbb0001'), client, access: 'rw' };
      for (const folder of ['films', 'by-hand', 'other-file']) mkdirSync(join('/srv', folder), { recursive: true });
    });
    after(() => backend.stop());

    test("nobody else's exports are touched, whether from /etc/exports, from another file or added by hand", async () => {
      writeFileSync('/etc/exports', '/srv/films *(ro,fsid=1,no_subtree_check)\n');
      writeFileSync('/etc/exports.d/other.exports', '/srv/other-file 10.99.2.0/24(rw,fsid=5,no_subtree_check)\n');
      must('exportfs', ['-a']);
      must('exportfs', ['-o', 'rw,fsid=7,no_subtree_check', `${lab.other.address}:/srv/by-hand`]);
      const before = foreignEntries();
      assert.equal(before.length, 3);
      await backend.start();
      await backend.add(served);
      await backend.update({ ...served, access: 'ro' });
      assert.deepEqual(foreignEntries(), before);
      assert.deepEqual(await backend.list(), [{ ...served, access: 'ro' }]);
      await assert.rejects(backend.add({ ...served, id: 6, path: '/srv/films' }), isBakeryCode('export-refused'));
      await backend.remove(1);
      await backend.remove(7);
      await backend.remove(served.id);
      await backend.stop();
      assert.deepEqual(foreignEntries(), before);
      writeFileSync('/etc/exports', '');
      must('rm', ['/etc/exports.d/other.exports']);
      must('exportfs', ['-r']);
    });

    test('what is to be served may take as long as it does: only the parts of a start have a limit', async () => {
      let later = 0;
      const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + later };
      const slow = nfsdBackend({ root, log: quiet, clock });
      await slow.start(async () => {
        later += 3_600_000;
        return [served];
      });
      assert.deepEqual(await slow.list(), [served]);
      await slow.remove(served.id);
      await slow.stop();
    });

    test('another Bakery on this host is refused, and does not stop what this one serves', async () => {
      await backend.start();
      await backend.add(served);
      const late = make(join(lab.folder, 'late'));
      await assert.rejects(late.start(), isBakeryCode('foreign-nfs-server'));
      await late.stop();
      assertServed(lab.pi, served.path, 'bbbb0001');
      assert.deepEqual(await backend.list(), [served]);
    });

    test("anybody's exportfs -ra serves the same, and so does the next boot's", async () => {
      await backend.start();
      await backend.add(served);
      must('exportfs', ['-ra']);
      assert.deepEqual(await backend.list(), [served]);
      must('exportfs', ['-ua']);
      assert.deepEqual(await backend.list(), []);
      must('exportfs', ['-a']);
      assert.deepEqual(await backend.list(), [served]);
      assertServed(lab.pi, served.path, 'bbbb0001');
      must('exportfs', ['-ua']);
      assert.deepEqual((await convergeExports(backend, [served])).added, [5]);
      await backend.remove(served.id);
      assert.doesNotMatch(readFileSync(OWN_FILE, 'utf8'), /^\//m);
    });

    for (const version of ['3', '4.2'] as const) {
      test(`NFSv${version}: a volume whose file a client holds is let go of at once, and the client heals with it, and after a restart`, async () => {
        await backend.start();
        await backend.add(served);
        const at = mountOnPi(lab, served.path, version);
        const held = openSync(join(at, 'name.txt'), 'r+');
        try {
          assert.equal(readHeld(held), 'bbbb0001\n');
          if (version === '3') {
            // Others have flushed more than once this second: the next flush lets go of nothing for as many seconds. What was asked since is remembered.
            for (let i = 0; i < 5; i++) must('exportfs', ['-f']);
            assert.equal(readHeld(held), 'bbbb0001\n');
          }
          await backend.remove(served.id);
          must('umount', [served.path]);
          // The bare folder is nobody's.
          assertRefused(lab.pi, served.path);
          must('mount', ['-o', 'loop', join(lab.folder, 'bbbb0001.img'), served.path]);
          await backend.add(served);
          assert.equal(readHeld(held), 'bbbb0001\n');
          await backend.stop();
          assert.deepEqual(await backend.start(async () => [served]), { adopted: false });
          assert.equal(readHeld(held), 'bbbb0001\n');
        } finally {
          closeSync(held);
          must('umount', [at]);
        }
      });
    }

    test('a user of the Pi reaches a file by a group that only the Pi knows', async () => {
      await backend.start();
      await backend.add(served);
      const file = join(served.path, 'name.txt');
      const at = mountOnPi(lab, served.path, '3');
      chownSync(file, 0, 4_000);
      chmodSync(file, 0o640);
      const asUser = (groups: string) =>
        run('setpriv', ['--reuid=1000', '--regid=1000', `--groups=${groups}`, 'cat', join(at, 'name.txt')]);
      assert.equal(asUser('4000').stdout, 'bbbb0001\n');
      assert.equal(asUser('4001').stdout, '');
      chmodSync(file, 0o644);
      must('umount', [at]);
    });

    test('SIGKILL of mountd: not alive, and a start brings it back with the exports', async () => {
      await backend.start();
      await backend.add(served);
      const { pid } = JSON.parse(readFileSync(join(root, 'nfs-server', 'mountd.process.json'), 'utf8')) as {
        pid: number;
      };
      process.kill(pid, 'SIGKILL');
      await until(() => !runs(pid));
      assert.equal(await backend.alive(), false);
      assert.deepEqual(await backend.start(async () => [served]), { adopted: false });
      assert.equal(await backend.alive(), true);
      assertServed(lab.pi, served.path, 'bbbb0001');
    });

    test('a server that runs already is used with what it exports, and is not stopped', async () => {
      await backend.stop();
      const parts: ChildProcess[] = [];
      const begin = (program: string, ...args: string[]) => parts.push(spawn(program, args, { stdio: 'ignore' }));
      mkdirSync('/run/rpcbind', { recursive: true });
      begin('rpcbind', '-f', '-w');
      await until(() => run('rpcinfo', ['-p', '127.0.0.1']).code === 0);
      must('exportfs', ['-o', 'rw,fsid=7,no_subtree_check', `${lab.other.address}:/srv/by-hand`]);
      // When one that looks up groups ends, the kernel waits 30 s for the next that would (cache_listeners_exist), and every client with it.
      writeFileSync('/etc/nfs.conf.d/lab.conf', '[mountd]\nmanage-gids=n\n');
      begin('rpc.mountd', '-F');
      await until(() => / 100005 .* tcp /.test(run('rpcinfo', ['-p', '127.0.0.1']).stdout));
      must('rpc.nfsd', ['2']);
      // Nobody waits 90 s here.
      writeFileSync('/proc/fs/nfsd/v4_end_grace', 'Y\n');
      try {
        assert.deepEqual(await backend.start(), { adopted: true });
        await backend.add(served);
        assertServed(lab.pi, served.path, 'bbbb0001');
        await backend.stop();
        assert.equal(threads(), 2);
        assert.deepEqual(
          parts.map(({ exitCode }) => exitCode),
          [null, null],
        );
        assert.deepEqual(foreignEntries().length, 1);
        assertRefused(lab.pi, served.path);
      } finally {
        must('rpc.nfsd', ['0']);
        for (const part of parts.toReversed()) {
          part.kill('SIGTERM');
          await new Promise((resolve) => part.once('exit', resolve));
        }
        must('exportfs', ['-ua']);
        must('rm', ['/etc/nfs.conf.d/lab.conf']);
      }
    });
  });
}

/** True while a process of that pid runs; a zombie does not. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
