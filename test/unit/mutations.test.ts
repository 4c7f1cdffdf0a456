import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MUTATIONS } from '../mutations/all.ts';
import { hasFailed, mutate } from '../mutations/mutation.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('every mutation still applies, changes something, has a name of its own, and names a test that there is', () => {
  assert.equal(new Set(MUTATIONS.map(({ name }) => name)).size, MUTATIONS.length);
  for (const mutation of MUTATIONS) {
    const text = readFileSync(`${ROOT}/${mutation.file}`, 'utf8');
    assert.notEqual(mutate(text, mutation), text, mutation.name);
    readFileSync(`${ROOT}/${mutation.test}`);
  }
});

test('a failed test is found in what the reporter prints, also a nested one, and a passed one is not', () => {
  const output = ['✔ keeps its promise (3ms)', '  ✖ breaks another one (2.1ms)', 'ℹ fail 1'].join('\n');
  assert.equal(hasFailed(output, 'breaks another'), true);
  assert.equal(hasFailed(output, 'keeps its promise'), false);
});

test('a text that stands twice, or never, is refused', () => {
  const mutation = { name: 'x', file: 'f', old: 'a', new: 'b' };
  assert.throws(() => mutate('aa', mutation), /2 times/);
  assert.throws(() => mutate('cc', mutation), /0 times/);
});
