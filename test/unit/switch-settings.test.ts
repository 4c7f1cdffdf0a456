import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import type { Seal } from '../../core/host/sealed.ts';
import type { SwitchSettings } from '../../db/switches.ts';
import { kindInfo } from '../../server/http/switch-views.ts';
import { defineSwitchKind, type SwitchSurvey } from '../../server/power/switches/kind.ts';
import { SWITCH_KINDS } from '../../server/power/switches/kinds.ts';
import { changeSettings, keepSettings, mergeSettings, splitSettings } from '../../server/power/switches/settings.ts';
import { tidySurvey } from '../../server/power/switches/tidy.ts';
import { hideSecrets, plainWords } from '../../server/power/switches/words.ts';

const SECRET = 'hunter2-hunter2';

test('of what a driver says no secret is left, in any form, nor a path or an error of the system', () => {
  const cases: [string, string][] = [
    [`wrong password ${SECRET}!`, 'wrong password ***!'],
    [`Basic ${Buffer.from('p&ss w').toString('base64')}`, 'Basic ***'],
    ['no such user?pw=p%26ss%20w', 'no such user?pw=***'],
    ['https://user:x@10.0.0.2/api/login answered 403', 'its address answered 403'],
    ['cannot read /etc/bakery/ca.pem: ENOENT', 'cannot read … a fault of the system'],
    ['connect ECONNREFUSED 10.0.0.2:161', 'connect the connection was refused 10.0.0.2:161'],
    ['line one\r\n\tline two\u0007', 'line one line two'],
  ];
  for (const [said, told] of cases) assert.equal(plainWords(said, [SECRET, 'p&ss w']), told);
  assert.equal(plainWords('x'.repeat(5_000), []).length, 301);
  assert.equal(hideSecrets('ab abc', ['ab']), 'ab abc', 'two letters stand everywhere');
  assert.equal(hideSecrets('secretly', ['secret', 'secretly']), '***', 'the longer of two is hidden whole');
});

const kind = defineSwitchKind({
  name: 'toy',
  title: 'toy',
  settings: z.strictObject({
    host: z.string().min(1),
    port: z.int().default(161),
    password: z.string().refine((text) => text !== 'wrong-password', { error: 'wrong-password is refused' }),
    second: z.string().optional(),
  }),
  secrets: ['password', 'second'],
  address: ['host'],
  batches: false,
  readBackMs: 0,
  open: () => ({ set: async () => undefined }),
});
/** No cipher: what is sealed is seen. */
const seal = (isBroken = false): Seal => ({
  close: async (text, of) => Buffer.from(`${of} ${text}`),
  async open(sealed) {
    if (isBroken) throw new BakeryError('conflict', 'seal-broken', 'broken');
    return Buffer.from(sealed).toString().replace(/^\S+ /, '');
  },
});
const sealedText = (kept: { sealed: Uint8Array | undefined }) => kept.sealed && Buffer.from(kept.sealed).toString();
const keep = (settings: SwitchSettings) => keepSettings(kind, settings, { name: 'a', seal: seal() });
const isBad = (message: RegExp) => (error: BakeryError) =>
  error.code === 'bad-switch-settings' && message.test(error.message) && !error.message.includes(SECRET);

test('settings are split into what is sealed and what is not, as they were entered', async () => {
  const kept = await keep({ host: 'h', password: SECRET });
  assert.deepEqual(kept.settings, { host: 'h' }, 'defaults stay the matter of the kind');
  assert.equal(sealedText(kept), `a {"password":"${SECRET}"}`);
  assert.deepEqual(splitSettings({ secrets: [] }, { a: 1 }), { open: { a: 1 }, secret: {} });
  assert.deepEqual(mergeSettings({ a: 1, b: 2 }, { b: null, c: 3 }), { a: 1, c: 3 });
});

test('settings that the kind does not take are refused, without a word of what is secret', async () => {
  await assert.rejects(keep({ host: '', password: SECRET }), isBad(/^host: /));
  await assert.rejects(keep({ host: 'h' }), isBad(/^password: /));
  await assert.rejects(keep({ host: 'h', password: SECRET, pasword: SECRET }), isBad(/no setting pasword$/));
  await assert.rejects(keep({ host: 'h', password: SECRET, [`/${SECRET}`]: 1 }), isBad(/no setting of such a name$/));
  await assert.rejects(keep({ host: 'h', password: 'wrong-password' }), isBad(/^password: \*\*\* is refused$/));
  await assert.rejects(keep({ host: 'h'.repeat(140_000), password: SECRET }), isBad(/128 KiB/));
});

test('every kind has a JSON Schema of its settings, in which secrets are marked and nothing is shown that is one', () => {
  for (const one of SWITCH_KINDS) {
    const { secrets, settings } = kindInfo(one);
    const marked = Object.entries(settings.properties).filter(([, value]) =>
      JSON.stringify(value).includes('writeOnly'),
    );
    assert.deepEqual(marked.map(([name]) => name).toSorted(), secrets.toSorted(), one.name);
    assert.equal(settings.type, 'object');
  }
});

test('in a change what is absent stays, secrets too, and null takes it back', async () => {
  const kept = await keep({ host: 'h', password: SECRET, second: 'two' });
  const before = { name: 'a', kind: 'toy', notes: '', createdAt: 0, ...kept };
  const change = (patch: SwitchSettings) => changeSettings(kind, { before, patch }, seal());
  assert.equal(sealedText(await change({ port: 99 })), `a {"password":"${SECRET}","second":"two"}`);
  assert.deepEqual((await change({ port: 99 })).settings, { host: 'h', port: 99 });
  assert.equal(sealedText(await change({ second: null })), `a {"password":"${SECRET}"}`);
  await assert.rejects(change({ password: null }), isBad(/^password: /));
});

test('credentials that cannot be read are replaced as a whole, or not touched', async () => {
  const before = { name: 'a', kind: 'toy', notes: '', createdAt: 0, ...(await keep({ host: 'h', password: SECRET })) };
  const change = (patch: SwitchSettings) => changeSettings(kind, { before, patch }, seal(true));
  await assert.rejects(change({ host: 'i' }), { code: 'switch-credentials-lost' });
  await assert.rejects(change({ second: 'two' }), isBad(/^password: /), 'one of two is not enough');
  assert.equal(sealedText(await change({ password: 'new-password' })), 'a {"password":"new-password"}');
});

test('a survey is kept in its bounds, whatever a driver makes of what its switch says', () => {
  const port = (name: string, more: object = {}) => ({ port: name, power: 'on' as const, ...more });
  const survey: SwitchSurvey = {
    description: `GS308\u0000 ${'x'.repeat(500)}`,
    budget: { limitMilliwatts: Number.NaN, usedMilliwatts: 1 },
    ports: [
      port('1', { milliwatts: 12.6, label: ' up\nlink ', link: false }),
      port('1', { power: 'off' }),
      port(''),
      port('x'.repeat(65)),
      port('2', {
        milliwatts: -1,
        label: '\u0007',
        macs: ['DC-A6-32-00-00-01', 'dc:a6:32:00:00:01', 'ff:ff:ff:ff:ff:ff', 'no'],
      }),
      ...Array.from({ length: 2_000 }, (_, i) =>
        port(`p${i}`, { macs: Array.from({ length: 99 }, (_, n) => macOf(n)) }),
      ),
    ],
  };
  const { description, budget, ports } = tidySurvey(survey);
  assert.equal(description.length, 200);
  assert.equal(budget, undefined);
  assert.equal(ports.length, 512);
  assert.deepEqual(ports.slice(0, 2), [
    { port: '1', power: 'on', label: 'up link', milliwatts: 13, link: false },
    { port: '2', power: 'on', macs: ['dc:a6:32:00:00:01'] },
  ]);
  assert.equal(ports[2]?.macs?.length, 64);
});

function macOf(i: number): string {
  return `dc:a6:32:00:00:${i.toString(16).padStart(2, '0')}`;
}
