import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAuthorizedKey, requireAuthorizedKey } from '../../core/ssh-key.ts';

/** A public key that ssh-keygen has made. */
function made(type: string, bits?: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-key-'));
  try {
    const size = bits === undefined ? [] : ['-b', `${bits}`];
    execFileSync('ssh-keygen', ['-q', '-t', type, ...size, '-N', '', '-C', 'ada@desk', '-f', join(folder, 'key')]);
    return readFileSync(join(folder, 'key.pub'), 'utf8').trim();
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const faultOf = (text: string) => {
  const parsed = parseAuthorizedKey(text);
  return 'fault' in parsed ? parsed.fault : undefined;
};
/** A key of the given parts, as its binary form has them. */
const forged = (type: string, ...parts: Buffer[]) => {
  const all = [Buffer.from(type), ...parts].flatMap((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return [length, part];
  });
  return `${type} ${Buffer.concat(all).toString('base64')}`;
};
const ED25519 = made('ed25519');

test('keys of every type that ssh-keygen makes are taken as they are', () => {
  for (const key of [ED25519, made('ecdsa', 256), made('ecdsa', 384), made('ecdsa', 521), made('rsa', 2048)]) {
    assert.deepEqual(parseAuthorizedKey(`  ${key}\n`), { key });
  }
  const point = Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 7)]);
  const hardware = [
    forged('sk-ssh-ed25519@openssh.com', Buffer.alloc(32, 7), Buffer.from('ssh:')),
    forged('sk-ecdsa-sha2-nistp256@openssh.com', Buffer.from('nistp256'), point, Buffer.from('ssh:')),
  ];
  for (const key of hardware) assert.deepEqual(parseAuthorizedKey(key), { key });
  assert.deepEqual(parseAuthorizedKey(ED25519.replaceAll(' ', '   ')), { key: ED25519 });
});

test('a key brings no options, no second line and nothing that is not printed', () => {
  for (const text of [
    `command="rm -rf /" ${ED25519}`,
    `no-pty,command="sh" ${ED25519}`,
    `cert-authority ${ED25519}`,
    `from="*" ${ED25519}`,
    `# ${ED25519}`,
    `@cert-authority * ${ED25519}`,
  ]) {
    assert.match(faultOf(text) ?? '', /does not begin with a type/, text);
  }
  for (const mark of ['\n', '\r', '\0', '\u0085', '\u2028', '\x1b[2J', '\t']) {
    assert.match(faultOf(`${ED25519}${mark}${ED25519}`) ?? '', /more than one line/, JSON.stringify(mark));
  }
  assert.match(faultOf(`${ED25519} ${'x'.repeat(300)}`) ?? '', /comment is too long/);
  assert.match(faultOf('x'.repeat(9000)) ?? '', /too long/);
});

test('what is no whole key of its type is refused', () => {
  const [type = '', base64 = ''] = ED25519.split(' ');
  const blob = Buffer.from(base64, 'base64');
  const again = (bytes: Buffer) => `${type} ${bytes.toString('base64')}`;
  for (const text of [
    '',
    type,
    base64,
    `${type} ${base64.slice(0, -8)}`,
    `${type} ${base64}AAAA`,
    `${type} ${base64.replace('A', '-')}`,
    `ssh-rsa ${base64}`,
    `constructor ${base64}`,
    again(Buffer.concat([blob, Buffer.from([0])])),
    again(Buffer.concat([blob, Buffer.alloc(4)])),
    again(blob.subarray(0, 20)),
    again(Buffer.from('ffffffff', 'hex')),
    forged('ssh-ed25519', Buffer.alloc(31)),
    forged('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.alloc(128, 0xff)),
    forged('ssh-rsa', Buffer.from([1, 0, 0]), Buffer.alloc(256, 0xff)),
    forged('ssh-rsa', Buffer.from([1, 0, 1])),
    forged('ecdsa-sha2-nistp256', Buffer.from('nistp384'), Buffer.concat([Buffer.from([4]), Buffer.alloc(64)])),
    forged('ecdsa-sha2-nistp256', Buffer.from('nistp256'), Buffer.concat([Buffer.from([2]), Buffer.alloc(64)])),
    forged('ssh-dss', Buffer.alloc(20)),
    `ssh-ed25519 ${forged('ssh-ed25518', Buffer.alloc(32)).split(' ')[1]}`,
  ]) {
    assert.notEqual(faultOf(text), undefined, text);
  }
  assert.throws(() => requireAuthorizedKey('ssh-dss AAAA'), { code: 'bad-authorized-key', kind: 'invalid' });
});
