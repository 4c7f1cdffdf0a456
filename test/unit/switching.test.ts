import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PiId } from '../../core/ids.ts';
import { listFeed } from '../../db/events.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, patchPi } from '../../db/pis.ts';
import { createManualDriver } from '../../server/power/drivers/manual.ts';
import { createSwitching } from '../../server/switching.ts';
import { fakeClock } from '../lab/fake-clock.ts';
import { toySwitch } from '../lab/toy-switch.ts';

const PI = '5564247d' as PiId;
const PORT = { switch: 'a', port: '1' };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A Pi 5 on port 1 of a switch, in the inventory and by those who know the switches. */
async function setUp() {
  const db = await openDatabase(':memory:');
  await addPi(db, { id: PI, quarantine: false, confirmed: true, now: 1 });
  await patchPi(db, PI, { port: PORT, revision: 0xc04170 });
  const toy = toySwitch('a');
  const world = {
    bound: {
      find: (name: string) => (name === 'a' ? toy.open : undefined),
      boundPort: (pi: PiId) => (pi === PI ? PORT : undefined),
    },
  };
  const switching = createSwitching({
    db,
    bound: () => world.bound,
    fallback: createManualDriver({ log: quiet }),
    clock: fakeClock(),
    log: quiet,
  });
  return { db, toy, world, switching, signal: new AbortController().signal };
}

test('whose port it is says the inventory, at the moment of the call', async () => {
  const { db, toy, switching, signal } = await setUp();
  await switching.driver.on(PI, signal);
  await patchPi(db, PI, { port: { switch: 'a', port: '2' } });
  await assert.rejects(switching.driver.off(PI, signal), { code: 'port-not-ours' });
  assert.deepEqual(toy.ports, new Map([['1', 'on']]));
});

test('a switch that may have too little power for the model of a Pi is told of in the feed', async () => {
  const { db, toy, switching, signal } = await setUp();
  const budget = { limitMilliwatts: 65_000, usedMilliwatts: 54_000 };
  toy.survey = { description: 'toy', budget, ports: [{ port: '1', power: 'off', delivers: true, milliwatts: 0 }] };
  await switching.surveys.take('a');
  await switching.driver.on(PI, signal);
  const told = (await listFeed(db, { after: 0, limit: 10 })).map(({ type, pi, data }) => [type, pi, data]);
  assert.deepEqual(told, [['pi.power-tight', PI, { ...PORT, leftMilliwatts: 11_000, needsMilliwatts: 12_000 }]]);
});

test('where nobody has entered a switch, the driver of the environment does all', async () => {
  const { world, switching } = await setUp();
  world.bound = { find: () => undefined, boundPort: () => undefined } as typeof world.bound;
  assert.deepEqual([switching.driver.name, switching.driver.reach(PI)], ['manual', 'by-hand']);
});
