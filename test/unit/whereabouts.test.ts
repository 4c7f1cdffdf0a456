import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mac } from '../../core/ids.ts';
import { requirePiId } from '../../core/ids.ts';
import type { SwitchSurvey } from '../../server/power/switches/kind.ts';
import { judgeBinding, placesOf, planDiscovery, withUnlisted } from '../../server/power/switches/whereabouts.ts';

const macOf = (name: string) => `dc:a6:32:00:00:0${name}` as Mac;
const idOf = (name: string) => requirePiId(`0000000${name}`);
/** `a1` is port 1 of switch a; Pis are called 1 to 9. Ports with the Pis, strangers (x, y) and containers (c) that were learned on them. */
function tables(learned: Record<string, string>) {
  const surveys = new Map<string, SwitchSurvey>();
  for (const [place, boards] of Object.entries(learned)) {
    const [name = '', port = ''] = [place.slice(0, 1), place.slice(1)];
    const macs = [...boards].map((board) =>
      /\d/.test(board) ? macOf(board) : `${board === 'c' ? '02' : 'dc'}:a6:32:00:00:0${board === 'y' ? 'a' : 'b'}`,
    );
    const before = surveys.get(name)?.ports ?? [];
    surveys.set(name, { description: '', ports: [...before, { port, power: 'on', macs }] });
  }
  return placesOf(surveys);
}
const at = (place: string | undefined) =>
  place === undefined ? undefined : { switch: place.slice(0, 1), port: place.slice(1) };
const board = (name: string, place?: string, more: object = {}) => ({
  id: idOf(name),
  mac: macOf(name),
  port: at(place),
  quarantine: false,
  ...more,
});

const judged: [told: string, bound: string, learned: Record<string, string>, verdict: 'right' | 'unknown' | string][] =
  [
    ['it is alone on its port', 'a1', { a1: '1' }, 'right'],
    ['and other switches see it through the wire between them', 'a1', { a1: '1', b24: '12x' }, 'right'],
    ['or through one with nobody else behind it', 'a1', { a1: '1', b24: '1' }, 'right'],
    ['it has a container of its own beside it', 'a1', { a1: '1c', b24: '1x' }, 'right'],
    ['it shares its port, and is alone nowhere', 'a1', { a1: '1x' }, 'right'],
    ['it is alone on another port', 'a1', { a2: '1' }, 'a2'],
    ['of another switch', 'a1', { b2: '1', a24: '12' }, 'b2'],
    ['it is bound to the wire between two switches', 'a24', { a24: '1x', b2: '1' }, 'b2'],
    ['another is on its port', 'a1', { a1: '2', a2: '1' }, 'a2'],
    ['it is alone on two ports', 'a1', { a2: '1', b2: '1' }, 'unknown'],
    ['it is found with others only', 'a1', { a2: '1x' }, 'unknown'],
    ['it is found nowhere: it is off', 'a1', { a1: '', a2: '2' }, 'unknown'],
  ];
for (const [told, bound, learned, verdict] of judged) {
  test(`where a Pi is: ${told}`, () => {
    const expected = ['right', 'unknown'].includes(verdict) ? verdict : { movedTo: at(verdict) };
    assert.deepEqual(judgeBinding(board('1', bound), tables(learned)), expected);
  });
}

test('nothing is said of a Pi that is bound nowhere, or whose MAC is not known', () => {
  assert.equal(judgeBinding(board('1'), tables({ a1: '1' })), 'unknown');
  assert.equal(judgeBinding(board('1', 'a2', { mac: undefined }), tables({ a1: '1' })), 'unknown');
});

/** A discovery on switch a: each Pi with its outcome, the port it is bound to with `!`. */
function discover(pis: ReturnType<typeof board>[], learned: Record<string, string>, rebind = false): string[] {
  return planDiscovery(pis, tables(learned), { name: 'a', rebind }).map(
    ({ pi, outcome, port, binds }) =>
      `${pi.slice(-1)} ${outcome}${port ? ` ${port.switch}${port.port}` : ''}${binds ? '!' : ''}`,
  );
}

test('a Pi is bound where it is alone, and only there', () => {
  const pis = [
    board('1'),
    board('2', 'a2'),
    board('3'),
    board('4'),
    board('5'),
    board('6', undefined, { mac: undefined }),
  ];
  assert.deepEqual(discover(pis, { a1: '1', a2: '2', a3: '3x', a24: '4y', b4: '4' }), [
    '1 bound a1!',
    '2 already a2',
    '3 ambiguous',
    // 4 hangs on b, whose own discovery binds it.
    '5 notFound',
    '6 notFound',
  ]);
});

test('a Pi that is alone on more than one port is bound to none of them', () => {
  assert.deepEqual(discover([board('1')], { a1: '1', b24: '1' }), ['1 ambiguous']);
});

test('what has moved is told, and bound anew only when that is meant', () => {
  const pis = [board('1', 'a1'), board('2', 'b2'), board('3', 'a3'), board('4', 'b4')];
  const learned = { a5: '1', a6: '2', b3: '3', b4: '4' };
  assert.deepEqual(discover(pis, learned), ['1 moved a5', '2 moved a6', '3 moved b3']);
  assert.deepEqual(discover(pis, learned, true), ['1 moved a5!', '2 moved a6!', '3 moved b3']);
});

test('the port of another Pi is taken only when that one leaves it', () => {
  assert.deepEqual(discover([board('1'), board('2', 'a1')], { a1: '1' }), ['1 ambiguous a1', '2 notFound']);
  assert.deepEqual(discover([board('1'), board('2', 'a1')], { a1: '1', a2: '2' }), ['1 ambiguous a1', '2 moved a2']);
  const swapped = { a1: '2', a2: '1' };
  assert.deepEqual(discover([board('1', 'a1'), board('2', 'a2')], swapped, true), ['1 moved a2!', '2 moved a1!']);
  // 3 stays, so 2 does, so 1 does.
  const row = [board('1', 'a1'), board('2', 'a2'), board('3', 'a3')];
  assert.deepEqual(discover(row, { a2: '1', a3: '2' }, true), ['1 moved a2', '2 moved a3', '3 notFound']);
});

test('a Pi that is bound to a port that the switch does not list is said to be', () => {
  const listed = new Set(['1', '2']);
  const findings = planDiscovery([board('1', 'a9'), board('2', 'a2'), board('3', 'b9')], tables({ a1: '3' }), {
    name: 'a',
    rebind: false,
  });
  const whys = (ports: ReadonlySet<string> | undefined) =>
    findings.map((one) => withUnlisted(one, { name: 'a', listed: ports }).why);
  const silent = 'its MAC is learned on no port; is it on?';
  assert.deepEqual(whys(listed), [`${silent}; the switch lists no port 9`, silent, undefined]);
  assert.deepEqual(whys(undefined), [silent, silent, undefined]);
});

test('a Pi in quarantine is left out', () => {
  assert.deepEqual(discover([board('1', undefined, { quarantine: true })], { a1: '1' }), []);
});
