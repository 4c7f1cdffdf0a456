import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import { BakeryError, describeError } from '../core/errors.ts';
import type { Clock } from '../core/host/clock.ts';
import type { Log } from '../core/log.ts';
import type { Config } from './config.ts';
import type { TlsPair } from './http/settings.ts';

/** How long before its end a certificate is told about at every start and renewal. */
const SOON_MS = 14 * 86_400_000;

const TLS_VERSIONS = { minVersion: 'TLSv1.2' } as const;

function unusable(detail: string, cause?: unknown): BakeryError {
  const text = 'BAKERY_TLS_CERT and BAKERY_TLS_KEY are not a certificate and its key';
  return new BakeryError('invalid', 'tls-unusable', text, { detail, cause });
}

async function readPair(files: { cert: string; key: string }): Promise<TlsPair> {
  try {
    return { cert: await readFile(files.cert, 'utf8'), key: await readFile(files.key, 'utf8') };
  } catch (error) {
    throw unusable(describeError(error), error);
  }
}

/** @throws BakeryError `tls-unusable` (invalid) unless the two are valid PEM and belong together. */
function requirePair({ cert, key }: TlsPair): X509Certificate {
  try {
    createSecureContext({ cert, key, ...TLS_VERSIONS });
    return new X509Certificate(cert);
  } catch (error) {
    throw unusable(describeError(error), error);
  }
}

/** The certificate in use, and its renewals. */
export interface Tls {
  readonly pair: TlsPair;
  /** Takes a new pair that lies in the files into use; keeps the old one while what lies there is none. */
  renew(server: Pick<Server, 'setSecureContext'>): Promise<void>;
}

/**
 * Reads the pair the settings name, or undefined where they name none.
 * @throws BakeryError `tls-unusable` (invalid).
 */
export async function openTls(config: Config, { clock, log }: { clock: Clock; log: Log }): Promise<Tls | undefined> {
  const { BAKERY_TLS_CERT: cert, BAKERY_TLS_KEY: key } = config;
  if (cert === undefined || key === undefined) return undefined;
  const files = { cert, key };

  function tellEnd(certificate: X509Certificate): void {
    const until = certificate.validTo;
    if (Date.parse(until) < clock.now() + SOON_MS) log.warn({ until }, 'the certificate expires soon, or has expired');
  }

  const pair = await readPair(files);
  tellEnd(requirePair(pair));
  let used = JSON.stringify(pair);
  let refused = '';
  let looks = 0;
  return {
    pair,
    async renew(server) {
      const found = await readPair(files).catch((error: unknown) => describeError(error));
      const seen = JSON.stringify(found);
      if (seen === used) return;
      try {
        if (typeof found === 'string') throw unusable(found);
        const certificate = requirePair(found);
        server.setSecureContext({ ...found, ...TLS_VERSIONS });
        used = seen;
        log.info({ subject: certificate.subject, until: certificate.validTo }, 'the certificate was renewed');
        tellEnd(certificate);
      } catch (error) {
        looks = refused === seen ? looks + 1 : 1;
        refused = seen;
        // Two files are not replaced at once: the second look tells, and only that one.
        if (looks !== 2) return;
        log.error({ error: describeError(error) }, 'the certificate was not renewed; the old one stays');
      }
    },
  };
}
