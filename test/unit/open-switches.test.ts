import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { inspect } from 'node:util';
import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import type { Seal } from '../../core/host/sealed.ts';
import { requirePiId } from '../../core/ids.ts';
import { listFeed } from '../../db/events.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { forgetPi } from '../../db/pi-remarks.ts';
import { addPi, dropUnconfirmed } from '../../db/pis.ts';
import { addSwitch, bindPort, changeSwitch, removeSwitch } from '../../db/switches.ts';
import { DEFAULT_CALL_LIMITS } from '../../server/power/bounded.ts';
import { PowerFault } from '../../server/power/driver.ts';
import { createQueues } from '../../server/power/queues.ts';
import { switchFigures } from '../../server/power/switches/figures.ts';
import { defineSwitchKind, type SwitchSurvey } from '../../server/power/switches/kind.ts';
import { createSwitchNews } from '../../server/power/switches/news.ts';
import { createOpenSwitches, type OpenSwitches } from '../../server/power/switches/open.ts';
import { createSwitchQuestions, type SwitchQuestions } from '../../server/power/switches/questions.ts';
import { createSwitchSurveys } from '../../server/power/switches/surveys.ts';
import { type HandClock, handClock } from '../lab/fake-clock.ts';

const SECRET = 'hunter2-hunter2';
const PI = requirePiId('00000001');
const SURVEY: SwitchSurvey = { description: 'toy 1', ports: [{ port: '1', power: 'on' }] };

describe('open switches', () => {
  let db: Db;
  let clock: HandClock;
  let switches: OpenSwitches;
  let questions: SwitchQuestions;
  let logged: string[];
  /** What was done to devices, as `open a`, `close a`. */
  let done: string[];
  /** What a survey does, with the signal it is given. */
  let answer: (signal: AbortSignal) => Promise<SwitchSurvey>;
  let isKeyLost: boolean;
  const queues = createQueues();

  const kind = defineSwitchKind({
    name: 'toy',
    title: 'toy',
    settings: z.strictObject({ host: z.string(), password: z.string() }),
    secrets: ['password'],
    batches: false,
    readBackMs: 0,
    open({ host }) {
      done.push(`open ${host}`);
      return {
        set: async () => undefined,
        survey: (signal) => answer(signal),
        close: () => void done.push(`close ${host}`),
      };
    },
  });
  const mute = defineSwitchKind({
    name: 'mute',
    title: 'mute',
    settings: z.strictObject({}),
    secrets: [],
    batches: false,
    readBackMs: 0,
    open: () => ({ set: async () => undefined }),
  });
  const seal: Seal = {
    close: async (text) => Buffer.from(text),
    async open(sealed) {
      if (isKeyLost) throw new BakeryError('conflict', 'seal-broken', 'broken');
      return Buffer.from(sealed).toString();
    },
  };
  const record = (name: string, host: string) => ({
    name,
    kind: 'toy',
    notes: '',
    settings: { host },
    sealed: Buffer.from(JSON.stringify({ password: SECRET })),
    createdAt: 0,
  });
  const enter = async (name: string, host: string) => {
    await addSwitch(db, record(name, host));
    await switches.refresh();
  };

  beforeEach(async () => {
    db = await openDatabase(':memory:');
    clock = handClock();
    [logged, done, isKeyLost] = [[], [], false];
    answer = async () => SURVEY;
    const write = (fields: object, message: string) => void logged.push(`${JSON.stringify(fields)} ${message}`);
    const log = { debug: write, info: write, warn: write, error: write };
    const turn = queues.run;
    switches = createOpenSwitches({ db, kinds: [kind, mute], seal, turn, clock, log });
    const news = createSwitchNews({ db, clock, log });
    const surveys = createSwitchSurveys({ find: switches.find, turn, limits: DEFAULT_CALL_LIMITS, clock });
    questions = createSwitchQuestions({ switches, surveys, turn, news, clock, log });
  });
  afterEach(async () => {
    // What a failed test left under way would keep its switch.
    questions.stop();
    await clock.pass(3_000);
    await switches.close();
    await db.destroy();
  });

  test('a switch is opened once, and anew only when its settings are others; the old one is let go of', async () => {
    await enter('a', 'one');
    const first = switches.find('a');
    await changeSwitch(db, { ...record('a', 'one'), notes: 'noted' }, { changed: [], now: 0 });
    await switches.refresh();
    assert.equal(switches.find('a'), first);
    await changeSwitch(db, record('a', 'two'), { changed: ['host'], now: 0 });
    await switches.refresh();
    assert.notEqual(switches.find('a'), first);
    await removeSwitch(db, 'a', { unbind: false, now: 0 });
    await switches.refresh();
    assert.equal(switches.find('a'), undefined);
    await switches.close();
    assert.deepEqual(done, ['open one', 'open two', 'close one', 'close two']);
  });

  test('what is under way on a switch ends before it is let go of', async () => {
    await enter('a', 'one');
    const asked = Promise.withResolvers<SwitchSurvey>();
    answer = () => asked.promise;
    const taking = questions.survey('a');
    await turnOfLoop();
    await changeSwitch(db, record('a', 'two'), { changed: ['host'], now: 0 });
    await switches.refresh();
    assert.deepEqual(done, ['open one', 'open two']);
    asked.resolve(SURVEY);
    await assert.rejects(taking, { code: 'switch-failed', message: /was changed meanwhile/ });
    await switches.close();
    assert.deepEqual(done.slice(0, 3), ['open one', 'open two', 'close one']);
    assert.equal(questions.last('a'), undefined, 'what the old one told says nothing of the new');
  });

  test('one that cannot be opened has a fault, the others work, and it is tried again', async () => {
    isKeyLost = true;
    await enter('a', 'one');
    await addSwitch(db, { ...record('b', 'two'), kind: 'gone', sealed: undefined });
    await addSwitch(db, { ...record('c', 'three'), settings: { old: 1 }, sealed: undefined });
    await addSwitch(db, { ...record('d', ''), kind: 'mute', settings: {}, sealed: undefined });
    await switches.refresh();
    const faults = ['a', 'b', 'c', 'd'].map((name) => switches.state(name)?.fault);
    assert.deepEqual(faults, [
      'its credentials cannot be read; enter them again',
      'this server has no kind gone of switches',
      'its kind does not take its settings any more',
      undefined,
    ]);
    await assert.rejects(questions.survey('a'), { code: 'switch-unusable' });
    await assert.rejects(questions.survey('d'), { code: 'switch-cannot-tell' });
    await assert.rejects(questions.port('d', '1'), { code: 'switch-cannot-tell' });
    await assert.rejects(questions.survey('e'), { code: 'switch-unknown' });
    isKeyLost = false;
    await switches.refresh();
    assert.equal(switches.state('a')?.fault, undefined);
    assert.deepEqual(done, ['open one']);
    assert.equal(logged.length, 3, 'each fault was told once');
  });

  test('which port a Pi is bound to is known after each change, and a bound Pi is dropped for no stranger', async () => {
    await addPi(db, { id: PI, quarantine: false, confirmed: false, now: 0 });
    assert.equal(switches.boundPort(PI), undefined);
    await bindPort(db, PI, { switch: 'a', port: '1' }, 0);
    await switches.refresh();
    assert.deepEqual(switches.boundPort(PI), { switch: 'a', port: '1' });
    assert.deepEqual(await dropUnconfirmed(db, 0), []);
    await forgetPi(db, PI);
    await switches.refresh();
    assert.equal(switches.boundPort(PI), undefined);
  });

  test('a switch that does not answer is given up after 10 s, and its turn with it', async () => {
    await enter('a', 'one');
    answer = (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const codes: string[] = [];
    for (let i = 0; i < 2; i++) questions.survey('a').catch(({ code }: BakeryError) => codes.push(code));
    await clock.pass(9_999);
    assert.deepEqual(codes, []);
    await clock.pass(1);
    assert.deepEqual(codes, ['switch-timeout', 'switch-timeout']);
    answer = async () => SURVEY;
    assert.deepEqual(await questions.survey('a'), { ...SURVEY, at: clock.now() });
  });

  test('a driver that does not let go keeps its switch for 3 s more, not for ever', async () => {
    await enter('a', 'one');
    answer = () => new Promise(() => undefined);
    const hanging = assert.rejects(questions.survey('a'), { code: 'switch-timeout' });
    await clock.pass(10_000);
    await hanging;
    answer = async () => SURVEY;
    let isTaken = false;
    const next = questions.survey('a').then(() => {
      isTaken = true;
    });
    await clock.pass(2_999);
    assert.equal(isTaken, false);
    await clock.pass(1);
    await next;
  });

  test('what a driver throws is told without secrets: refused when it is final, else to be tried again', async () => {
    await enter('a', 'one');
    const said = `http://10.0.0.2/${SECRET} knows no ${SECRET}`;
    const thrown: [Error, object][] = [
      [new PowerFault('fatal', said), { code: 'switch-refused', kind: 'conflict' }],
      [new PowerFault('retryable', said), { code: 'switch-failed', kind: 'unavailable' }],
      [new TypeError(said), { code: 'switch-failed', message: /its driver failed/ }],
    ];
    for (const [error, expected] of thrown) {
      answer = () => Promise.reject(error);
      await assert.rejects(questions.survey('a'), (told: BakeryError) => {
        assert.ok(!JSON.stringify([told.message, told.detail, String(told.cause)]).includes(SECRET));
        assert.ok(!told.message.includes('http'));
        return Object.entries(expected).every(([key, value]) => {
          const is = told[key as 'code'];
          return value instanceof RegExp ? value.test(is) : is === value;
        });
      });
      assert.match(questions.failure('a') ?? '', /^switch a /);
    }
    assert.ok(!logged.join().includes(SECRET));
    answer = async () => SURVEY;
    await questions.survey('a');
    assert.equal(questions.failure('a'), undefined);
    assert.deepEqual([...(questions.listed('a') ?? [])], ['1']);
    answer = async () => ({ ...SURVEY, ports: [] });
    await questions.survey('a');
    assert.equal(questions.listed('a'), undefined, 'no ports say nothing of any');
  });

  test('what a driver throws tells no secret to whoever calls its device', async () => {
    await enter('a', 'one');
    const said = `it does not take ${SECRET}`;
    for (const thrown of [
      new PowerFault('fatal', said, { cause: new Error(said), told: said }),
      new TypeError(said),
      said,
    ]) {
      answer = () => Promise.reject(thrown);
      await assert.rejects(
        switches.find('a')?.device.survey?.(new AbortController().signal) ?? Promise.resolve(),
        (error) => {
          assert.ok(!inspect(error, { depth: 9 }).includes(SECRET), inspect(error));
          assert.match(String(error), /it does not take \*\*\*/);
          return thrown instanceof PowerFault === error instanceof PowerFault;
        },
      );
    }
  });

  test('what a switch says of secrets that were changed meanwhile is told without them, and is no news of it', async () => {
    await enter('a', 'one');
    const asked = Promise.withResolvers<SwitchSurvey>();
    answer = () => asked.promise;
    const refused = assert.rejects(questions.survey('a'), (told: BakeryError) => {
      assert.ok(!JSON.stringify([told.message, told.detail, String(told.cause)]).includes(SECRET));
      return told.code === 'switch-refused';
    });
    await turnOfLoop();
    const sealed = Buffer.from(JSON.stringify({ password: 'another-password' }));
    await changeSwitch(db, { ...record('a', 'one'), sealed }, { changed: ['password'], now: 0 });
    await switches.refresh();
    asked.reject(new PowerFault('fatal', `the password ${SECRET} is wrong`));
    await refused;
    assert.ok(!logged.join().includes(SECRET));
    const types = async () => (await listFeed(db, { after: 0, limit: 99 })).map(({ type }) => type);
    assert.deepEqual(await types(), ['switch.created', 'switch.changed']);
    answer = () => Promise.reject(new PowerFault('retryable', 'not now'));
    await assert.rejects(questions.survey('a'), { code: 'switch-failed' });
    assert.equal((await types()).at(-1), 'switch.unreachable');
  });

  test('what a switch did counts on when its settings are changed, and is forgotten with it', async () => {
    await enter('a', 'one');
    await questions.survey('a');
    await changeSwitch(db, record('a', 'two'), { changed: ['host'], now: 0 });
    await switches.refresh();
    const seen = () =>
      switchFigures(switches, questions).map(({ works, calls }) => [works, calls.survey.done, calls.survey.failed]);
    assert.deepEqual(seen(), [[undefined, 1, 0]], 'with these settings nobody has asked it');
    answer = () => Promise.reject(new PowerFault('retryable', 'not now'));
    await assert.rejects(questions.survey('a'), { code: 'switch-failed' });
    assert.deepEqual(seen(), [[false, 1, 1]]);
    answer = async () => SURVEY;
    await clock.pass(1);
    await questions.survey('a');
    assert.deepEqual(seen(), [[true, 2, 1]]);
    isKeyLost = true;
    await enter('b', 'one');
    assert.deepEqual(seen()[1], [false, 0, 0], 'one that cannot be opened does not work');
    await removeSwitch(db, 'a', { unbind: false, now: 0 });
    await switches.refresh();
    await enter('a', 'one');
    assert.deepEqual(seen()[0], [false, 0, 0]);
  });

  test('who looks often, or at once with others, asks the switch once', async () => {
    await enter('a', 'one');
    let asked = 0;
    answer = async () => {
      asked++;
      return SURVEY;
    };
    await Promise.all([1, 2, 3].map(() => questions.recent('a', 5_000)));
    assert.equal(asked, 1);
    await clock.pass(5_000);
    await questions.recent('a', 5_000);
    assert.equal(asked, 1);
    await clock.pass(1);
    await questions.recent('a', 5_000);
    assert.equal(asked, 2);
    await questions.survey('a');
    assert.equal(asked, 3, 'a test asks now');
  });

  test('a stop ends what is under way, which is no fault of the switch', async () => {
    await enter('a', 'one');
    answer = (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const taking = assert.rejects(questions.survey('a'), { code: 'stopping' });
    await turnOfLoop();
    questions.stop();
    await taking;
    assert.equal(questions.failure('a'), undefined);
  });
});
