import assert from 'node:assert/strict';
import { createECDH } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ecdsaFiles, type HostKey, makeHostKeys } from '../../exports/images/host-keys.ts';
import { sh } from '../lab/sh.ts';

function written(t: TestContext, key: HostKey): string {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'key');
  writeFileSync(file, key.privateFile, { mode: 0o600 });
  writeFileSync(`${file}.pub`, key.publicFile);
  return file;
}

test('OpenSSH reads the keys, signs with them, and finds the public halves that belong to them', async (t) => {
  const keys = await makeHostKeys('root@687680cd');
  assert.deepEqual(
    keys.map(({ type }) => type),
    ['ed25519', 'ecdsa'],
  );
  for (const key of keys) {
    const file = written(t, key);
    assert.equal(sh('ssh-keygen', '-y', '-f', file).trim(), key.publicFile.trim());
    assert.match(sh('ssh-keygen', '-l', '-f', `${file}.pub`), / root@687680cd \((ED25519|ECDSA)\)/);
    writeFileSync(`${file}.text`, 'whatever');
    sh('ssh-keygen', '-q', '-Y', 'sign', '-n', 'file', '-f', file, `${file}.text`);
    writeFileSync(`${file}.signers`, `pi ${key.publicFile}`);
    sh('sh', '-c', 'ssh-keygen -Y verify -f "$1.signers" -I pi -n file -s "$1.text.sig" < "$1.text"', 'sh', file);
  }
});

test('no two keys are the same', async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => makeHostKeys('x')));
  assert.equal(new Set(made.flat().map(({ publicFile }) => publicFile)).size, 16);
  assert.equal(new Set(made.flat().map(({ privateFile }) => privateFile)).size, 16);
});

test('a number that begins with a zero, or with a bit that would make it negative, is read as what it is', async (t) => {
  for (const first of [0x00, 0x7f, 0x80]) {
    const d = Buffer.alloc(32, 0x5a);
    d[0] = first;
    const curve = createECDH('prime256v1');
    curve.setPrivateKey(d);
    const point = curve.getPublicKey();
    const jwk = {
      d: d.toString('base64url'),
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    };
    const key = ecdsaFiles(jwk, { comment: 'x', check: Buffer.alloc(4) });
    assert.equal(sh('ssh-keygen', '-y', '-f', written(t, key)).trim(), key.publicFile.trim());
  }
});
