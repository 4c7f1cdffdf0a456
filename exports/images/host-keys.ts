import { generateKeyPair, type JsonWebKey, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);

/** An SSH host key as its two files have it. */
export interface HostKey {
  readonly type: 'ed25519' | 'ecdsa';
  readonly privateFile: string;
  readonly publicFile: string;
}

/** RFC 4251 §5: `string` is its length in 4 bytes, most significant first, and its bytes. */
function string(bytes: Uint8Array | string): Buffer {
  const body = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** RFC 4251 §5: `mpint` of a positive number: without leading zeros, but one where its first bit is set. */
function mpint(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const significant = first < 0 ? Buffer.alloc(0) : bytes.subarray(first);
  return string((significant[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), significant]) : significant);
}

const bytesOf = (text: string | undefined) => Buffer.from(text ?? '', 'base64url');

/** The private key's file, not encrypted (OpenSSH, PROTOCOL.key): `check` is any number, there twice. */
function openSshPrivateKey(publicBlob: Buffer, privatePart: Buffer, { comment, check }: Fixed): string {
  const inside = Buffer.concat([check, check, privatePart, string(comment)]);
  // Padded with 1, 2, 3 … to a multiple of 8, the block size of the cipher "none".
  const padding = Buffer.from(Array.from({ length: (8 - (inside.length % 8)) % 8 }, (_, i) => i + 1));
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    string('none'), // cipher
    string('none'), // kdf
    string(''), // its options
    Buffer.from([0, 0, 0, 1]), // number of keys
    string(publicBlob),
    string(Buffer.concat([inside, padding])),
  ]);
  const lines = body.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

/** What is chosen for a key's file. */
interface Fixed {
  readonly comment: string;
  /** 4 bytes. */
  readonly check: Buffer;
}

/** An Ed25519 key (RFC 8709; RFC 8037 for the JWK) as OpenSSH's files. */
export function ed25519Files(jwk: JsonWebKey, fixed: Fixed): HostKey {
  const [name, point, seed] = ['ssh-ed25519', bytesOf(jwk.x), bytesOf(jwk.d)];
  const blob = Buffer.concat([string(name), string(point)]);
  const secret = Buffer.concat([blob, string(Buffer.concat([seed, point]))]);
  return {
    type: 'ed25519',
    privateFile: openSshPrivateKey(blob, secret, fixed),
    publicFile: `${name} ${blob.toString('base64')} ${fixed.comment}\n`,
  };
}

/** An ECDSA key on P-256 (RFC 5656 §3.1; RFC 7518 §6.2 for the JWK) as OpenSSH's files. */
export function ecdsaFiles(jwk: JsonWebKey, fixed: Fixed): HostKey {
  const name = 'ecdsa-sha2-nistp256';
  // SEC 1, 2.3.3: 4 says that the point is not compressed.
  const point = Buffer.concat([Buffer.from([4]), bytesOf(jwk.x), bytesOf(jwk.y)]);
  const blob = Buffer.concat([string(name), string('nistp256'), string(point)]);
  return {
    type: 'ecdsa',
    privateFile: openSshPrivateKey(blob, Buffer.concat([blob, mpint(bytesOf(jwk.d))]), fixed),
    publicFile: `${name} ${blob.toString('base64')} ${fixed.comment}\n`,
  };
}

/** New SSH host keys. ed25519 and ecdsa take next to no time; an RSA key takes a third of a second and no client needs it. */
export async function makeHostKeys(comment: string): Promise<HostKey[]> {
  const jwkOf = ({ privateKey }: { privateKey: { export(options: { format: 'jwk' }): JsonWebKey } }) =>
    privateKey.export({ format: 'jwk' });
  const [ed25519, ecdsa] = await Promise.all([generate('ed25519'), generate('ec', { namedCurve: 'P-256' })]);
  return [
    ed25519Files(jwkOf(ed25519), { comment, check: randomBytes(4) }),
    ecdsaFiles(jwkOf(ecdsa), { comment, check: randomBytes(4) }),
  ];
}
