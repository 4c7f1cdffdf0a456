import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { detachOrphans, loopsOf } from '../../exports/volumes/loops.ts';
import { lastMountAt, mountAt } from '../../exports/volumes/mountinfo.ts';
import { seenAt } from '../../exports/volumes/survey.ts';
import { fault, type Host, MIB, openBench, run } from './volumes-lab.ts';

/** How volumes are mounted, let go of and thrown away on every pool, whatever file system it is on. */
export function mountsSuite(host: Host): void {
  test(`a volume is mounted once: adopted after a restart, refused elsewhere, by a wrong UUID and over a foreign mount (${host.name})`, async (t) => {
    const bench = await openBench(t, { host });
    const { volumes, pool, at } = bench;
    const fsUuid = randomUUID();
    await assert.rejects(volumes.mount({ id: 'd', fsUuid, at: at('d') }), fault('volume-missing'));
    await volumes.createDisk({ id: 'd', fsUuid, sizeMiB: 1 });
    await assert.rejects(volumes.mount({ id: 'd', fsUuid: randomUUID(), at: at('d') }), fault('volume-uuid'));
    assert.equal(existsSync(at('d')), false);

    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    const options = run('findmnt', '-no', 'OPTIONS', at('d'));
    for (const option of ['nodev', 'nosuid', 'noexec']) assert.match(options, new RegExp(`\\b${option}\\b`));
    const source = (await mountAt(at('d')))?.source ?? '';
    // ext4 drops the option where the device cannot discard; a limit written to sysfs stays with the device for good.
    const limit = readFileSync(`/sys/block/${source.slice('/dev/'.length)}/queue/discard_max_bytes`, 'utf8').trim();
    assert.equal(/\bdiscard\b/.test(options), limit !== '0');
    if (limit === '0') t.diagnostic(`${source} cannot discard on this machine`);
    const again = await bench.reopen();
    await again.volumes.mount({ id: 'd', fsUuid, at: at('d') });
    assert.equal((await mountAt(at('d')))?.source, source);
    assert.equal((await loopsOf(exec, pool.path('volumes', 'd.ext4'))).length, 1);
    assert.equal((await again.volumes.mountPoints()).has(at('d')), true);

    await assert.rejects(volumes.mount({ id: 'd', fsUuid, at: at('elsewhere') }), fault('volume-busy'));
    await assert.rejects(volumes.discard({ id: 'd' }), fault('volume-busy'));
    await assert.rejects(volumes.remove({ id: 'd' }), fault('volume-busy'));
    assert.equal((await mountAt(at('d')))?.source, source, 'refusals change nothing');

    await volumes.unmount({ id: 'd', at: at('d') });
    await volumes.unmount({ id: 'd', at: at('d') });
    await volumes.unmount({ id: 'never', at: at('never') });
    assert.equal(existsSync(at('d')), false);
    assert.deepEqual(await loopsOf(exec, pool.path('volumes', 'd.ext4')), []);

    mkdirSync(at('d'), { mode: 0 });
    assert.equal(statSync(at('d')).mode & 0o777, 0);
    run('mount', '-t', 'tmpfs', 'tmpfs', at('d'));
    await assert.rejects(volumes.mount({ id: 'd', fsUuid, at: at('d') }), fault('mount-foreign'));
    await assert.rejects(volumes.unmount({ id: 'd', at: at('d') }), fault('mount-foreign'));
    assert.equal((await mountAt(at('d')))?.type, 'tmpfs', 'what is not ours is never unmounted');
  });

  test(`a volume that another hand unmounts leaves no loop device (${host.name})`, async (t) => {
    const { volumes, pool, at } = await openBench(t, { host });
    const fsUuid = randomUUID();
    await volumes.createDisk({ id: 'd', fsUuid, sizeMiB: 1 });
    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    assert.equal((await loopsOf(exec, pool.path('volumes', 'd.ext4'))).length, 1);
    run('umount', at('d'));
    // As where a namespace ends with all that is mounted in it. The kernel lets go of the file a moment after.
    for (let tries = 0; tries < 100 && (await loopsOf(exec, pool.path('volumes', 'd.ext4'))).length > 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(await loopsOf(exec, pool.path('volumes', 'd.ext4')), []);
  });

  test(`a volume that cannot be mounted leaves no mount point behind, but keeps one that was there (${host.name})`, async (t) => {
    const { volumes, pool, root } = await openBench(t, { host });
    const disk = { id: randomUUID(), fsUuid: randomUUID(), at: join(root, 'nfs', 'disk') };
    await volumes.createDisk({ ...disk, sizeMiB: 4 });
    const handle = await open(pool.path('volumes', `${disk.id}.ext4`), 'r+');
    // s_feature_incompat, at byte 96 of the superblock: what no kernel knows.
    await handle.write(Buffer.alloc(4, 0xff), 0, 4, 1024 + 96);
    await handle.close();
    await assert.rejects(volumes.mount(disk));
    assert.equal(existsSync(disk.at), false);
    mkdirSync(disk.at, { recursive: true });
    await assert.rejects(volumes.mount(disk));
    assert.ok(existsSync(disk.at));
  });

  test(`a busy volume is waited for; what lies below a mount point is kept (${host.name})`, async (t) => {
    const { volumes, at } = await openBench(t, { host });
    const fsUuid = randomUUID();
    await volumes.createDisk({ id: 'd', fsUuid, sizeMiB: 1 });
    mkdirSync(at('d'), { recursive: true });
    writeFileSync(join(at('d'), 'below'), 'written before it was mounted');
    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    const handle = await open(join(at('d'), 'disk.img'), 'r');
    const closing = setTimeout(() => void handle.close(), 500);
    t.after(() => clearTimeout(closing));
    await volumes.unmount({ id: 'd', at: at('d') });
    assert.equal(readFileSync(join(at('d'), 'below'), 'utf8'), 'written before it was mounted');
  });

  test(`a mount in another namespace keeps a volume busy (${host.name})`, async (t) => {
    const { volumes, at } = await openBench(t, { host });
    const fsUuid = randomUUID();
    await volumes.createDisk({ id: 'd', fsUuid, sizeMiB: 1 });
    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    const other = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'echo up; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.after(() => other.kill());
    await new Promise((resolve) => other.stdout.once('data', resolve));
    await assert.rejects(volumes.unmount({ id: 'd', at: at('d') }), fault('volume-busy'));
    const ended = new Promise((resolve) => other.once('close', resolve));
    other.stdin.end('\n');
    await ended;
    await volumes.unmount({ id: 'd', at: at('d') });
    await volumes.discard({ id: 'd' });
  });

  test(`loops that no mount uses are detached, those in use and those of others are not (${host.name})`, async (t) => {
    const { volumes, pool, at, root } = await openBench(t, { host });
    const fsUuid = randomUUID();
    await volumes.createDisk({ id: 'd', fsUuid, sizeMiB: 1 });
    await volumes.createDisk({ id: 'e', fsUuid: randomUUID(), sizeMiB: 1 });
    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    run('losetup', '--find', pool.path('volumes', 'e.ext4'));
    const foreign = join(root, 'foreign');
    writeFileSync(foreign, Buffer.alloc(MIB));
    run('losetup', '--find', foreign);
    assert.deepEqual(await detachOrphans(exec, pool.folder), [pool.path('volumes', 'e.ext4')]);
    assert.deepEqual(await detachOrphans(exec, pool.folder), []);
    assert.equal((await loopsOf(exec, pool.path('volumes', 'd.ext4'))).length, 1);
    assert.equal((await loopsOf(exec, foreign)).length, 1);

    // One that a crash left before mount(8) is no reason to refuse.
    await volumes.unmount({ id: 'd', at: at('d') });
    run('losetup', '--find', pool.path('volumes', 'd.ext4'));
    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    assert.equal((await loopsOf(exec, pool.path('volumes', 'd.ext4'))).length, 1);
  });

  test(`a look at some volumes sees those that are mounted where they belong, and nothing else that is there (${host.name})`, async (t) => {
    const { volumes, pool, at } = await openBench(t, { host });
    const ids = ['d', 'e', 'f'];
    for (const id of ids) await volumes.createDisk({ id, fsUuid: randomUUID(), sizeMiB: 1 });
    const places = ids.map((id) => ({ id, at: at(id) }));
    const look = async () => [...(await seenAt(exec, pool, places)).mounted].toSorted();
    const broken = async () => [...(await seenAt(exec, pool, places)).broken];
    assert.deepEqual(await look(), []);
    // As files, not as volumes: each at a place that may be another's.
    for (const [id, place] of [
      ['d', 'd'],
      ['e', 'f'],
    ] as const) {
      mkdirSync(at(place), { recursive: true });
      run('mount', '-o', 'loop', pool.path('volumes', `${id}.ext4`), at(place));
    }
    assert.deepEqual(await look(), [at('d')], 'one that is mounted in the place of another is not it');
    for (const place of [at('d'), at('e'), join(at('d'), 'lost+found')]) {
      const listed = lastMountAt(readFileSync('/proc/self/mountinfo', 'utf8'), place);
      const found = await mountAt(place);
      assert.deepEqual({ ...found, superOptions: [] }, { ...listed, superOptions: [] }, 'as the list of mounts has it');
    }
    assert.deepEqual(await broken(), []);
    run('mount', '-o', 'remount,ro', at('d'));
    assert.deepEqual([await look(), await broken()], [[at('d')], [at('d')]]);
    run('mount', '-o', 'remount,rw', at('d'));
    assert.deepEqual(await broken(), []);
    renameSync(pool.path('volumes', 'd.ext4'), pool.path('trash', 'd.ext4'));
    assert.deepEqual(await look(), [], 'its file is another one now, or none');
    renameSync(pool.path('trash', 'd.ext4'), pool.path('volumes', 'd.ext4'));
    assert.deepEqual(await look(), [at('d')]);
    run('mount', '-t', 'tmpfs', 'tmpfs', at('d'));
    assert.deepEqual(await look(), []);
  });

  test(`what is discarded goes to the trash, can be taken back out, and is deleted from there for good (${host.name})`, async (t) => {
    const { volumes, pool } = await openBench(t, { host });
    await volumes.createDisk({ id: 'd', fsUuid: randomUUID(), sizeMiB: 1 });
    for (let twice = 0; twice < 2; twice++) await volumes.discard({ id: 'd' });
    await volumes.discard({ id: 'never' });
    assert.deepEqual(readdirSync(pool.path('volumes', '')), []);
    assert.deepEqual(readdirSync(pool.path('trash', '')), ['d.ext4']);
    for (let twice = 0; twice < 2; twice++) await volumes.recover({ id: 'd' });
    assert.deepEqual(readdirSync(pool.path('volumes', '')), ['d.ext4']);
    await assert.rejects(volumes.recover({ id: 'never' }), { code: 'volume-missing' });
    await volumes.discard({ id: 'd' });
    writeFileSync(pool.path('trash', 'notes.txt'), 'of a person');
    for (let twice = 0; twice < 2; twice++) await volumes.purge({ id: 'd' });
    assert.deepEqual(readdirSync(pool.path('trash', '')), ['notes.txt']);
  });
}
