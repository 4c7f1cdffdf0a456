import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { NfsBackend, NfsExport } from '../../exports/nfs/backend.ts';
import { size } from '../sizes.ts';
import { type Lab, run } from './nfs-lab.ts';
import { assertServed } from './nfs-suite.ts';

const threads = () => (existsSync('/proc/fs/nfsd/threads') ? Number(readFileSync('/proc/fs/nfsd/threads', 'utf8')) : 0);

/** How far a start has come, the last first: what is there from then on. */
const POINTS: readonly [string, (folder: string) => boolean][] = [
  ['the kernel’s threads run', () => threads() > 0],
  ['mountd runs', (folder) => existsSync(join(folder, 'mountd.process.json'))],
  ['rpcbind runs', (folder) => existsSync(join(folder, 'nfsd-rpcbind.process.json'))],
  ['the start is noted', (folder) => existsSync(join(folder, 'nfsd.json'))],
];

/** A Bakery that is killed while it starts the kernel's server. Only where there is one. */
export function killsInStart(make: (root: string) => NfsBackend, lab: () => Lab): void {
  describe('SIGKILL in a start', () => {
    let backend: NfsBackend | undefined;
    after(() => backend?.stop());

    for (const [i, [point, isReached]] of POINTS.slice(0, size('nfsdKillPoints')).entries()) {
      test(`when ${point}: the next start serves with both versions, and a stop leaves nothing`, async () => {
        const root = join(lab().folder, `killed${i}`);
        const folder = join(root, 'nfs-server');
        backend = make(root);
        const name = `killed000${i}`;
        const client = { kind: 'address', address: lab().pi.address } as const;
        const served: NfsExport = { id: 40 + i, path: lab().volume(root, name), client, access: 'rw' };
        const starter = join(import.meta.dirname, 'nfsd-starter.ts');
        const args = [starter, root, JSON.stringify([served])];
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
        const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
        for (let tries = 0; !isReached(folder); tries++) {
          assert.ok(child.exitCode === null && tries < 20_000, 'it never came so far');
          await systemClock.sleep(2);
        }
        child.kill('SIGKILL');
        assert.equal(await ended, 'SIGKILL');

        await backend.start(async () => [served]);
        assert.equal(await backend.alive(), true);
        assert.deepEqual(await backend.list(), [served]);
        // NFSv4 opens nothing in a grace period, which is 90 s.
        assertServed(lab().pi, served.path, name);
        await backend.stop();
        assert.equal(threads(), 0);
        for (const program of ['rpc.mountd', 'rpcbind'])
          assert.equal(run('busybox', ['pidof', program]).stdout, '', program);
        assert.equal(existsSync('/etc/exports.d/bakery.exports'), false);
      });
    }
  });
}
