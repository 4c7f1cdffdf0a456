import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { stopLeftovers } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { LAB_ENV, sh } from '../lab/sh.ts';
import { loopedVolumes, mounts, openBaked, PI, until, writes } from './lab.ts';

const DISK = { mib: 1000, rootSize: '1GiB' };

inOwnNamespace(import.meta.url, () => {
  test('a mount held in another namespace holds the Pi, and not for longer than it is held', async (t) => {
    const { lab, at, other } = await openBaked(t, DISK);
    const holder = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'echo held; exec sleep 600'], {
      env: LAB_ENV,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.after(() => void holder.kill('SIGKILL'));
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    await lab.ask('DELETE', `/oven/${PI}`, 200);
    const stuck = await until('the unbake is stuck', async () => {
      const { operations } = await lab.ask<{ operations: { id: string; error?: { code: string } }[] }>(
        'GET',
        '/operations?state=stuck',
        200,
      );
      return operations[0];
    });
    assert.equal(stuck.error?.code, 'volume-busy');
    assert.equal((await lab.ask<{ status: number }>('GET', `/oven/${PI}`, 200)).status, 3, 'held, not free');
    assert.ok(await writes(lab, other), 'nobody else notices');

    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('close', resolve));
    await lab.ask('POST', `/operations/${stuck.id}/retry`, 202);
    await until('the Pi is in the fridge', async () => {
      return PI in (await lab.ask<object>('GET', '/fridge', 200));
    });
    assert.ok(!mounts().some(({ mountPoint }) => mountPoint === at));
    assert.equal((await loopedVolumes(lab)).length, 1);
  });

  test('a loop that a crash left behind is detached by the next start, and its volume mounted', async (t) => {
    const { lab, at } = await openBaked(t, DISK);
    const volume = mounts().find(({ mountPoint }) => mountPoint === at);
    const file = readFileSync(`/sys/block/${volume?.source.slice('/dev/'.length)}/loop/backing_file`, 'utf8').trim();
    await lab.bakery.kill();
    await stopLeftovers(lab.root);
    assert.deepEqual(await loopedVolumes(lab), []);
    // What a machine that crashed between losetup and mount looks like to the next start.
    sh('losetup', '--find', file);
    assert.equal((await loopedVolumes(lab)).filter((behind) => behind === file).length, 1);
    await lab.restart();
    assert.match(lab.bakery.output(), /detached loop devices that nothing used/);
    assert.equal((await loopedVolumes(lab)).filter((behind) => behind === file).length, 1);
    assert.ok(await writes(lab, at));
  });
});
