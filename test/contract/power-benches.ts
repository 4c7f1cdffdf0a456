import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { requirePiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { type PowerDriver, PowerFault } from '../../server/power/driver.ts';
import { createPowerDriver } from '../../server/power/registry.ts';

export const PI = requirePiId('687680cd');
export const UNBOUND = requirePiId('0badc0de');
export const NEW = requirePiId('00000007');

/** What the far end does with the next requests. */
export type FarEnd = 'works' | 'busy' | 'wrong-answer' | 'hangs' | 'half-dead';

/** One driver with something real at its far end. */
export interface Bench {
  readonly driver: PowerDriver;
  /** What reached the far end, as `on <port or Pi>`. */
  readonly seen: () => Promise<string[]>;
  readonly farEnd: (behaviour: FarEnd) => Promise<void>;
  /** Binds `NEW` too, or breaks the configuration, while the driver is in use. */
  readonly configure: (what: 'new-pi' | 'malformed' | 'gone') => Promise<void>;
  readonly logged: string[];
}

/** A folder that goes with the test. */
export async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bakery-power-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** A log whose sentences end in `lines`. */
export function logInto(lines: string[]): Log {
  const add = (_: object, message: string) => void lines.push(message);
  return { debug: add, info: add, warn: add, error: add };
}

/** The port of an HTTP server on loopback that goes with the test. */
export async function listen(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function configurer(path: string, piList: Record<string, object>, added: object) {
  await writeFile(path, JSON.stringify({ piList }));
  return async (what: 'new-pi' | 'malformed' | 'gone') => {
    if (what === 'gone') await unlink(path);
    else
      await writeFile(
        path,
        what === 'malformed' ? '{"piList": 5}' : JSON.stringify({ piList: { ...piList, [NEW]: added } }),
      );
  };
}

/** The driver simpleweb and a real HTTP server. */
export async function simplewebBench(t: TestContext): Promise<Bench> {
  const folder = await folderFor(t);
  const requests: string[] = [];
  let behaviour: FarEnd = 'works';
  const port = await listen(t, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (behaviour === 'works') response.end('ok\n');
    if (behaviour === 'busy') response.writeHead(503).end('ok');
    if (behaviour === 'wrong-answer') response.end('ok, I think');
    if (behaviour === 'half-dead') response.writeHead(200).write('o');
  });
  const url = `http://127.0.0.1:${port}/`;
  const ppiConfigPath = join(folder, 'config.json');
  const configure = await configurer(ppiConfigPath, { [PI]: { piId: PI, id: 3, url } }, { piId: NEW, id: 4, url });
  const logged: string[] = [];
  const driver = createPowerDriver({ driver: 'simpleweb', ppiConfigPath, exec, log: logInto(logged) });
  return {
    driver,
    logged,
    configure,
    seen: async () => requests.map((line) => line.replace(/^GET \/power(on|off)\/(\d)$/, '$1 $2')),
    farEnd: async (next) => {
      behaviour = next;
    },
  };
}

const PROGRAMS: Record<FarEnd, string> = {
  works: 'printf ok',
  busy: 'printf ok; echo switch is busy >&2',
  'wrong-answer': 'echo ok',
  hangs: 'exec sleep 60',
  'half-dead': 'printf o; exec sleep 60',
};

/** The driver ppi and a real program. */
export async function ppiBench(t: TestContext): Promise<Bench> {
  const folder = await folderFor(t);
  const ppiPath = join(folder, 'ppi');
  const ppiConfigPath = join(folder, 'config.json');
  const calls = join(folder, 'calls');
  await writeFile(calls, '');
  const farEnd = async (behaviour: FarEnd) => {
    await writeFile(ppiPath, `#!/bin/sh\n{ echo "$@"; cat; echo; } >>'${calls}'\n${PROGRAMS[behaviour]}\n`);
    await chmod(ppiPath, 0o755);
  };
  await farEnd('works');
  const configure = await configurer(ppiConfigPath, { [PI]: {} }, {});
  const logged: string[] = [];
  const driver = createPowerDriver({ driver: 'ppi', ppiPath, ppiConfigPath, exec, log: logInto(logged) });
  return {
    driver,
    logged,
    configure,
    farEnd,
    seen: async () => {
      // A line without its end is still being written.
      const lines = (await readFile(calls, 'utf8')).split('\n').slice(0, -1);
      return lines.flatMap((line) => {
        if (line === `-c ${ppiConfigPath}`) return [];
        const request = JSON.parse(line) as { piId: string; action: string };
        return [`${request.action.replace('power', '')} ${request.piId}`];
      });
    },
  };
}

/** The signal of a call that nobody ends. */
export const never = new AbortController().signal;

/** What a call that must fail fails with. */
export async function faultOf(call: Promise<unknown>): Promise<PowerFault> {
  const error = await call.then(
    () => assert.fail('it should have failed'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PowerFault, String(error));
  return error;
}
