import { z } from 'zod';
import { type PiId, parsePiId } from '../../../core/ids.ts';
import type { Log } from '../../../core/log.ts';
import { followConfigFile } from '../config-file.ts';
import { type PowerDriver, PowerFault } from '../driver.ts';

/** An answer is two letters; a longer one is not from such a server. */
const MAX_ANSWER_BYTES = 1024;

/** A port of a power server: `base` without credentials and without a slash at its end. */
interface Port {
  readonly base: string;
  readonly authorization: string | undefined;
  readonly number: number;
}

const Entry = z.object({
  piId: z.string().optional(),
  id: z.int().nonnegative(),
  url: z.url({ protocol: /^https?$/ }),
});
const Config = z.object({ piList: z.record(z.string(), Entry) });

function toPort(entry: z.output<typeof Entry>, where: string): Port {
  const url = new URL(entry.url);
  if (url.search !== '' || url.hash !== '') throw new Error(`${where}.url: a query or fragment cannot be kept`);
  // fetch refuses URLs that carry credentials; the original's program sent them as Basic.
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  return {
    base: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    authorization: user || password ? `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` : undefined,
    number: entry.id,
  };
}

/** Strict, because a wrong line may cut the power of somebody else's machine. */
function parseConfig(text: string): ReadonlyMap<PiId, Port> {
  const parsed = Config.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new Error(
      parsed.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`).join('; '),
    );
  }
  const ports = new Map<PiId, Port>();
  const owners = new Map<string, string>();
  for (const [key, entry] of Object.entries(parsed.data.piList)) {
    const where = `piList.${key}`;
    const pi = parsePiId(key);
    if (!pi) throw new Error(`${where}: a Pi id is the last 8 hex digits of its serial number`);
    if (entry.piId !== undefined && parsePiId(entry.piId) !== pi) throw new Error(`${where}.piId: names another Pi`);
    const port = toPort(entry, where);
    const name = `${port.base} port ${port.number}`;
    const owner = owners.get(name);
    if (owner !== undefined) throw new Error(`${where}: ${name} belongs to ${owner} already`);
    owners.set(name, where);
    ports.set(pi, port);
  }
  return ports;
}

/**
 * A small web server that switches ports: `GET <url>/poweron/<n>` and `/poweroff/<n>` answer 200 and `ok`.
 * Network errors and 5xx are worth another try; anything else it says is final. Redirects are not followed: the Pi's
 * port is where the configuration says it is.
 * @throws BakeryError `power-config` (invalid) when the configuration is missing or wrong.
 */
export function createSimplewebDriver(options: { readonly configPath: string; readonly log: Log }): PowerDriver {
  const ports = followConfigFile({ path: options.configPath, parse: parseConfig, log: options.log });

  async function call(pi: PiId, action: 'poweron' | 'poweroff', signal: AbortSignal): Promise<void> {
    const port = ports().get(pi);
    if (!port) throw new PowerFault('fatal', `Pi ${pi} is in no piList`);
    const url = `${port.base}/${action}/${port.number}`;
    const { status, body } = await get(url, port.authorization, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new PowerFault('retryable', `${url}: ${describeFetchError(error)}`, { cause: error });
    });
    if (status === 200 && body.trim() === 'ok') return;
    throw new PowerFault(status >= 500 ? 'retryable' : 'fatal', `${url} answered ${status}: ${body.slice(0, 200)}`);
  }

  return {
    name: 'simpleweb',
    reach: (pi) => (ports().has(pi) ? 'port' : 'none'),
    queueOf: (pi) => ports().get(pi)?.base ?? pi,
    on: (pi, signal) => call(pi, 'poweron', signal),
    async off(pi, signal) {
      await call(pi, 'poweroff', signal);
      return 'off';
    },
  };
}

async function get(
  url: string,
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<{ status: number; body: string }> {
  const headers = authorization === undefined ? {} : { authorization };
  const response = await fetch(url, { redirect: 'manual', signal, headers });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the rest of the body.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) break;
  }
  return { status: response.status, body: Buffer.concat(chunks).toString('utf8') };
}

/** fetch says only "fetch failed"; the reason is in its cause. */
function describeFetchError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
