/** How an upload is packed. */
export type Packing = 'xz' | 'gzip' | 'zstd' | 'zip';

/** First bytes: xz-file-format §2.1.1.1, RFC 1952 §2.3.1 (with its only method, deflate), RFC 8878 §3.1.1, APPNOTE.TXT §4.3.7. */
const MAGIC: readonly (readonly [string, Packing])[] = [
  ['fd377a585a00', 'xz'],
  ['1f8b08', 'gzip'],
  ['28b52ffd', 'zstd'],
  ['504b0304', 'zip'],
];

/** So many bytes tell. */
export const MAGIC_BYTES = 6;

/** How a file is packed that begins with these bytes; undefined for one that is not, whatever its name. */
export function packingOf(head: Uint8Array): Packing | undefined {
  const hex = Buffer.from(head).toString('hex');
  return MAGIC.find(([magic]) => hex.startsWith(magic))?.[1];
}
