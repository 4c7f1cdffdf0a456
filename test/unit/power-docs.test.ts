import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SWITCH_KINDS } from '../../server/power/switches/kinds.ts';
import { documented } from '../lab/switches/documented.ts';

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

test('docs/power.md has every kind of switch, and each of its settings', () => {
  const text = read('docs/power.md');
  const named = SWITCH_KINDS.flatMap(({ name, settings }) => [name, ...Object.keys(settings.shape)]);
  assert.deepEqual(
    named.filter((name) => !text.includes(`\`${name}\``)),
    [],
  );
});

test('the example of CONTRIBUTING.md is the driver that passes the suite', () => {
  const example = documented('CONTRIBUTING.md', 'Writing a power driver');
  assert.equal(example, read('test/lab/switches/example-driver.ts'));
  assert.equal(example.split('\n').length - 1, 30);
});
