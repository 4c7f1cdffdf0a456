import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');

/** Types that are put together, and the one that is no word with a dot. */
function madeTypes(template: string): string[] {
  assert.equal(template, 'operation.$' + '{what}', 'a new template needs its words here');
  const states = /^export type OperationState = (.+);$/m.exec(read('db/journal.ts'))?.[1] ?? '';
  const words = [...states.matchAll(/'(\w+)'/g)].map(([, word]) => (word === 'running' ? 'retried' : (word ?? '')));
  assert.ok(words.length > 3, 'the states of operations were not found');
  return ['started', ...words].map((word) => `operation.${word}`);
}

function typesInSources(): Set<string> {
  const types = new Set(['gap']);
  for (const file of globSync(['db/**/*.ts', 'server/**/*.ts', 'exports/**/*.ts', 'netboot/**/*.ts'], { cwd: root })) {
    const text = read(file).replaceAll(/^\s*(\*|\/\/).*$/gm, '');
    for (const match of text.matchAll(/\btype: '([a-z][a-z-]*\.[a-z.-]+)'/g)) types.add(match[1] ?? '');
    for (const match of text.matchAll(/\btype: ([A-Z_]+)\b/g)) {
      const value = new RegExp(`^(?:export )?const ${match[1]} = '(.+)';$`, 'm').exec(text)?.[1];
      assert.ok(value, `${file}: what is ${match[1]}?`);
      types.add(value);
    }
    for (const match of text.matchAll(/\btype: `([a-z]+\.[^`]*)`/g))
      for (const made of madeTypes(match[1] ?? '')) types.add(made);
  }
  return types;
}

test('docs/events.md tells of every type of event there is, and of none that there is not', () => {
  const documented = [...read('docs/events.md').matchAll(/^### (\S+)$/gm)].map((match) => match[1] ?? '');
  assert.deepEqual(documented.toSorted(), [...typesInSources()].toSorted());
});
