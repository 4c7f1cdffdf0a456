import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CAUSES } from '../../../netboot/boots/causes.ts';
import { DIAGNOSES, type DiagnosisCode, possibleCauses } from '../../../netboot/boots/diagnosis.ts';

const text = readFileSync(new URL('../../../docs/netboot.md', import.meta.url), 'utf8');

/** The cells of a table's rows below a headline. */
function rowsBelow(headline: string): string[][] {
  const section = text.split(`\n### ${headline}\n`)[1]?.split('\n### ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('|---'));
  return rows.slice(1).map((line) => line.split('|').slice(1, -1));
}
const codesIn = (cell = '') => [...cell.matchAll(/`([a-z0-9-]+)`/g)].map(([, code]) => code ?? '');

test('docs/netboot.md tells of every diagnosis there is, and of none that there is not', () => {
  assert.deepEqual(
    rowsBelow('Where it stops')
      .flatMap(([codes]) => codesIn(codes))
      .toSorted(),
    Object.keys(DIAGNOSES).toSorted(),
  );
});

test('it tells of every cause, with the diagnoses that name it and no others, and with a cure', () => {
  const told = rowsBelow('Why, and what helps').map(([cause, sign, cure]) => {
    assert.ok((cure ?? '').trim().length > 5, cause);
    return [
      codesIn(cause)[0],
      codesIn(sign)
        .filter((code) => Object.hasOwn(DIAGNOSES, code))
        .toSorted(),
    ];
  });
  const diagnoses = Object.keys(DIAGNOSES) as DiagnosisCode[];
  const causes = Object.keys(CAUSES) as (keyof typeof CAUSES)[];
  assert.deepEqual(
    Object.fromEntries(told),
    Object.fromEntries(
      causes.map((cause) => [cause, diagnoses.filter((code) => possibleCauses(code).has(cause)).toSorted()]),
    ),
  );
  assert.equal(told.length, causes.length, 'one row each');
});
