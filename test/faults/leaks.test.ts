import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { call } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { sh } from '../lab/sh.ts';
import { codeOf, createDisk, openBaked, PI } from './lab.ts';

// What a failing program, a failing disk and a strange folder say is for the log. `call` refuses an answer that tells it
// (test/lab/leaks.ts); here is provoked what there is to tell.
inOwnNamespace(import.meta.url, () => {
  test('no answer tells what a program or a disk said, nor where it was', async (t) => {
    const { lab, at } = await openBaked(t, { mib: 1500, rootSize: '128MiB' });
    const { ask, bakery, folder } = lab;
    const told = async () => {
      for (const path of [
        '/operations',
        '/events?format=json',
        '/audit',
        '/disks',
        '/bakeforms',
        '/oven',
        '/litter',
        '/trash',
      ]) {
        await ask('GET', path, 200);
      }
      const { operations } = await ask<{ operations: { id: string }[] }>('GET', '/operations', 200);
      for (const { id } of operations) await ask('GET', `/operations/${id}`, 200);
    };

    // Programs that fail, and say much.
    const script = join(folder, 'broken');
    writeFileSync(script, `#!/bin/sh\necho "$0: cannot open $*: No such file or directory" >&2\nexit 13\n`);
    chmodSync(script, 0o755);
    for (const [program, provoke] of [
      ['mkfs.ext4', () => createDisk(lab)],
      ['e2fsck', () => lab.upload('more')],
      ['mdir', () => lab.upload('more')],
    ] as const) {
      const real = sh('sh', '-c', `command -v ${program}`).trim();
      sh('mount', '--bind', script, real);
      const { status } = await provoke();
      sh('umount', real);
      assert.ok(status >= 400, `${program}: ${status}`);
      await told();
    }

    // Folders where files should be, and the other way round.
    mkdirSync(join(at, 'piConfig/settings.json'), { recursive: true });
    const strange = [
      await call(bakery, 'GET', `/oven/${PI}/download/settings.json`),
      await call(bakery, 'POST', `/oven/${PI}/upload/settings.json`, Buffer.from('{}')),
    ];
    rmdirSync(join(at, 'piConfig/settings.json'));
    renameSync(join(at, 'piConfig'), join(at, 'away'));
    writeFileSync(join(at, 'piConfig'), '');
    strange.push(
      await call(bakery, 'GET', `/oven/${PI}/download/settings.json`),
      await call(bakery, 'POST', `/oven/${PI}/upload/settings.json`, Buffer.from('{}')),
      await call(bakery, 'GET', `/files/${PI}/..%2f..%2fetc%2fshadow`),
    );
    assert.deepEqual(
      strange.map(({ status }) => status).filter((status) => status < 400),
      [],
    );

    rmSync(join(at, 'piConfig'));
    renameSync(join(at, 'away'), join(at, 'piConfig'));

    // A file system that gave up under a Pi.
    const device = sh('findmnt', '-no', 'SOURCE', at).trim().slice('/dev/'.length);
    writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, 'for a test\n');
    const refused = await call(bakery, 'POST', `/oven/${PI}/upload/disks.json`, Buffer.from('[]'));
    assert.deepEqual([refused.status, codeOf(refused)], [500, 'internal'], 'an error that nobody foresaw');
    await told();
  });
});
