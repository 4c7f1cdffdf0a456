import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const FOLDERS = ['core', 'db', 'netboot', 'exports', 'server'];

/** Every code that production code can throw: the second argument of an error that is made. */
function codesInSources(): Set<string> {
  const codes = new Set<string>();
  for (const file of globSync(
    FOLDERS.map((folder) => `${folder}/**/*.ts`),
    { cwd: root },
  )) {
    const text = readFileSync(new URL(file, root), 'utf8');
    const kinds = 'invalid|not-found|conflict|forbidden|unauthorized|no-space|unavailable|timeout|internal';
    for (const match of text.matchAll(
      new RegExp(`(?:new \\w*(?:Error|Fault)\\(|\\w+\\()\\s*'(?:${kinds}|fatal|retryable)',\\s*'([a-z0-9-]+)'`, 'g'),
    )) {
      if (match[1]) codes.add(match[1]);
    }
    for (const match of text.matchAll(/\bcode: '([a-z][a-z0-9-]+)'/g)) if (match[1]) codes.add(match[1]);
    for (const match of text.matchAll(/^ {2}\d{3}: '([a-z-]+)',$/gm)) if (match[1]) codes.add(match[1]);
  }
  return codes;
}

test('docs/problems.md explains every error code there is, and none that there is not', () => {
  const text = readFileSync(new URL('docs/problems.md', root), 'utf8');
  const documented = [...text.matchAll(/^### ([a-z0-9-]+)$/gm)].map((match) => match[1] ?? '');
  assert.deepEqual(documented.toSorted(), [...new Set(documented)].toSorted(), 'each once');
  const thrown = codesInSources();
  assert.deepEqual([...thrown].filter((code) => !documented.includes(code)).toSorted(), [], 'thrown but not explained');
  assert.deepEqual(documented.filter((code) => !thrown.has(code)).toSorted(), [], 'explained but never thrown');
});
