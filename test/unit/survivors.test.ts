import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { childMark, endSurvivors, markChildren } from '../../core/host/survivors.ts';

test('children that a killed server left running are ended, those of their own too, and nobody else’s', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-survivors-'));
  const other = mkdtempSync(join(tmpdir(), 'bakery-survivors-'));
  try {
    const ours = markChildren(exec, await childMark(folder));
    const theirs = markChildren(exec, await childMark(other));
    // sh starts a child of its own and waits for it.
    const mine = assert.rejects(ours('sh', ['-c', 'sleep 60; true']), { code: 'tool-failed' });
    let ended = false;
    const foreign = theirs('sleep', ['1']).then(() => {
      ended = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const pids = await endSurvivors(folder);
    assert.equal(pids.length, 2, 'sh and its sleep');
    await mine;
    assert.equal(ended, false);
    assert.deepEqual(await endSurvivors(folder), []);
    await foreign;
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(other, { recursive: true });
  }
});
