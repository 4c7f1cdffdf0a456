import { isIP } from 'node:net';
import { BakeryError } from '../../core/errors.ts';

/** Changes nothing, whoever asks. */
const READS = ['GET', 'HEAD', 'OPTIONS'];

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}

/**
 * Refuses what a web page of somebody else has a browser do. A browser adds the credentials of Basic by itself, and where no
 * token is needed none is in the way; but it also says which page asked. Programs say nothing of the kind.
 * @throws BakeryError `origin-refused` (forbidden).
 */
export function refuseForeignPages(
  request: { method: string; origin: string | undefined; host: string | undefined },
  allowed: readonly string[],
): void {
  const { method, origin, host } = request;
  if (origin === undefined || READS.includes(method) || allowed.includes(origin)) return;
  const from = hostOf(origin);
  // The scheme is left out: a proxy may speak TLS in front of a server that does not.
  if (from !== undefined && from === hostOf(`http://${host}`)) return;
  if (from !== undefined && from === hostOf(`https://${host}`)) return;
  throw new BakeryError('forbidden', 'origin-refused', 'web pages of other sites may not make this call');
}

/**
 * Refuses names that are not this server's. A name of somebody else's that he makes point here (DNS rebinding) makes his
 * web page one of this site, which needs nothing more where no token is needed. An address cannot be made to point elsewhere.
 * @throws BakeryError `host-refused` (forbidden).
 */
export function refuseForeignNames(host: string | undefined, names: readonly string[]): void {
  const url = `http://${host}`;
  const name = URL.canParse(url) ? new URL(url).hostname.replace(/^\[(.*)\]$/, '$1') : '';
  if (isIP(name) !== 0 || name === 'localhost' || names.includes(name)) return;
  throw new BakeryError(
    'forbidden',
    'host-refused',
    'without tokens the server answers to its address and BAKERY_HOSTS',
  );
}
