import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BakeryError } from '../../core/errors.ts';
import { loadSwitchKinds } from '../../server/power/switches/external.ts';
import { SWITCH_KINDS } from '../../server/power/switches/kinds.ts';
import { addressOf } from '../../server/power/switches/settings.ts';

const KIT = fileURLToPath(new URL('../../server/power/switches/kit.ts', import.meta.url));
const PARTS = {
  name: "'my-strip'",
  title: "'A strip of mine'",
  settings: 'z.strictObject({ host: z.string(), key: z.string() })',
  secrets: "['key']",
  batches: 'false',
  readBackMs: '0',
  open: '() => ({ set: async () => {} })',
};

describe('modules with kinds of switches', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bakery-modules-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function file(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }
  function driver(name: string, other: Partial<typeof PARTS> & { address?: string } = {}): string {
    const members = Object.entries({ ...PARTS, ...other }).map(([member, value]) => `  ${member}: ${value},\n`);
    const text = `import { defineSwitchKind, z } from '${KIT}';\nexport const switchKind = defineSwitchKind({\n${members.join('')}});\n`;
    return file(name, text);
  }

  test('are loaded in their order, in TypeScript or not, from outside of Bakery', async () => {
    const paths = [driver('b.ts', { name: "'b'" }), driver('a.mjs', { name: "'a'" })];
    const kinds = await loadSwitchKinds(paths, SWITCH_KINDS);
    assert.deepEqual(
      kinds.map(({ name, title, secrets }) => [name, title, secrets]),
      [
        ['b', 'A strip of mine', ['key']],
        ['a', 'A strip of mine', ['key']],
      ],
    );
    assert.deepEqual(await loadSwitchKinds([], SWITCH_KINDS), []);
  });

  test('say which settings are the address that secrets are for; of one that does not, each that is not secret is', async () => {
    const settings = 'z.strictObject({ host: z.string(), slot: z.number(), key: z.string() })';
    const paths = [driver('b.ts', { settings }), driver('a.ts', { name: "'a'", settings, address: "['host']" })];
    const kinds = await loadSwitchKinds(paths, SWITCH_KINDS);
    assert.deepEqual(kinds.map(addressOf), [['host', 'slot'], ['host']]);
  });

  test('that are no drivers stop the start, and it is said what is wrong with which', async () => {
    const wrong: [path: string, what: RegExp][] = [
      [join(folder, 'missing.ts'), /Cannot find module/],
      [file('syntax.mjs', 'export const = 1;'), /SyntaxError/],
      [file('throws.mjs', "throw new Error('no licence');"), /no licence/],
      [file('other.mjs', 'export const kind = {};'), /switchKind: /],
      [driver('name.ts', { name: "'My Strip'" }), /switchKind\.name: is small letters/],
      [driver('title.ts', { title: "''" }), /switchKind\.title: /],
      [driver('settings.ts', { settings: '{ parse: () => ({}) }' }), /switchKind\.settings: /],
      [driver('secrets.ts', { secrets: "['kee']" }), /switchKind\.secrets: names what is no setting/],
      [driver('address.ts', { address: "['hots']" }), /switchKind\.address: names what is no setting, or is secret/],
      [driver('shown.ts', { address: "['key']" }), /switchKind\.address: names what is no setting, or is secret/],
      [driver('late.ts', { readBackMs: '86_400_000' }), /switchKind\.readBackMs: /],
      [driver('taken.ts', { name: "'webhook'" }), /the name webhook is taken/],
    ];
    for (const [path, what] of wrong) {
      await assert.rejects(loadSwitchKinds([path], SWITCH_KINDS), (error) => {
        assert.ok(error instanceof BakeryError && error.code === 'power-config');
        assert.match(error.detail ?? '', what);
        assert.ok(error.detail?.startsWith(path), error.detail);
        return true;
      });
    }
    const twice = [driver('first.ts'), driver('second.ts')];
    await assert.rejects(loadSwitchKinds(twice, []), { detail: `${twice[1]}: the name my-strip is taken` });
  });
});
