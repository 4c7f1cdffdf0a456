import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../tls-client.ts';

/** A certificate that vouches for itself, and by what it is known. */
export interface Trust {
  readonly cert: string;
  readonly key: string;
  readonly certificateSha256: string;
}

/** Makes one for 127.0.0.1. */
export function makeTrust(): Trust {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-switch-'));
  const files = makeCertificate(folder, 'switch');
  const [cert, key] = [readFileSync(files.cert, 'utf8'), readFileSync(files.key, 'utf8')];
  rmSync(folder, { recursive: true });
  return { cert, key, certificateSha256: new X509Certificate(cert).fingerprint256 };
}
