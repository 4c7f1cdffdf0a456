import { chmod, mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { requirePiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { PowerDriver } from '../../server/power/driver.ts';
import { createPowerDriver, type PowerDriverSettings } from '../../server/power/registry.ts';
import type { PowerSwitch } from '../../server/power/switches/kind.ts';
import { startRelays } from '../lab/switches/relays.ts';
import { WEB_BEHAVIOURS } from '../lab/switches/web-device.ts';
import type { FarEnd, PowerBench } from './switch-bench.ts';
import { partsFor } from './switch-parts.ts';

type Test = Pick<TestContext, 'after'>;

export const PI = requirePiId('687680cd');
export const OTHER = requirePiId('c0ffee00');
export const UNBOUND = requirePiId('0badc0de');
export const NEW = requirePiId('00000007');

/** A folder that goes with the test. */
export async function folderFor(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bakery-power-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** A log whose sentences end in `lines`. */
export function logInto(lines: string[]): Log {
  const add = (_: object, message: string) => void lines.push(message);
  return { debug: add, info: add, warn: add, error: add };
}

/** One driver of Pis with something real at its far end: a port of the bench is a Pi. */
export interface DriverBench extends PowerBench {
  readonly driver: PowerDriver;
  /** What the driver said, without what it was about. */
  readonly logged: string[];
}

/** One that has a configuration of its own. */
export interface ConfiguredBench extends DriverBench {
  /** Binds `NEW` too, or breaks the configuration, while the driver is in use. */
  readonly configure: (what: 'new-pi' | 'malformed' | 'gone') => Promise<void>;
}

/** A driver of Pis as what switches ports: each Pi is one. */
function asPorts(driver: PowerDriver): PowerSwitch {
  return {
    async set(changes, signal) {
      for (const [port, power] of changes) await driver[power](requirePiId(port), signal);
    },
  };
}

/** Writes a configuration that binds these Pis, and gives what changes it. */
async function configurer(path: string, piList: Record<string, object>, added: object) {
  await writeFile(path, JSON.stringify({ piList }));
  return async (what: 'new-pi' | 'malformed' | 'gone') => {
    if (what === 'gone') return unlink(path);
    const list = { ...piList, [NEW]: added };
    return writeFile(path, what === 'malformed' ? '{"piList": 5}' : JSON.stringify({ piList: list }));
  };
}

/** What opening with either credential is made of: `paths` are the files of each. */
function opened(paths: (credential: 'right' | 'wrong') => PowerDriverSettings) {
  const logged: string[] = [];
  const driver = createPowerDriver({ ...paths('right'), exec, log: logInto(logged) });
  return {
    driver,
    logged,
    device: asPorts(driver),
    batches: false,
    open: (credential: 'right' | 'wrong', lines: string[]) =>
      asPorts(createPowerDriver({ ...paths(credential), exec, log: partsFor(lines).log })),
  };
}

const PASSWORD = 's@crit/of the pdu';
const NUMBERS: Readonly<Record<string, string>> = { '3': PI, '4': OTHER, '7': NEW };
const addressFor = (host: string, password: string) => `http://pdu:${encodeURIComponent(password)}@${host}/pdu`;

/** The driver simpleweb and a real HTTP server, which repeats to whom it refuses what he sent. */
export async function simplewebBench(t: Test): Promise<ConfiguredBench> {
  const folder = await folderFor(t);
  const server = await startRelays({
    ports: Object.values(NUMBERS),
    answer({ path, headers }, { turn }) {
      const basic = Buffer.from(`pdu:${PASSWORD}`).toString('base64');
      if (headers.authorization !== `Basic ${basic}`) return { status: 401, body: `not for ${headers.authorization}` };
      const [, word, number = ''] = /^\/pdu\/power(on|off)\/(\d)$/.exec(path) ?? [];
      const pi = NUMBERS[number];
      if (pi === undefined) return { status: 404, body: 'no such port' };
      turn(pi, word === 'on');
      return { status: 200, body: 'ok\n' };
    },
  });
  t.after(() => server.close());
  const { host } = new URL(server.url);
  const pathFor = (credential: 'right' | 'wrong') => join(folder, `${credential}.json`);
  const bound = (password: string) => {
    const url = addressFor(host, password);
    return { [PI]: { piId: PI, id: 3, url }, [OTHER]: { id: 4, url }, [UNBOUND]: { id: 9, url } };
  };
  const wrong = `not ${PASSWORD}`;
  const configure = await configurer(pathFor('right'), bound(PASSWORD), { id: 7, url: addressFor(host, PASSWORD) });
  await configurer(pathFor('wrong'), bound(wrong), {});
  return {
    ...opened((credential) => ({ driver: 'simpleweb', ppiConfigPath: pathFor(credential) })),
    configure,
    // The server repeats what it was sent: name and password together.
    secrets: [PASSWORD, wrong].flatMap((password) => [password, `pdu:${password}`]),
    ports: [PI, OTHER],
    missing: UNBOUND,
    behaviours: [...WEB_BEHAVIOURS, 'ignores'],
    farEnd: server.behave,
    gives: async (pi) => server.gives(pi),
    changes: async () => server.changes,
  };
}

/** What the program does once it has noted what it was asked. */
const PROGRAMS: Partial<Record<FarEnd, string>> = {
  works: 'printf ok',
  ignores: 'printf ok',
  forgets: 'printf ok',
  refusing: 'echo "connection refused by $(cat "$2")" >&2; exit 1',
  busy: 'printf ok; echo "too many requests to $(cat "$2")" >&2',
  broken: 'echo ok; cat "$2"',
  silent: 'exec sleep 60',
  'half-dead': 'printf o; exec sleep 60',
};

/** The driver ppi and a real program, which tells its whole configuration when it fails. */
export async function ppiBench(t: Test): Promise<ConfiguredBench> {
  const folder = await folderFor(t);
  const ppiPath = join(folder, 'ppi');
  const calls = join(folder, 'calls');
  const pathFor = (credential: 'right' | 'wrong') => join(folder, `${credential}.json`);
  await writeFile(calls, '');
  const farEnd = async (behaviour: FarEnd) => {
    const lines = [
      '#!/bin/sh',
      'request=$(cat)',
      `case $2 in *wrong*) echo "401 Unauthorized: $(cat "$2")"; exit 1;; esac`,
      `printf '%s\\n' "${behaviour} $request" >>'${calls}'`,
      PROGRAMS[behaviour] ?? 'exit 1',
    ];
    await writeFile(ppiPath, `${lines.join('\n')}\n`);
    await chmod(ppiPath, 0o755);
  };
  await farEnd('works');
  const bound = (password: string) => {
    const entry = { url: addressFor('192.0.2.1', password), note: password };
    return { [PI]: entry, [OTHER]: entry };
  };
  const wrong = `not ${PASSWORD}`;
  const configure = await configurer(pathFor('right'), bound(PASSWORD), { url: addressFor('192.0.2.1', PASSWORD) });
  await configurer(pathFor('wrong'), bound(wrong), {});
  /** What was carried out or said to be; a line without its end is still being written. */
  const done = async (behaviours: readonly string[]) => {
    const lines = (await readFile(calls, 'utf8')).split('\n').slice(0, -1);
    return lines.flatMap((line) => {
      const [, behaviour = '', request = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
      const { piId, action } = JSON.parse(request) as { piId: string; action: string };
      return behaviours.includes(behaviour) ? [`${action.replace('power', '')} ${piId}`] : [];
    });
  };
  return {
    ...opened((credential) => ({ driver: 'ppi', ppiPath, ppiConfigPath: pathFor(credential) })),
    configure,
    secrets: [PASSWORD, wrong],
    wrongSays: /401 Unauthorized/,
    ports: [PI, OTHER],
    missing: UNBOUND,
    behaviours: Object.keys(PROGRAMS) as FarEnd[],
    farEnd,
    gives: async (pi) => {
      const last = (await done(['works', 'forgets'])).findLast((change) => change.endsWith(` ${pi}`));
      return last?.startsWith('on ') ? 'on' : 'off';
    },
    changes: () => done(['works', 'forgets', 'ignores']),
  };
}

/** The driver manual, and a person who reads the log and does what it says. */
export async function manualBench(): Promise<DriverBench> {
  const changes: string[] = [];
  const log: Log = {
    ...logInto([]),
    warn(fields, message) {
      const word = /^please switch this Pi (on|off) by hand$/.exec(message)?.[1];
      changes.push(`${word} ${(fields as { readonly pi: string }).pi}`);
    },
  };
  const driver = createPowerDriver({ driver: 'manual', exec, log });
  const device = asPorts(driver);
  return {
    driver,
    device,
    logged: [],
    batches: false,
    open: () => device,
    secrets: [],
    ports: [PI, OTHER],
    missing: undefined,
    behaviours: ['works'],
    farEnd: async () => undefined,
    gives: async (pi) => (changes.findLast((change) => change.endsWith(` ${pi}`))?.startsWith('on ') ? 'on' : 'off'),
    changes: async () => changes,
  };
}
