import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { pathComponents, readBeneath, removeBeneath, writeFileAtomic } from '../../core/host/files.ts';
import { replaceAllBeneath, replaceBeneath } from '../../core/host/replace.ts';

test('a program gets its arguments as they are, and no environment of ours', async () => {
  const { stdout } = await exec('printf', ['%s|', '$HOME', 'a b', ';ls']);
  assert.equal(stdout, '$HOME|a b|;ls|');
  const env = (await exec('env', [])).stdout.split('\n').map((line) => line.split('=')[0]);
  assert.deepEqual(env.filter(Boolean).toSorted(), ['LC_ALL', 'PATH']);
});

test('a program that fails, is missing or hangs is told apart', async () => {
  await assert.rejects(exec('false', []), { code: 'tool-failed' });
  await assert.rejects(exec('no-such-program-here', []), { code: 'tool-missing' });
  await assert.rejects(exec('sleep', ['60'], { timeoutMs: 100 }), { code: 'tool-timeout' });
  await assert.rejects(exec('sleep', ['60'], { signal: AbortSignal.timeout(100) }), { code: 'tool-cancelled' });
  assert.equal((await exec('false', [], { okCodes: [0, 1] })).code, 1);
});

test('a program that is not begun, says too much or does not read what it is given is no hang', async () => {
  await assert.rejects(exec('printf', ['a\0b']), { code: 'tool-failed' });
  await assert.rejects(exec('/etc/passwd', []), { code: 'tool-failed' });
  await assert.rejects(exec('head', ['--bytes=8388609', '/dev/zero']), { code: 'tool-failed' });
  const { length } = (await exec('head', ['--bytes=8388608', '/dev/zero'])).stdout;
  assert.equal(length, 8 * 1024 ** 2);
  assert.equal((await exec('true', [], { input: Buffer.alloc(1_000_000) })).code, 0);
  assert.equal((await exec('cat', [], { input: 'äö' })).stdout, 'äö');
  await assert.rejects(exec('sleep', ['60'], { signal: AbortSignal.abort() }), { code: 'tool-cancelled' });
});

test('a program that does not end when it is asked to is killed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-exec-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'pid');
  const script = 'trap "" TERM; echo $$ >"$1"; exec sleep 60';
  await assert.rejects(exec('sh', ['-c', script, 'sh', file], { timeoutMs: 500 }), { code: 'tool-timeout' });
  assert.equal(existsSync(`/proc/${readFileSync(file, 'utf8').trim()}`), false);
});

test('the limit holds although a grandchild keeps the output open', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-exec-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const marker = join(folder, 'grandchild-ended');
  const script = '(sleep 8; touch "$1") & sleep 60';
  await assert.rejects(exec('sh', ['-c', script, 'sh', marker], { timeoutMs: 100 }), { code: 'tool-timeout' });
  assert.equal(existsSync(marker), false, 'it did not wait for the grandchild');
});

test('a path that could leave its root has no components', () => {
  assert.deepEqual(pathComponents('/a//b/./c'), ['a', 'b', 'c']);
  for (const path of ['', '/', '..', 'a/../b', 'a\0', 'x'.repeat(256), 'a/'.repeat(65)])
    assert.equal(pathComponents(path), undefined);
});

test('files beneath a folder: no component may be a link, whoever swaps them meanwhile', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'bakery-beneath-'));
  const outside = mkdtempSync(join(tmpdir(), 'bakery-outside-'));
  t.after(() => {
    for (const folder of [root, outside]) rmSync(folder, { recursive: true, force: true });
  });
  writeFileSync(join(outside, 'secret'), 'secret');
  symlinkSync(outside, join(root, 'link'));
  symlinkSync(join(outside, 'secret'), join(root, 'file'));
  for (const path of ['link/secret', 'file', 'link', '.']) {
    await assert.rejects(readBeneath(root, path), { code: 'path-refused' }, path);
  }
  await assert.rejects(replaceBeneath(root, 'link/evil', 'x'), { code: 'path-refused' });
  await replaceBeneath(root, 'file', 'new');
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret', 'the link was replaced, not followed');
  assert.equal((await readBeneath(root, 'file'))?.toString(), 'new');
  assert.equal(await removeBeneath(root, 'link'), true);
  assert.equal(await removeBeneath(root, 'none'), false);
  assert.equal(await readBeneath(root, 'none'), undefined);

  // A Pi that swaps a folder for a link and back as fast as it can.
  mkdirSync(join(root, 'a'));
  let going = true;
  const swapper = (async () => {
    const tolerant = (act: () => void) => {
      try {
        act();
      } catch {
        // The other side has just made the folder that was away.
      }
    };
    while (going) {
      tolerant(() => renameSync(join(root, 'a'), join(root, 'b')));
      tolerant(() => symlinkSync(outside, join(root, 'a')));
      await new Promise(setImmediate);
      tolerant(() => rmSync(join(root, 'a'), { recursive: true }));
      tolerant(() => renameSync(join(root, 'b'), join(root, 'a')));
      await new Promise(setImmediate);
    }
  })();
  for (let i = 0; i < 300; i++) await replaceBeneath(root, 'a/evil', 'x').catch(() => undefined);
  going = false;
  await swapper;
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
  assert.throws(() => readFileSync(join(outside, 'evil')), 'nothing was written outside');
});

test('several files are replaced at once, and where one cannot be, nothing half is left', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'bakery-several-'));
  t.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'one'), 'old');
  symlinkSync('/nowhere', join(root, 'link'));
  const files = [
    { path: 'one', data: 'new' },
    { path: 'folder/two', data: 'two', mode: 0o600 },
  ];
  await assert.rejects(replaceAllBeneath(root, [...files, { path: 'link/three', data: '' }]), { code: 'path-refused' });
  assert.equal(readFileSync(join(root, 'one'), 'utf8'), 'old');
  assert.deepEqual(readdirSync(root, { recursive: true }).toSorted(), ['folder', 'link', 'one']);
  for (const path of ['folder/..', 'folder/../../one', ''])
    await assert.rejects(replaceAllBeneath(root, [...files, { path, data: '' }]), { code: 'path-refused' });
  assert.equal(readFileSync(join(root, 'one'), 'utf8'), 'old');

  await replaceAllBeneath(root, files);
  assert.equal(readFileSync(join(root, 'one'), 'utf8'), 'new');
  assert.equal(readFileSync(join(root, 'folder/two'), 'utf8'), 'two');
  assert.deepEqual(
    ['one', 'folder/two'].map((path) => statSync(join(root, path)).mode & 0o777),
    [0o644, 0o600],
  );
  assert.deepEqual(readdirSync(root, { recursive: true }).toSorted(), ['folder', 'folder/two', 'link', 'one']);

  // A folder of that name is in the way of the second when the first has its new name already.
  mkdirSync(join(root, 'three/full'), { recursive: true });
  const blocked = [
    { path: 'one', data: 'newer' },
    { path: 'three', data: '' },
  ];
  await assert.rejects(replaceAllBeneath(root, blocked), { code: 'path-refused' });
  assert.equal(readFileSync(join(root, 'one'), 'utf8'), 'newer');
  assert.ok(!readdirSync(root).some((name) => name.endsWith('.partial')));
});

test('a file is replaced whole', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-atomic-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await writeFileAtomic(join(folder, 'f'), 'one', 0o600);
  await writeFileAtomic(join(folder, 'f'), 'two', 0o600);
  assert.equal(readFileSync(join(folder, 'f'), 'utf8'), 'two');
});
