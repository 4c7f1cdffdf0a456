import { type Mac, type PiId, parseMac, parsePiId } from '../../core/ids.ts';

/** A boot file's name as a Pi asks for it: whose it is, where the name says so, and the rest. */
export interface BootPath {
  readonly piId?: PiId;
  readonly mac?: Mac;
  readonly rest: string;
}

/**
 * Reads `<serial>/…` (TFTP_PREFIX 0), `<mac-with-dashes>/…` (TFTP_PREFIX 2) or a bare name. Slashes at the start and doubled
 * ones are tolerated: Pi 5 sends `<serial>//config.txt`. Undefined for what leaves the folder, is longer than 255 bytes or is no path.
 */
export function parseBootPath(filename: string): BootPath | undefined {
  if (Buffer.byteLength(filename) > 255 || /[\p{Cc}\\]/u.test(filename)) return undefined;
  const parts = filename.split('/').filter((part) => part !== '' && part !== '.');
  const [first = '', ...others] = parts;
  if (parts.length === 0 || parts.includes('..')) return undefined;
  if (others.length > 0) {
    const rest = others.join('/');
    const piId = parsePiId(first);
    if (piId) return { piId, rest };
    const mac = /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/i.test(first) ? parseMac(first) : undefined;
    if (mac) return { mac, rest };
  }
  return { rest: parts.join('/') };
}
