import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { NfsBackend, NfsExport } from '../../exports/nfs/backend.ts';
import { convergeExports } from '../../exports/nfs/converge.ts';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { guardSource } from '../../exports/nfs/ganesha/guard.ts';
import { configHash } from '../../exports/nfs/ganesha/layout.ts';
import { size } from '../sizes.ts';
import { isBakeryCode } from './nfs-expect.ts';
import { insideLab, type Lab, must, openLab, recordedPid, run, runInLab, startInOtherProcess } from './nfs-lab.ts';
import { assertServed, nfsSuite } from './nfs-suite.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const make = (root: string): NfsBackend => ganeshaBackend({ root, log: quiet });
const folder = insideLab();

if (folder === undefined) {
  test('NFS backends, in namespaces of their own', async () => {
    assert.equal(await runInLab(import.meta.filename), 0);
  });
} else {
  let lab: Lab;
  before(() => {
    lab = openLab(folder);
  });
  nfsSuite({ name: 'ganesha', make, seenWithinMs: 3_000, many: size('ganeshaExports') }, () => lab);
  ganeshaUnitTests(() => lab);
}

/** True while a process of that pid runs; a zombie (nobody here reaps orphans) does not. */
function runs(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

async function until(what: () => boolean, ms = 5_000): Promise<void> {
  const end = Date.now() + ms;
  while (!what()) {
    assert.ok(Date.now() < end, 'waited in vain');
    await systemClock.sleep(20);
  }
}

function ganeshaUnitTests(openedLab: () => Lab): void {
  describe('the ganesha unit', () => {
    let lab: Lab;
    let root: string;
    let backend: NfsBackend;
    let served: NfsExport;
    const pids = () => (['ganesha', 'bus', 'rpcbind'] as const).map((part) => recordedPid(root, part));

    before(() => {
      lab = openedLab();
      // Blanks and quotes in it, and too long for a socket's path.
      root = join(lab.folder, "an odd 'root'; # of $some", 'x'.repeat(100));
      backend = make(root);
      const client = { kind: 'address', address: lab.pi.address } as const;
      served = { id: 5, path: lab.volume(root, 'bbbb0001'), client, access: 'rw' };
    });
    afterEach(() => backend.stop());
    after(() => {
      assert.deepEqual(
        readdirSync('/run').filter((name) => name.startsWith('bakery-nfs-')),
        [],
        'socket folders left',
      );
    });

    test('a start takes less than 3 s; stop leaves no process and no port', async (t) => {
      const began = performance.now();
      await backend.start();
      t.diagnostic(`start ${(performance.now() - began).toFixed(0)} ms`);
      assert.ok(performance.now() - began < 3_000);
      const all = pids();
      const ending = performance.now();
      await backend.stop();
      t.diagnostic(`stop ${(performance.now() - ending).toFixed(0)} ms`);
      assert.deepEqual(all.filter(runs), []);
    });

    for (const [index, part] of (['ganesha', 'bus', 'rpcbind'] as const).entries()) {
      test(`SIGKILL of ${part}: not alive, and start makes the whole unit anew`, async () => {
        await backend.start();
        await backend.add(served);
        const old = pids();
        process.kill(old[index] ?? 0, 'SIGKILL');
        await until(() => !runs(old[index] ?? 0));
        assert.equal(await backend.alive(), false);
        assert.deepEqual(await backend.start(), { adopted: false });
        assert.deepEqual(old.filter(runs), [], 'a part of the old unit survived');
        assert.deepEqual(await backend.list(), []);
        assert.deepEqual((await convergeExports(backend, [served])).added, [5]);
        assert.deepEqual(await backend.list(), [served]);
        assertServed(lab.pi, served.path, 'bbbb0001');
      });
    }

    test('SIGKILL of the parent leaves it serving; the next parent adopts the same processes', async () => {
      const parent = await startInOtherProcess(root);
      await backend.add(served);
      const before = pids();
      parent.kill('SIGKILL');
      await new Promise((resolve) => parent.once('exit', resolve));
      // Longer than ganesha takes to notice a dead bus.
      await systemClock.sleep(2_500);
      assertServed(lab.pi, served.path, 'bbbb0001');
      assert.deepEqual(await backend.start(), { adopted: true });
      assert.deepEqual(pids(), before);
      assert.deepEqual(await backend.list(), [served]);
    });

    test('the logs of all its processes are bounded while they run', async () => {
      await backend.start();
      const logs = ['ganesha.log', 'bus.log', 'rpcbind.log'].map((name) => join(root, 'nfs-server', name));
      for (const file of logs) appendFileSync(file, 'x'.repeat(5 * 1024 ** 2));
      assert.equal(await backend.alive(), true);
      for (const file of logs) {
        assert.ok(statSync(file).size < 1024 ** 2, file);
        assert.equal(statSync(`${file}.1`).size, 4 * 1024 ** 2, file);
      }
      assert.equal(await backend.alive(), true);
    });

    test('a process whose record was lost is found by its configuration file', async () => {
      await backend.start();
      const old = pids();
      rmSync(join(root, 'nfs-server', 'ganesha.process.json'));
      assert.deepEqual(await backend.start(), { adopted: false });
      assert.deepEqual(old.filter(runs), []);
    });

    test("another's NFS server is refused, on other ports too, and goes on serving", async () => {
      await backend.start();
      await backend.add(served);
      const mine = join(lab.folder, 'mine');
      for (const ports of [{}, { nfsPort: 3049, mountdPort: 30048 }]) {
        const late = ganeshaBackend({ root: mine, log: quiet, ...ports });
        await assert.rejects(late.start(), isBakeryCode('foreign-nfs-server'));
        assert.equal(await late.alive(), false);
      }
      assertServed(lab.pi, served.path, 'bbbb0001');
    });

    test("the host's rpcbind is used and left running; a killed server's registrations are no foreign server", async () => {
      const rpcbind = spawn('/usr/sbin/rpcbind', ['-f', '-w'], { stdio: 'ignore' });
      try {
        await systemClock.sleep(300);
        await backend.start();
        assert.equal(existsSync(join(root, 'nfs-server', 'rpcbind.process.json')), false);
        process.kill(recordedPid(root, 'ganesha'), 'SIGKILL');
        await systemClock.sleep(100);
        assert.deepEqual(await backend.start(), { adopted: false });
        await backend.add(served);
        assertServed(lab.pi, served.path, 'bbbb0001');
        await backend.stop();
        assert.equal(rpcbind.exitCode, null);
      } finally {
        rpcbind.kill('SIGKILL');
        await new Promise((resolve) => rpcbind.once('exit', resolve));
      }
    });

    test('other ports', async () => {
      const moved = ganeshaBackend({ root, log: quiet, nfsPort: 3049, mountdPort: 30048 });
      assert.deepEqual(moved.ports(), { nfs: 3049, mountd: 30048 });
      await backend.start();
      // Other settings than the running unit's: it is not adopted but replaced.
      assert.deepEqual(await moved.start(), { adopted: false });
      await moved.add(served);
      assert.equal(lab.pi.cat(`${served.path}/name.txt`, 3).stdout, 'bbbb0001\n', 'rpcbind names the port');
    });

    test('without CAP_DAC_READ_SEARCH the start is refused', () => {
      const starter = [process.execPath, join(import.meta.dirname, 'nfs-starter.ts'), root];
      const { code, stderr } = run('setpriv', ['--bounding-set=-dac_read_search', ...starter]);
      assert.notEqual(code, 0);
      assert.match(stderr, /capability-missing/);
    });

    test('where nothing may be executed it does not start', async () => {
      const server = join(root, 'nfs-server');
      mkdirSync(server, { recursive: true });
      must('mount', ['-t', 'tmpfs', '-o', 'noexec,size=16m', 'tmpfs', server]);
      try {
        await assert.rejects(backend.start(), isBakeryCode('nfs-start-failed'));
        assert.equal(await backend.alive(), false);
        assert.equal(existsSync(join(server, 'ganesha.log')), false, 'ganesha was never there');
      } finally {
        // It is let go of when the last process of the unit is gone.
        await until(() => run('umount', [server]).code === 0);
      }
    });

    test('it does not run with a guard that cannot be loaded; the next start makes a new one', async () => {
      await backend.start();
      await backend.stop();
      const server = join(root, 'nfs-server');
      const guard = readdirSync(server).find((name) => name.endsWith('.so')) ?? assert.fail();
      truncateSync(join(server, guard), 100);
      await assert.rejects(backend.start(), isBakeryCode('nfs-start-failed'));
      assert.equal(await backend.alive(), false);
      assert.equal(existsSync(join(server, 'ganesha.process.json')), false);
      await backend.start();
      assert.equal(await backend.alive(), true);
    });

    test('a server that was started without the guard, with another one or in another environment, is replaced', async () => {
      await backend.start();
      const [record, conf] = ['unit.json', 'ganesha.conf'].map((name) => join(root, 'nfs-server', name));
      assert.ok(record && conf);
      const guardless = JSON.stringify({ BLKID_FILE: join(root, 'nfs-server', 'blkid.tab') });
      for (const rest of ['', guardless, await guardSource()]) {
        const config = configHash(`${readFileSync(conf, 'utf8')}${rest}`);
        writeFileSync(record, JSON.stringify({ ...JSON.parse(readFileSync(record, 'utf8')), config }));
        assert.deepEqual(await backend.start(), { adopted: false });
        assert.deepEqual(await backend.start(), { adopted: true });
      }
    });

    test('a start that fails says why and leaves nothing', async () => {
      // Somebody else's UDP socket on the mount port: no NFS server, but ganesha cannot bind.
      const socket = createSocket({ type: 'udp6', ipv6Only: false });
      await new Promise<void>((resolve) => socket.bind(20048, () => resolve()));
      try {
        await assert.rejects(backend.start(), isBakeryCode('nfs-start-failed'));
      } finally {
        socket.close();
      }
      assert.equal(await backend.alive(), false);
      assert.equal(existsSync(join(root, 'nfs-server', 'unit.json')), false);
    });
  });
}
