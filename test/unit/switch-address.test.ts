import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { Seal } from '../../core/host/sealed.ts';
import type { SwitchSettings } from '../../db/switches.ts';
import { kindInfo } from '../../server/http/switch-views.ts';
import { defineSwitchKind, type SwitchKind } from '../../server/power/switches/kind.ts';
import { SWITCH_KINDS } from '../../server/power/switches/kinds.ts';
import { addressOf, changeSettings, keepSettings, splitSettings } from '../../server/power/switches/settings.ts';
import { makeTrust } from '../lab/switches/trust.ts';

const SECRET = 'hunter2-hunter2';
const { cert } = makeTrust();

const kind = defineSwitchKind({
  name: 'toy',
  title: 'toy',
  settings: z.strictObject({
    host: z.string().min(1),
    port: z.int().default(161),
    password: z.string(),
    second: z.string().optional(),
  }),
  secrets: ['password', 'second'],
  address: ['host'],
  batches: false,
  readBackMs: 0,
  open: () => ({ set: async () => undefined }),
});
/** No cipher: what is sealed is seen. */
const seal: Seal = {
  close: async (text, of) => Buffer.from(`${of} ${text}`),
  open: async (sealed) => Buffer.from(sealed).toString().replace(/^\S+ /, ''),
};
const sealedText = (kept: { sealed: Uint8Array | undefined }) => kept.sealed && Buffer.from(kept.sealed).toString();

test('who changes where a switch is gives all of its secrets again, or takes them back', async () => {
  const kept = await keepSettings(kind, { host: 'h', password: SECRET, second: 'two' }, { name: 'a', seal });
  const before = { name: 'a', kind: 'toy', notes: '', createdAt: 0, ...kept };
  const change = (patch: SwitchSettings, of: SwitchKind = kind) => changeSettings(of, { before, patch }, seal);
  const isAsked = (names: string) => ({
    code: 'switch-secrets-needed',
    kind: 'invalid',
    message: `with another host the secrets are needed again: send ${names} too, null for one that is not used any more`,
  });
  await assert.rejects(change({ host: 'i' }), isAsked('password, second'));
  await assert.rejects(change({ host: 'i', second: 'two' }), isAsked('password'));
  assert.equal(sealedText(await change({ host: 'i', password: SECRET, second: null })), `a {"password":"${SECRET}"}`);
  assert.deepEqual((await change({ host: 'h', port: 1 })).settings, { host: 'h', port: 1 }, 'it is where it was');
  await assert.rejects(change({ host: '' }), { code: 'bad-switch-settings' }, 'what is wrong is told first');
  // Of a kind that does not say which settings these are each may be one.
  const { address: _, ...silent } = kind;
  await assert.rejects(change({ port: 162 }, silent), {
    code: 'switch-secrets-needed',
    message: /^with another port /,
  });
  assert.equal(sealedText(await change({ port: 161 }, silent)), sealedText(kept), 'its default means the same');
});

/** Settings with which each kind has all the secrets that it can have at once, and others of the same meaning or not. */
const KNOWN: Record<string, { is: SwitchSettings; others: SwitchSettings }> = {
  'snmp-poe': {
    is: { host: 'h', user: 'u', authKey: SECRET, privKey: SECRET, community: SECRET },
    others: { host: 'i', port: 162, version: '2c' },
  },
  unifi: {
    is: { url: 'https://a', mac: 'dc:a6:32:00:00:01', username: 'u', password: SECRET },
    others: { url: 'https://b', caPem: cert, certificateSha256: 'a'.repeat(64) },
  },
  mikrotik: {
    is: { url: 'https://a', username: 'u', password: SECRET },
    others: { url: 'https://b', caPem: cert, certificateSha256: 'a'.repeat(64) },
  },
  'openwrt-ubus': {
    is: { url: 'https://a', password: SECRET },
    others: { url: 'http://a', caPem: cert, certificateSha256: 'a'.repeat(64) },
  },
  webhook: {
    is: { url: 'https://a', path: '/{state}', body: '{}', queryBody: '{}', password: SECRET },
    others: {
      url: 'https://b',
      caPem: cert,
      method: 'PUT',
      path: '/{state}/{password}',
      body: '{"a": "{password}"}',
      contentType: 'text/plain',
      headers: 'x-to: {port}',
      queryMethod: 'POST',
      queryPath: '/{password}',
      queryBody: '{"a": "{password}"}',
      tokenHeader: 'x-token',
    },
  },
};

for (const one of SWITCH_KINDS.filter(({ secrets }) => secrets.length > 0)) {
  test(`${one.name} says which settings are its address, and each keeps its secrets where they were given for`, async () => {
    const known = KNOWN[one.name];
    assert.ok(known, 'a new kind needs a row');
    assert.ok(one.address && one.address.length > 0, 'it declares them');
    assert.deepEqual(
      one.address.filter((name) => !Object.hasOwn(one.settings.shape, name) || one.secrets.includes(name)),
      [],
    );
    assert.deepEqual(Object.keys(known.others).toSorted(), one.address.toSorted());
    assert.deepEqual(kindInfo(one).address, addressOf(one));
    const kept = await keepSettings(one, known.is, { name: 'a', seal });
    const before = { name: 'a', kind: one.name, notes: '', createdAt: 0, ...kept };
    const again = splitSettings(one, known.is).secret;
    for (const [name, value] of Object.entries(known.others)) {
      const change = (patch: SwitchSettings) => changeSettings(one, { before, patch }, seal);
      await assert.rejects(change({ [name]: value }), { code: 'switch-secrets-needed' }, name);
      assert.equal((await change({ [name]: value, ...again })).settings[name], value);
    }
  });
}
