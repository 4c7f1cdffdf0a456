import { BakeryError } from './errors.ts';

/** An RSA modulus shorter than this can be broken, and no OpenSSH of today takes it; a longer one is of no use. */
const RSA_BITS = { least: 2048, most: 16_384 };
const MAX_LINE = 8192;
const MAX_COMMENT = 255;

/** Reads the parts of a key's binary form (RFC 4251 §5): each is a length of 4 bytes, then so many bytes. */
function partsOf(blob: Buffer): Buffer[] | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    parts.push(blob.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

function rsaBits(modulus: Buffer): number {
  const digits = modulus.toString('hex').replace(/^0+/, '');
  return digits === '' ? 0 : (digits.length - 1) * 4 + Number.parseInt(digits[0] ?? '0', 16).toString(2).length;
}

/** True for an uncompressed point of a curve whose coordinates have so many bytes (SEC 1 §2.3.3). */
const isPoint = (bytes: number) => (part: Buffer | undefined) => part?.length === 1 + 2 * bytes && part[0] === 4;
const isName = (name: string) => (part: Buffer | undefined) => part?.toString('latin1') === name;
const isEd25519 = (part: Buffer | undefined) => part?.length === 32;
/** What a security key was made for; OpenSSH's own is `ssh:`. */
const isApplication = (part: Buffer | undefined) =>
  part !== undefined && /^[\x21-\x7e]{1,255}$/.test(part.toString('latin1'));
const isExponent = (part: Buffer | undefined) =>
  part !== undefined && part.length >= 1 && part.length <= 8 && ((part.at(-1) ?? 0) & 1) === 1;
const isModulus = (part: Buffer | undefined) => {
  const bits = part ? rsaBits(part) : 0;
  return bits >= RSA_BITS.least && bits <= RSA_BITS.most;
};

/** What follows the type's name in a key of that type (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4, OpenSSH PROTOCOL.u2f). */
const TYPES: { readonly [type: string]: readonly ((part: Buffer | undefined) => boolean)[] } = {
  'ssh-ed25519': [isEd25519],
  'ssh-rsa': [isExponent, isModulus],
  'ecdsa-sha2-nistp256': [isName('nistp256'), isPoint(32)],
  'ecdsa-sha2-nistp384': [isName('nistp384'), isPoint(48)],
  'ecdsa-sha2-nistp521': [isName('nistp521'), isPoint(66)],
  'sk-ssh-ed25519@openssh.com': [isEd25519, isApplication],
  'sk-ecdsa-sha2-nistp256@openssh.com': [isName('nistp256'), isPoint(32), isApplication],
};

/** An OpenSSH public key, or what is wrong with it. */
export type ParsedKey = { readonly key: string } | { readonly fault: string };

/**
 * Reads one line of an `authorized_keys`: type, key, comment. Options before the type (`command="…"`) are not taken: what is
 * given as a key grants a login and nothing else. @returns the line as it is to be written, with single blanks.
 */
export function parseAuthorizedKey(text: string): ParsedKey {
  if (text.length > MAX_LINE) return { fault: 'it is too long' };
  const line = text.trim();
  if (/\p{Cc}|\p{Zl}|\p{Zp}/u.test(line)) return { fault: 'it has more than one line, or control characters' };
  const [type = '', base64 = '', ...words] = line.split(/ +/);
  const shape = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  if (!shape) return { fault: `it does not begin with a type of key that is taken: ${Object.keys(TYPES).join(', ')}` };
  const blob = Buffer.from(base64, 'base64');
  if (base64 === '' || blob.toString('base64') !== base64) return { fault: 'the key is not base64' };
  const parts = partsOf(blob);
  if (!parts || !isName(type)(parts[0])) return { fault: 'the key is not of the type that it says' };
  const isWhole = parts.length === shape.length + 1 && shape.every((isRight, i) => isRight(parts[i + 1]));
  if (!isWhole) {
    const bits = type === 'ssh-rsa' ? `, or its modulus has not ${RSA_BITS.least} to ${RSA_BITS.most} bits` : '';
    return { fault: `the key is cut off or malformed${bits}` };
  }
  const comment = words.join(' ');
  if (comment.length > MAX_COMMENT) return { fault: 'its comment is too long' };
  return { key: [type, base64, ...(comment ? [comment] : [])].join(' ') };
}

/** The key, as it is to be written. @throws BakeryError `bad-authorized-key` (invalid). */
export function requireAuthorizedKey(text: string): string {
  const parsed = parseAuthorizedKey(text);
  if ('key' in parsed) return parsed.key;
  throw new BakeryError('invalid', 'bad-authorized-key', `that is no OpenSSH public key: ${parsed.fault}`);
}
