import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const FOLDERS = ['core', 'db', 'netboot', 'exports', 'server'];
const KINDS =
  'invalid|not-found|conflict|forbidden|unauthorized|too-slow|precondition|too-large|too-many|no-space|unavailable|timeout|internal';

/** The places where a code stands in production code: after an error's kind, in a fault, or in the framework's table. */
const PLACES = [
  new RegExp(`(?:'(?:${KINDS})'|\\bkind),\\s*'([a-z][a-z0-9-]+)'`, 'g'),
  /\bbad\('([a-z][a-z0-9-]+)',/g,
  /\bcode: '([a-z][a-z0-9-]+)'/g,
  /^ {2}\d{3}: '([a-z-]+)',$/gm,
];

function codesInSources(): Set<string> {
  const codes = new Set<string>();
  for (const file of globSync(
    FOLDERS.map((folder) => `${folder}/**/*.ts`),
    { cwd: root },
  )) {
    const text = readFileSync(new URL(file, root), 'utf8').replaceAll(/^\s*(\*|\/\/).*$/gm, '');
    for (const place of PLACES) for (const match of text.matchAll(place)) if (match[1]) codes.add(match[1]);
  }
  for (const kind of KINDS.split('|')) if (kind !== 'internal') codes.delete(kind);
  return codes;
}

test('docs/problems.md explains every error code there is, and none that there is not', () => {
  const text = readFileSync(new URL('docs/problems.md', root), 'utf8');
  const documented = [...text.matchAll(/^### ([a-z0-9-]+)$/gm)].map((match) => match[1] ?? '');
  assert.deepEqual(documented.toSorted(), [...new Set(documented)].toSorted(), 'each once');
  const thrown = codesInSources();
  assert.ok(thrown.size > 60, 'the search for codes found next to nothing');
  const missing = [...thrown].filter((code) => !documented.includes(code)).toSorted();
  assert.deepEqual(missing, [], 'thrown but not explained');
  const stale = documented.filter((code) => !thrown.has(code)).toSorted();
  assert.deepEqual(stale, [], 'explained but never thrown');
});
