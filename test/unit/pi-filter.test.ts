import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BakeformName, Ipv4, Mac, PiId, PiName } from '../../core/ids.ts';
import { parsePiName, piIdOfSerial } from '../../core/ids.ts';
import { mayHaveMac, type Pi } from '../../core/pi.ts';
import { isMeant, type PiFilter } from '../../core/pi-filter.ts';

const PI: Pi = {
  id: '5564247d' as PiId,
  state: 'baked',
  bakeform: 'debian' as BakeformName,
  bakeformVolume: 'v',
  disks: [],
  mac: 'b8:27:eb:64:24:7d' as Mac,
  address: '10.0.0.7' as Ipv4,
  previousAddress: undefined,
  addressSeenAt: undefined,
  bootExpectedUntil: undefined,
  desiredPower: 'on',
  maintenance: false,
  manageDisks: false,
  movedTo: undefined,
  quarantine: false,
  awaitOff: false,
  fault: 'could not be switched off',
  name: 'Rack1-07' as PiName,
  tags: ['ci', 'rack=1'],
  notes: 'Fan is loud',
  port: { switch: 'poe-a', port: '12' },
  revision: 0xa020d3,
};

/** Each filter alone: what means this Pi, and what does not. */
const CASES: readonly (readonly [yes: PiFilter, no: PiFilter])[] = [
  [{ state: 'baked' }, { state: 'fridge' }],
  [{ model: '3b+' }, { model: '3B' }],
  [{ minMemoryMiB: 1024 }, { minMemoryMiB: 1025 }],
  [{ tags: ['ci'] }, { tags: ['c'] }],
  [{ tags: ['rack=1', 'ci'] }, { tags: ['ci', 'rack=2'] }],
  [{ name: 'Rack1-07' }, { name: 'Rack1' }],
  [{ bakeform: 'debian' }, { bakeform: 'ubuntu' }],
  [{ maintenance: false }, { maintenance: true }],
  [{ quarantine: false }, { quarantine: true }],
  [{ awaitOff: false }, { awaitOff: true }],
  [{ fault: true }, { fault: false }],
  [{ q: 'LOUD' }, { q: 'quiet' }],
  [{ q: '5564' }, { q: '5565' }],
  [{ q: 'rack1' }, { q: 'rack2' }],
  [{ q: 'rack=' }, { q: 'rack:' }],
  [{ q: 'b8:27' }, { q: 'b8-27' }],
  [{ q: '0.0.7' }, { q: '0.0.8' }],
  [{ q: 'poe-a 12' }, { q: 'poe-a 13' }],
];

test('each filter means the Pis that it names and no others, and all of several must hold', () => {
  for (const [yes, no] of CASES) {
    assert.equal(isMeant(PI, yes), true, JSON.stringify(yes));
    assert.equal(isMeant(PI, no), false, JSON.stringify(no));
    assert.equal(isMeant(PI, { ...yes, q: 'nowhere' }), false);
  }
  assert.equal(isMeant(PI, {}), true);
  assert.equal(isMeant(PI, Object.assign({}, ...CASES.map(([yes]) => yes))), true);
});

test('a board that nobody knows has no model and no memory, and is not meant where one is asked for', () => {
  const unknown = { ...PI, revision: undefined };
  assert.equal(isMeant(unknown, {}), true);
  assert.equal(isMeant(unknown, { minMemoryMiB: 0 }), false);
  assert.equal(isMeant(unknown, { model: '3B+' }), false);
});

test('a name is never an id or a serial, and a serial is known by its last 8 digits', () => {
  for (const name of ['Rack1-07', 'a', 'kitchen.pi', '5564247', 'g564247d']) assert.equal(parsePiName(name), name);
  for (const text of ['5564247d', 'ABCDEF01', '0000000055642470', '', '-x', 'a b', 'a/b', 'x'.repeat(64)]) {
    assert.equal(parsePiName(text), undefined, text);
  }
  assert.equal(piIdOfSerial('100000005564247D'), '5564247d');
  for (const text of ['5564247d', '1000000000000000', '100000005564247dd']) assert.equal(piIdOfSerial(text), undefined);
});

test('a MAC of a Pi 1 to 3 belongs to the serial that ends like it; of newer boards nobody can tell', () => {
  assert.equal(mayHaveMac(PI.id, 'b8:27:eb:64:24:7d' as Mac), true);
  assert.equal(mayHaveMac(PI.id, 'b8:27:eb:64:24:7e' as Mac), false);
  assert.equal(mayHaveMac(PI.id, 'dc:a6:32:01:36:c2' as Mac), true);
});
