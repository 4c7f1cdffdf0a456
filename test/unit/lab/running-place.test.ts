import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LabRefusal } from '../../lab/running/arguments.ts';
import { openLabFolder } from '../../lab/running/folder.ts';
import { keptFolder } from '../../lab/running/keep.ts';
import { claimWire, listenForPeople } from '../../lab/running/port.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-place-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}
const isRefusal = (words: RegExp) => (error: unknown) => error instanceof LabRefusal && words.test(error.message);

/** Another process with a lab's folder below `parent`. @returns it and its folder. */
async function otherLab(parent: string): Promise<{ child: ChildProcess; folder: string }> {
  const program = `const { openLabFolder } = await import(process.argv[1]);
    const lab = openLabFolder(process.argv[2]);
    process.stdout.write(lab.folder);
    process.on('SIGTERM', lab.close);
    setInterval(() => {}, 1_000_000);`;
  const module = new URL('../../lab/running/folder.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, module, parent], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [folder] = await once(child.stdout, 'data');
  return { child, folder: String(folder) };
}

test('the folder of a lab that was killed is removed by the next lab; that of one that lives, and what only has such a name, is not', async (t) => {
  const parent = folderFor(t);
  const living = await otherLab(parent);
  const killed = await otherLab(parent);
  t.after(() => living.child.kill('SIGKILL'));
  killed.child.kill('SIGKILL');
  await once(killed.child, 'exit');
  writeFileSync(join(killed.folder, 'bakery.db'), '');
  mkdirSync(join(parent, 'bakery-lab-of-a-person'));
  symlinkSync(living.folder, join(parent, 'bakery-lab-link'));
  const next = openLabFolder(parent);
  const left = [next.folder, living.folder, join(parent, 'bakery-lab-of-a-person'), join(parent, 'bakery-lab-link')];
  assert.deepEqual(
    readdirSync(parent)
      .map((name) => join(parent, name))
      .toSorted(),
    left.toSorted(),
  );
  next.close();
  assert.equal(readdirSync(parent).length, left.length - 1);
});

test('what a lab keeps is kept in a new folder or in that of a lab, and never beside anything else', (t) => {
  const folder = folderFor(t);
  const wish = join(folder, 'new', 'lab');
  assert.equal(keptFolder(wish, { isWhole: true }), wish);
  writeFileSync(join(wish, 'bakery.db'), '');
  assert.equal(keptFolder(wish, { isWhole: true }), wish, 'the next lab goes on there');
  assert.throws(() => keptFolder(folder, { isWhole: true }), isRefusal(/holds no lab; name a new folder/));
  assert.throws(() => keptFolder(join(wish, 'bakery.db'), { isWhole: true }), isRefusal(/^--keep: .*bakery.db/));
});

test('nothing is kept where a lab with namespaces has a folder of its own that is gone at its end', () => {
  const run = mkdtempSync('/run/bakery-place-');
  try {
    assert.throws(() => keptFolder(run, { isWhole: true }), isRefusal(/nothing below \/run can be kept/));
    assert.equal(keptFolder(run, { isWhole: false }), run);
  } finally {
    rmSync(run, { recursive: true });
  }
});

test('labs beside each other have Pis at addresses of the loopback that no other has', async () => {
  const claims = await Promise.all([claimWire(), claimWire(), claimWire()]);
  assert.equal(new Set(claims.map(({ wire }) => wire)).size, claims.length);
  for (const { release } of claims) release();
});

test('a port that is taken is told in plain words', async () => {
  const { server, base } = await listenForPeople(0);
  const port = Number(new URL(base).port);
  await assert.rejects(listenForPeople(port), isRefusal(/^port \d+ is taken: --http-port names another$/));
  server.close();
});
