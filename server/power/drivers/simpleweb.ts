import { z } from 'zod';
import { type PiId, parsePiId } from '../../../core/ids.ts';
import type { Log } from '../../../core/log.ts';
import { followConfigFile } from '../config-file.ts';
import { type PowerDriver, PowerFault } from '../driver.ts';
import { createWebClient, type WebClient } from '../switches/web-client.ts';
import { hideSecrets } from '../switches/words.ts';

/** An answer is two letters: so much is told of a longer one. */
const TOLD_LETTERS = 200;

/** A port of a power server: `base` without credentials and without a slash at its end. */
interface Port {
  readonly base: string;
  readonly number: number;
  readonly client: WebClient;
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
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
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  const secrets = password === '' ? [] : [password, `${user}:${password}`];
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  // The original's program sent the credentials of an address as Basic.
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  const headers: Port['headers'] = user || password ? { authorization: `Basic ${basic}` } : {};
  return { base, number: entry.id, client: createWebClient({ base, secrets }), headers, secrets };
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
 * No connection, 5xx and too many requests are worth another try; anything else it says is final. Redirects are not followed: the Pi's
 * port is where the configuration says it is. It cannot read back: whoever says `ok` is believed.
 * @throws BakeryError `power-config` (invalid) when the configuration is missing or wrong.
 */
export function createSimplewebDriver(options: { readonly configPath: string; readonly log: Log }): PowerDriver {
  const ports = followConfigFile({ path: options.configPath, parse: parseConfig, log: options.log });

  async function call(pi: PiId, action: 'poweron' | 'poweroff', signal: AbortSignal): Promise<void> {
    const port = ports().get(pi);
    if (!port) throw new PowerFault('fatal', `Pi ${pi} is in no piList`);
    const { base, number, client, headers, secrets } = port;
    const path = `/${action}/${number}`;
    const called = `GET ${new URL(base).pathname.replace(/\/$/, '')}${path}`;
    const answer = await client.ask({ method: 'GET', path, called, headers }, signal);
    if (answer.trim() === 'ok') return;
    const said = JSON.stringify(hideSecrets(answer, secrets).slice(0, TOLD_LETTERS));
    throw new PowerFault('fatal', `${called} at ${new URL(base).host} answered ${said}, and not "ok"`);
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
