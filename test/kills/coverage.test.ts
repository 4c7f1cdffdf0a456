import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SCENARIOS } from './scenarios.ts';
import { KILLED, KINDS, killPoints } from './suite.ts';

test('every kind of operation is killed in exactly one of the files', () => {
  assert.deepEqual(Object.values(KILLED).flat().toSorted(), KINDS.map(({ kind }) => kind).toSorted());
  assert.deepEqual(
    Object.keys(SCENARIOS).toSorted(),
    [...KILLED.pis, ...KILLED.disks, ...KILLED.volumes, ...KILLED.copies].toSorted(),
  );
});

test('the points of a kind are its admission, each event of each step, its commit, and the same of its undoing', () => {
  for (const kind of KINDS) {
    const points = killPoints(kind).map(({ point }) => point);
    for (const step of kind.steps) {
      for (const event of ['started:after', 'succeeded:before', 'succeeded:after']) {
        assert.ok(points.includes(`${kind.kind}/${step.name}/${event}`), `${kind.kind}/${step.name}/${event}`);
      }
    }
    assert.ok(points.includes(`${kind.kind}/commit:after`));
    assert.equal(points.includes(`${kind.kind}/unwound:after`), kind.afterCrash !== 'forward', kind.kind);
  }
});
