/**
 * The fsid of an export, a UUID out of its id: version 8 (RFC 9562 §5.8), "Bakery" in ASCII and two bytes of ours, the id in the last four
 * digits. It is in every file handle, so a handle is good for as long as the id is, whatever device or path the volume has. A number
 * would do as well, but an administrator's own `fsid=1` would then be one volume with our export 1.
 */
const PREFIX = '42616b65-7279-8e46-8000-00000000';

/** The fsid as it is given to exportfs. */
export function fsidOf(id: number): string {
  return `${PREFIX}${id.toString(16).padStart(4, '0')}`;
}

/** The export's id; undefined when it is no fsid of Bakery's. */
export function idOf(fsid: string): number | undefined {
  const digits = fsid.startsWith(PREFIX) ? fsid.slice(PREFIX.length) : '';
  return /^[0-9a-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}

/** The fsid as /proc/net/rpc/nfsd.fh/content writes it: words of 32 bits, each with its bytes the other way round (expkey_show). */
export function handleWords(id: number): string {
  const hex = fsidOf(id).replaceAll('-', '');
  const words = hex.match(/.{8}/g) ?? [];
  return `0x${words.map((word) => (word.match(/../g) ?? []).toReversed().join('')).join('')}`;
}
