import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PiId } from '../../core/ids.ts';
import type { Pi } from '../../core/pi.ts';
import { type PiChoice, pickPi } from '../../server/operations/pick.ts';

/** A Pi 4B 1.4 with 4 GiB, and a 3B+ with 1 GiB. */
const [FOUR, THREE] = [0xc03114, 0xa020d3];
const pi = (id: string, more: Partial<Pi> = {}): Pi => ({
  id: id as PiId,
  state: 'fridge',
  bakeform: undefined,
  bakeformVolume: undefined,
  disks: [],
  mac: undefined,
  address: undefined,
  previousAddress: undefined,
  addressSeenAt: undefined,
  bootExpectedUntil: undefined,
  desiredPower: undefined,
  maintenance: false,
  manageDisks: false,
  movedTo: undefined,
  quarantine: false,
  awaitOff: false,
  fault: undefined,
  name: undefined,
  tags: [],
  notes: '',
  port: undefined,
  revision: undefined,
  ...more,
});
const GIB = 1024 ** 3;
const pool = [
  pi('00000001', { revision: THREE, tags: ['rack-1'] }),
  pi('00000002', { revision: FOUR, tags: ['rack-1', 'gpu'] }),
  pi('00000003', { revision: FOUR, tags: ['rack-2'] }),
  pi('00000004'),
];
const facts = { controls: () => true, isClaimed: () => false };
const pick = (choice: PiChoice, more: Partial<typeof facts & { pis: Pi[] }> = {}) =>
  pickPi(more.pis ?? pool, choice, { ...facts, ...more }).id;
const why = (choice: PiChoice, pis = pool) => {
  try {
    pickPi(pis, choice, facts);
  } catch (error) {
    const { kind, code, message } = error as { kind: string; code: string; message: string };
    return `${kind} ${code}: ${message}`;
  }
  return undefined;
};

test('without a wish the first is picked whose power works, else the first', () => {
  assert.equal(pick({}), '00000001');
  assert.equal(pick({}, { controls: ((id: PiId) => id === '00000003') as never }), '00000003');
  assert.equal(pick({}, { controls: (() => false) as never }), '00000001');
});

test('what is in use, claimed, flagged or faulty is not picked', () => {
  for (const more of [
    { state: 'baked' },
    { state: 'held' },
    { maintenance: true },
    { quarantine: true },
    { awaitOff: true },
    { fault: 'broken' },
    { movedTo: { switch: 'a', port: '1' } },
  ] as Partial<Pi>[]) {
    const pis = [pi('00000001', more)];
    assert.equal(why({}, pis), 'not-found no-free-pi: no available Pi found');
    assert.match(why({ piId: '00000001' as PiId }, pis) ?? '', /^conflict pi-not-free: Pi 00000001 is not free: /);
  }
  assert.equal(pick({}, { isClaimed: ((id: PiId) => id === '00000001') as never }), '00000002');
});

test('a Pi is picked that has all that is wished', () => {
  assert.equal(pick({ model: '4b' }), '00000002');
  assert.equal(pick({ tags: ['rack-2'] }), '00000003');
  assert.equal(pick({ tags: ['rack-1', 'gpu'] }), '00000002');
  assert.equal(pick({ memory: 2 * GIB }), '00000002');
  assert.equal(pick({ memory: 4 * GIB, tags: ['rack-2'], model: '4B' }), '00000003');
  assert.equal(pick({ piId: '00000004' as PiId }), '00000004');
});

test('when none is picked the message says which wish nothing meets', () => {
  assert.equal(why({ model: '5' }), 'not-found no-free-pi: no available Pi has the model 5');
  assert.equal(why({ memory: 8 * GIB }), 'not-found no-free-pi: no available Pi has at least 8GiB of memory');
  assert.equal(why({ tags: ['rack-1', 'ssd'] }), 'not-found no-free-pi: no available Pi has the tag ssd');
  assert.equal(
    why({ tags: ['ssd'], model: '5' }),
    'not-found no-free-pi: no available Pi has the model 5, or the tag ssd',
  );
  assert.equal(
    why({ tags: ['gpu', 'rack-2'] }),
    'not-found no-free-pi: no available Pi has the tag gpu and the tag rack-2 at once',
  );
  assert.equal(why({ model: '4B' }, []), 'not-found no-free-pi: no available Pi found');
});

test('the Pi that is asked for is taken, or nothing', () => {
  assert.equal(why({ piId: '0000ffff' as PiId }), 'not-found pi-unknown: there is no Pi 0000ffff');
  assert.equal(
    why({ piId: '00000001' as PiId, model: '4B', tags: ['gpu'], memory: GIB }),
    'conflict pi-unsuitable: Pi 00000001 has not, or is not known to have, the model 4B and the tag gpu',
  );
  assert.match(why({ piId: '00000004' as PiId, memory: 1024 }) ?? '', /pi-unsuitable/, 'nobody knows its memory');
});
