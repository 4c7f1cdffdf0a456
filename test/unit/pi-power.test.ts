import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import type { Ipv4, PiId } from '../../core/ids.ts';
import { listFeed } from '../../db/events.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, movePi, patchPi, requirePi } from '../../db/pis.ts';
import { createPiPower } from '../../server/operations/pi-power.ts';
import { type PowerAction, planPower } from '../../server/operations/power.ts';
import { createCycleLimit } from '../../server/power/cycles.ts';

const PI = '5564247d' as PiId;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** Turns that are given at once, unless a test holds them back with `wait`. What is done with them is noted. */
function noTurns(asked: string[]) {
  const turns = {
    wait: async (_signal: AbortSignal): Promise<void> => undefined,
    notes: [] as string[],
    isUp: false,
    async take(_pi: PiId, signal: AbortSignal) {
      turns.notes.push(`take after ${asked.at(-1)?.split(',')[0] ?? 'nothing'}`);
      await turns.wait(signal);
      return {
        begun: () => void turns.notes.push('begun'),
        giveBack: () => void turns.notes.push('given back'),
      };
    },
    ended: () => void turns.notes.push('ended'),
  };
  return turns;
}

/** Power over a real inventory and a switch that does what `act` says, and notes what was wished when it was asked. */
async function setUp(act: (verb: string, signal?: AbortSignal) => Promise<void> = async () => undefined) {
  const db = await openDatabase(':memory:');
  await addPi(db, { id: PI, quarantine: false, confirmed: true, now: 1 });
  const asked: string[] = [];
  async function ask(verb: string, signal?: AbortSignal): Promise<void> {
    asked.push(`${verb}, wished ${(await requirePi(db, PI)).desiredPower}`);
    await act(verb, signal);
  }
  const turns = noTurns(asked);
  const power = createPiPower({
    db,
    turns,
    cycles: createCycleLimit({ perHour: 2, clock: systemClock }),
    isUp: () => turns.isUp,
    clock: systemClock,
    log: quiet,
    power: {
      controls: () => true,
      reach: () => 'port',
      whyNone: () => undefined,
      observe: async () => undefined,
      on: (_pi, signal) => ask('on', signal),
      async cycle(_pi, signal, whenOff) {
        await ask('cycle', signal);
        await whenOff?.();
      },
      async off(_pi, signal) {
        await ask('off', signal);
        return 'off';
      },
    },
  });
  return { db, power, turns, asked, pi: () => requirePi(db, PI) };
}

/** A switch that is not done before it is called off. */
function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
}

test('the wish is committed before the switch is asked, and a boot is expected of what is switched on', async () => {
  const { power, asked, pi } = await setUp();
  await power.on(PI);
  assert.ok(((await pi()).bootExpectedUntil ?? 0) > Date.now());
  await power.off(PI);
  assert.equal((await pi()).bootExpectedUntil, undefined);
  await power.cycle(PI);
  assert.ok(((await pi()).bootExpectedUntil ?? 0) > Date.now());
  assert.deepEqual(asked, ['on, wished on', 'off, wished off', 'cycle, wished on']);
});

test('what is switched off has no address any more', async () => {
  const { db, power } = await setUp();
  await patchPi(db, PI, { address: '10.0.0.5' as Ipv4 });
  await power.cycle(PI);
  assert.equal((await requirePi(db, PI)).address, '10.0.0.5');
  await power.off(PI);
  assert.equal((await requirePi(db, PI)).address, undefined);
});

test('what fails is a fault of the Pi, which says what it was, and the next that works clears it', async () => {
  let broken = true;
  const { power, pi } = await setUp(async () => {
    if (broken) throw new BakeryError('unavailable', 'power-failed', 'it could not be switched');
  });
  for (const verb of ['on', 'off', 'cycle'] as const) {
    broken = true;
    await assert.rejects(power[verb](PI), { code: 'power-failed' });
    assert.equal((await pi()).fault, `power-${verb} failed: it could not be switched`);
    broken = false;
    await power[verb](PI);
    assert.equal((await pi()).fault, undefined);
  }
});

// A limit: what is not overtaken would be waited for for ever.
test('an off overtakes an on and a cycle under way, and that is no fault', { timeout: 20_000 }, async () => {
  for (const verb of ['on', 'cycle'] as const) {
    const { power, asked, pi } = await setUp(async (asks, signal) =>
      asks === 'off' ? undefined : untilAborted(signal),
    );
    const start = power[verb](PI);
    start.catch(() => undefined);
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await power.off(PI);
    await assert.rejects(start, { code: 'overtaken' });
    assert.deepEqual([(await pi()).desiredPower, (await pi()).fault], ['off', undefined]);
  }
});

test('whoever is switched on waits for its turn, off never does, and a cycle only when it is off', {
  timeout: 20_000,
}, async () => {
  for (const [verb, before, after] of [
    ['on', 'nothing', ['on']],
    ['cycle', 'cycle', []],
  ] as const) {
    const { power, turns, asked, pi } = await setUp();
    const turn = Promise.withResolvers<void>();
    turns.wait = () => turn.promise;
    const start = power[verb](PI);
    while (turns.notes.at(-1) !== `take after ${before}`) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await pi()).bootExpectedUntil, undefined, 'it is off: nobody asks in its name');
    const inTurn = asked.length;
    turn.resolve();
    await start;
    assert.deepEqual(
      asked.slice(inTurn).map((line) => line.split(',')[0]),
      after,
    );
    assert.deepEqual(turns.notes, [...(verb === 'cycle' ? ['ended'] : []), `take after ${before}`, 'begun']);
    turns.notes.length = 0;
    turns.wait = () => new Promise(() => undefined);
    await power.off(PI);
    assert.deepEqual(turns.notes, ['ended']);
  }
});

test('who is called off while it waits for its turn is told at once, and that is no fault', {
  timeout: 20_000,
}, async () => {
  for (const verb of ['on', 'cycle'] as const) {
    const { power, turns, pi } = await setUp();
    turns.wait = untilAborted;
    const abort = new AbortController();
    const start = power[verb](PI, abort.signal);
    start.catch(() => undefined);
    while (!turns.notes.some((note) => note.startsWith('take'))) await new Promise((resolve) => setImmediate(resolve));
    abort.abort(new BakeryError('conflict', 'cancelled', 'the operation was cancelled'));
    await assert.rejects(start, { code: 'cancelled' });
    assert.equal((await pi()).fault, undefined);
    const overtaken = power[verb](PI);
    overtaken.catch(() => undefined);
    await power.off(PI);
    await assert.rejects(overtaken, { code: 'overtaken' });
    assert.equal((await pi()).desiredPower, 'off');
  }
});

test('what is up needs no turn to be switched on, but to be cycled', async () => {
  const { power, turns, asked } = await setUp();
  turns.isUp = true;
  await power.on(PI);
  assert.deepEqual([asked.length, turns.notes], [1, []]);
  await power.cycle(PI);
  assert.deepEqual(turns.notes, ['ended', 'take after cycle', 'begun']);
});

test('what was just switched off waits for its turn, though its boot is not known to be over yet', async () => {
  const { power, turns } = await setUp();
  turns.isUp = true;
  await power.off(PI);
  await power.on(PI);
  assert.deepEqual(turns.notes.splice(0), ['ended', 'take after off', 'begun']);
  await power.on(PI);
  assert.deepEqual(turns.notes.splice(0), [], 'it has its power again');
  turns.wait = () => Promise.reject(new BakeryError('conflict', 'cancelled', 'the operation was cancelled'));
  await assert.rejects(power.cycle(PI), { code: 'cancelled' });
  turns.wait = async () => undefined;
  await power.on(PI);
  assert.deepEqual(turns.notes, ['ended', 'take after cycle', 'take after cycle', 'begun'], 'the cycle left it off');
});

test('a turn is given back when the switch fails', async () => {
  const { power, turns } = await setUp(async () => {
    throw new BakeryError('unavailable', 'power-failed', 'it could not be switched');
  });
  await assert.rejects(power.on(PI), { code: 'power-failed' });
  assert.deepEqual(turns.notes, ['take after nothing', 'given back']);
});

test('what is called off is no fault, what takes too long is', async () => {
  for (const verb of ['on', 'off', 'cycle'] as const) {
    const { power, pi } = await setUp(async (_verb, signal) => untilAborted(signal));
    const abort = new AbortController();
    const cancelled = power[verb](PI, abort.signal);
    cancelled.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort(new BakeryError('conflict', 'cancelled', 'the operation was cancelled'));
    await assert.rejects(cancelled, { code: 'cancelled' });
    assert.equal((await pi()).fault, undefined);
    await assert.rejects(power[verb](PI, AbortSignal.timeout(1)));
    assert.match((await pi()).fault ?? '', new RegExp(`^power-${verb} failed`));
  }
});

test('a Pi is switched off wherever it stands free or baked, and on only where it has something to boot or a person has it', async () => {
  const { db } = await setUp();
  const plan = (action: PowerAction, reach: 'port' | 'by-hand' | 'none' = 'port') =>
    planPower(db, { pi: PI, action, power: { reach: () => reach, whyNone: () => undefined, cycleWaitMs: () => 0 } });
  const refused = (code: string, action: PowerAction, reach?: 'none') => assert.rejects(plan(action, reach), { code });
  await refused('power-on-unbaked', 'on');
  await refused('power-on-unbaked', 'cycle');
  assert.deepEqual(await plan('off'), { pi: PI, action: 'off' });
  await refused('power-not-configured', 'off', 'none');
  await patchPi(db, PI, { maintenance: true });
  assert.deepEqual(await plan('on', 'by-hand'), { pi: PI, action: 'on' });
  await patchPi(db, PI, { maintenance: false });
  await movePi(db, PI, 'bake');
  await movePi(db, PI, 'baked');
  for (const action of ['on', 'off', 'cycle'] as const) assert.deepEqual(await plan(action), { pi: PI, action });
  await db.updateTable('pis').set({ quarantine: 1 }).execute();
  await refused('pi-quarantined', 'off');
});

test('a Pi that was cycled too often is refused another by plan, with how long it takes; a cycle itself is told and done', async () => {
  const { db, power, asked } = await setUp();
  await movePi(db, PI, 'bake');
  await movePi(db, PI, 'baked');
  const plan = (action: PowerAction) => planPower(db, { pi: PI, action, power });
  const told = async () => (await listFeed(db, { after: 0, limit: 100 })).map(({ type }) => type);
  await power.cycle(PI);
  assert.deepEqual(await plan('cycle'), { pi: PI, action: 'cycle' });
  await power.cycle(PI);
  await assert.rejects(plan('cycle'), { kind: 'too-many', code: 'too-many-cycles', message: /again in 60 min/ });
  assert.deepEqual(await plan('off'), { pi: PI, action: 'off' });
  assert.deepEqual(await told(), []);
  await power.cycle(PI);
  assert.deepEqual(await told(), ['pi.cycled-often']);
  assert.equal(asked.length, 3);
});

test('why a Pi is out of reach is told with the refusal', async () => {
  const { db } = await setUp();
  const power = { reach: () => 'none' as const, whyNone: () => 'there is no switch poe-a', cycleWaitMs: () => 0 };
  await assert.rejects(planPower(db, { pi: PI, action: 'off', power }), {
    code: 'power-not-configured',
    message: 'there is no switch poe-a',
  });
});

test('a request counts as under way until it has ended, however many there are', async () => {
  const gates: (() => void)[] = [];
  const { power } = await setUp(() => new Promise((resolve) => gates.push(() => resolve())));
  assert.equal(power.isSwitching(PI), false);
  const [one, two] = [power.off(PI), power.off(PI)];
  assert.equal(power.isSwitching(PI), true);
  while (gates.length < 2) await new Promise((resolve) => setImmediate(resolve));
  gates[0]?.();
  await one;
  assert.equal(power.isSwitching(PI), true);
  gates[1]?.();
  await two;
  assert.equal(power.isSwitching(PI), false);
});
