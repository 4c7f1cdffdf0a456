import { BakeryError } from '../../core/errors.ts';
import type { NfsExport } from './backend.ts';
import { canonicalClient } from './client.ts';

function invalid(what: string): BakeryError {
  return new BakeryError('invalid', 'export-invalid', 'that export cannot be served', { detail: what });
}

/**
 * A path that every backend serves, so that a root may change its server. Quotes and backslashes are refused rather than escaped, and so are
 * control characters: not every server's answers could carry them back. Blanks, `#`, `;`, `$` and single quotes are fine.
 * @throws BakeryError `export-invalid` (invalid).
 */
export function requirePath(path: string): string {
  const plain = !path.endsWith('/') && !/\/(\.{0,2})(\/|$)/.test(path);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
  if (!path.startsWith('/') || !plain || /["\\\u0000-\u001f\u007f]/.test(path) || Buffer.byteLength(path) > 1000) {
    throw invalid(`path ${JSON.stringify(path)}`);
  }
  return path;
}

/**
 * Checks an export for what no backend can express; gives its client as `canonicalClient` writes it.
 * @throws BakeryError `export-invalid` (invalid).
 */
export function requireExport(wanted: NfsExport): string {
  if (!Number.isInteger(wanted.id) || wanted.id < 1 || wanted.id > 65535) throw invalid(`id ${wanted.id}`);
  const client = canonicalClient(wanted.client);
  if (client === undefined) throw invalid(`client ${JSON.stringify(wanted.client)}`);
  requirePath(wanted.path);
  return client;
}
