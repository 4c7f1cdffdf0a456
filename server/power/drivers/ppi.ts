import { accessSync, constants, statSync } from 'node:fs';
import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import type { Exec } from '../../../core/host/exec.ts';
import { type PiId, parsePiId } from '../../../core/ids.ts';
import type { Log } from '../../../core/log.ts';
import { followConfigFile } from '../config-file.ts';
import { type PowerDriver, PowerFault } from '../driver.ts';
import { hideSecrets } from '../switches/words.ts';

/** The service's signal ends a program much earlier; this is for programs that outlive it. */
const BACKSTOP_MS = 5 * 60_000;
/** Every exit status is an answer here; what exec still throws is a program that did not run or end by itself. */
const ANY_CODE = Array.from({ length: 256 }, (_, code) => code);

/** All we know of a configuration that belongs to the program: it may list Pis, and tell their switch. */
const KnownPart = z.object({ piList: z.record(z.string(), z.unknown()) });
const WithUrl = z.object({ url: z.string() });

/** What a PPI's configuration says about Pis: their switches, or undefined when it lists none. */
type PiList = ReadonlyMap<PiId, string | undefined> | undefined;

/** Lenient: the file is the program's, and need not even be JSON. */
function parsePiList(text: string): PiList {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const known = KnownPart.safeParse(json);
  if (!known.success) return undefined;
  const list = new Map<PiId, string | undefined>();
  for (const [key, entry] of Object.entries(known.data.piList)) {
    const pi = parsePiId(key);
    if (pi) list.set(pi, WithUrl.safeParse(entry).data?.url);
  }
  return list;
}

/** What the driver needs. */
export interface PpiDriverOptions {
  readonly programPath: string;
  readonly configPath: string;
  readonly exec: Exec;
  readonly log: Log;
}

/**
 * The power interface of the original Bakery: an external program, called as `PROGRAM -c CONFIG` with
 * `{"piId": "687680cd", "action": "poweron"}` on its standard input. Success is exit status 0, nothing on stderr and exactly `ok`
 * on stdout. Anything else is a failure, and nobody but the program knows why: worth another try.
 * @throws BakeryError `power-config` (invalid) when the program or its configuration is not there.
 */
export function createPpiDriver({ programPath, configPath, exec, log }: PpiDriverOptions): PowerDriver {
  const unusable = whyUnusable(programPath);
  if (unusable) {
    throw new BakeryError('invalid', 'power-config', 'the power program is not usable', { detail: unusable });
  }
  const piList = followConfigFile({ path: configPath, parse: parsePiList, log });

  async function call(pi: PiId, action: 'poweron' | 'poweroff', signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const list = piList();
    if (list?.has(pi) === false) throw new PowerFault('fatal', `Pi ${pi} is in no piList`);
    const missing = whyUnusable(programPath);
    if (missing) throw new PowerFault('fatal', missing);
    const input = JSON.stringify({ piId: pi, action });
    const options = { input, okCodes: ANY_CODE, timeoutMs: BACKSTOP_MS, signal };
    const passwords = passwordsOf(list);
    const { code, stdout, stderr } = await exec(programPath, ['-c', configPath], options).catch((error: unknown) => {
      signal.throwIfAborted();
      const detail = error instanceof BakeryError ? (error.detail ?? error.message) : String(error);
      throw new PowerFault('retryable', hideSecrets(detail, passwords));
    });
    if (code === 0 && stderr === '' && stdout === 'ok') return;
    const said = hideSecrets(`${stdout}${stderr}`, passwords).slice(0, 1000);
    throw new PowerFault('retryable', `${programPath} ${action} (exit ${code}): ${said}`);
  }

  return {
    name: 'ppi',
    reach: (pi) => (piList()?.has(pi) === false ? 'none' : 'port'),
    // Which switch a program drives is its secret. Without a hint it gets one request at a time.
    queueOf: (pi) => piList()?.get(pi) ?? 'ppi',
    on: (pi, signal) => call(pi, 'poweron', signal),
    async off(pi, signal) {
      await call(pi, 'poweroff', signal);
      return 'off';
    },
  };
}

/** Those in the addresses of switches: a program may repeat them when it says what it failed with. */
function passwordsOf(list: PiList): string[] {
  return [...new Set(list?.values())].flatMap((address = '') => {
    const { username = '', password = '' } = URL.parse(address) ?? {};
    if (password === '') return [];
    return [password, decoded(password), `${decoded(username)}:${decoded(password)}`];
  });
}

/** As it stands where its escapes are none: the file is the program's. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function whyUnusable(programPath: string): string | undefined {
  try {
    accessSync(programPath, constants.X_OK);
    return statSync(programPath).isFile() ? undefined : `${programPath} is not a file`;
  } catch {
    return `${programPath} does not exist or is not executable`;
  }
}
