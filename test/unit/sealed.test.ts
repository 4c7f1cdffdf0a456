import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { closeSeal, makeKey, openSeal, sealWith } from '../../core/host/sealed.ts';

const KEY = Buffer.alloc(32, 7);
const TEXT = '{"authKey":"correct horse","privKey":"ü🥧"}';

test('what is sealed opens with its key, for its name, and in no other way', () => {
  const sealed = closeSeal(KEY, TEXT, 'rack-a');
  assert.equal(openSeal(KEY, sealed, 'rack-a'), TEXT);
  assert.equal(openSeal(KEY, sealed, 'rack-b'), undefined, 'put beside another name');
  assert.equal(openSeal(Buffer.alloc(32, 8), sealed, 'rack-a'), undefined, 'another key');
  for (let i = 0; i < sealed.length; i++) {
    const spoilt = Buffer.from(sealed);
    spoilt[i] = (spoilt[i] ?? 0) ^ 1;
    assert.equal(openSeal(KEY, spoilt, 'rack-a'), undefined, `byte ${i} changed`);
    assert.equal(openSeal(KEY, sealed.subarray(0, i), 'rack-a'), undefined, `cut off after ${i}`);
  }
  assert.equal(openSeal(KEY, closeSeal(KEY, '', 'rack-a'), 'rack-a'), '');
});

test('the same text is sealed otherwise each time, and is not in it', () => {
  const sealed = Array.from({ length: 100 }, () => Buffer.from(closeSeal(KEY, TEXT, 'rack-a')));
  assert.equal(new Set(sealed.map((one) => one.subarray(1, 13).toString('hex'))).size, 100, 'no nonce came twice');
  for (const one of sealed) assert.ok(!one.includes('correct'));
});

describe('the key file', () => {
  let folder: string;
  let file: string;
  const isBroken = { name: 'BakeryError', code: 'seal-broken' };
  const isUnusable = { name: 'BakeryError', code: 'key-unusable' };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bakery-seal-'));
    file = join(folder, 'secrets.key');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is made with 32 bytes for root alone when something is sealed, once for all who seal at once', async () => {
    const sealed = sealWith(file).close(TEXT, 'a');
    const all = await Promise.all([sealed, ...Array.from({ length: 9 }, () => sealWith(file).close(TEXT, 'a'))]);
    assert.deepEqual([statSync(file).size, statSync(file).mode & 0o777], [32, 0o600]);
    for (const one of all) assert.equal(await sealWith(file).open(one, 'a'), TEXT);
    assert.deepEqual(readdirSync(folder), ['secrets.key']);
  });

  test('that somebody else made first stays', async () => {
    await makeKey(file);
    const first = readFileSync(file);
    await makeKey(file);
    assert.deepEqual(readFileSync(file), first);
  });

  test('that is missing is made by nobody who only opens', async () => {
    const sealed = await sealWith(file).close(TEXT, 'a');
    const kept = readFileSync(file);
    rmSync(file);
    await assert.rejects(sealWith(file).open(sealed, 'a'), isBroken);
    assert.ok(!existsSync(file));
    writeFileSync(file, kept);
    assert.equal(await sealWith(file).open(sealed, 'a'), TEXT, 'put back it opens again');
  });

  test('that is not one is used by nobody, and never overwritten', async () => {
    writeFileSync(file, 'short');
    chmodSync(file, 0o600);
    await assert.rejects(sealWith(file).close(TEXT, 'a'), isUnusable);
    await assert.rejects(sealWith(file).open(closeSeal(KEY, TEXT, 'a'), 'a'), isUnusable);
    assert.equal(readFileSync(file, 'utf8'), 'short');
    await assert.rejects(sealWith(join(folder, 'none', 'key')).close(TEXT, 'a'), isUnusable);
  });
});
