import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { QUIRKS } from '../../server/http/legacy.ts';
import { MUTATIONS } from '../mutations/all.ts';

const NAMES = Object.keys(QUIRKS);
const wire = globSync('*.ts', { cwd: new URL('../wire/', import.meta.url) })
  .map((file) => readFileSync(new URL(`../wire/${file}`, import.meta.url), 'utf8'))
  .join('\n');

test('each quirk of the original’s clients has a test in test/wire that goes by its name', () => {
  const tested = [...wire.matchAll(/^ {2}'([a-z0-9-]+)': \{\n {4}promise: |quirkTest\('([a-z0-9-]+)'/gm)].map(
    ([, listed, single]) => listed ?? single,
  );
  assert.deepEqual(tested.toSorted(), NAMES.toSorted());
});

test('each quirk is needed: a mutation takes it out, and its test must notice', () => {
  const shown = MUTATIONS.filter(({ fails }) => fails.startsWith('quirk ')).map(({ fails }) =>
    fails.slice('quirk '.length),
  );
  for (const name of NAMES) assert.ok(shown.includes(`${name}:`), name);
});

test('each quirk says what the client does, why, and what serves it', () => {
  for (const { client, reason, code } of Object.values(QUIRKS)) assert.ok(client && reason && code);
});
