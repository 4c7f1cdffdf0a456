import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawOf, type SwitchedPort, shortageOf } from '../../server/power/switches/budget.ts';
import type { PortReading } from '../../server/power/switches/kind.ts';

const [PI3B, PI3PLUS, PI4, PI5] = [0xa02082, 0xa020d3, 0xc03111, 0xc04170];

test('a board is taken to draw what its model draws at most, one that nobody knows as much as a Pi 4', () => {
  assert.deepEqual([PI3B, PI3PLUS, PI4, PI5, undefined].map(drawOf), [6_000, 6_000, 8_000, 12_000, 8_000]);
});

/** A switch of 60 W surveyed at 1000, with 10 W left. */
function shortage(
  needsMilliwatts: number,
  { ports = [], switched = {} }: { ports?: PortReading[]; switched?: Record<string, SwitchedPort> } = {},
) {
  const budget = { limitMilliwatts: 60_000, usedMilliwatts: 50_000 };
  const last = { at: 1_000, survey: { description: 'toy', ports, budget } };
  return shortageOf({ port: '1', needsMilliwatts, last, switched: new Map(Object.entries(switched)) });
}

test('what a port will draw is compared with what its switch has left', () => {
  assert.equal(shortage(10_000), undefined);
  assert.deepEqual(shortage(10_001), { leftMilliwatts: 10_000, needsMilliwatts: 10_001 });
});

test('a switch that tells no budget, or was never asked, has enough', () => {
  const facts = { port: '1', needsMilliwatts: 1e9, switched: new Map() };
  assert.equal(shortageOf({ ...facts, last: undefined }), undefined);
  assert.equal(shortageOf({ ...facts, last: { at: 1, survey: { description: 'toy', ports: [] } } }), undefined);
});

test('what the port draws itself is there for it', () => {
  assert.equal(shortage(14_000, { ports: [{ port: '1', power: 'on', milliwatts: 4_000 }] }), undefined);
  assert.equal(shortage(18_000, { ports: [{ port: '1', power: 'on', delivers: true }] }), undefined);
});

test('what was switched on since the survey is taken, and what was switched off given back; before it both are in it', () => {
  const ports: PortReading[] = [{ port: '2', power: 'on', milliwatts: 5_000 }];
  const on = (at: number) => ({ '3': { to: 'on', at, draws: 8_000 } }) as const;
  const off = (at: number) => ({ '2': { to: 'off', at, draws: 0 } }) as const;
  assert.deepEqual(shortage(3_000, { switched: on(1_001) }), { leftMilliwatts: 2_000, needsMilliwatts: 3_000 });
  assert.equal(shortage(3_000, { switched: on(999) }), undefined);
  assert.equal(shortage(15_000, { ports, switched: off(1_001) }), undefined);
  assert.equal(shortage(15_000, { ports, switched: off(999) })?.leftMilliwatts, 10_000);
  assert.equal(
    shortage(1, { switched: { ...on(1_001), '4': { to: 'on', at: 1_001, draws: 8_000 } } })?.leftMilliwatts,
    0,
  );
});
