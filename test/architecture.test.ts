import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * Who may import whom (docs: CONTRIBUTING.md, "The floors"). Imports are found by text, not by a compiler: static ones at the start
 * of a line, which the formatter guarantees, dynamic ones and worker files (`new URL('./x.ts', import.meta.url)`) anywhere
 * outside comments.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['core', 'db', 'netboot', 'exports', 'server', 'test'];
const STATIC = /^(?:import|export)\s+(?:(?:type\s+)?[\w$*{},\s]*?\s*from\s*)?(['"])([^'"\n]+)\1/gm;
const DYNAMIC = /\bimport\(\s*(?:(['"`])([^'"`]+)\1)?|\bnew URL\(\s*(['"])([^'"]+\.(?:ts|mjs))\3,\s*import\.meta\.url/g;

interface Source {
  readonly path: string;
  readonly text: string;
}

/** `target` is a path from the repository's root for files of ours, else the name of a package or `node:` module. */
interface Import {
  readonly from: string;
  readonly line: number;
  readonly target: string;
}

const lineOf = (text: string, index: number) => text.slice(0, index).split('\n').length;

function importsOf({ path, text }: Source): Import[] {
  const resolved = (name: string) => (name.startsWith('.') ? posix.join(posix.dirname(path), name) : name);
  const found: Import[] = [];
  for (const match of text.matchAll(STATIC)) {
    found.push({ from: path, line: lineOf(text, match.index), target: resolved(match[2] ?? '') });
  }
  for (const match of text.matchAll(DYNAMIC)) {
    const before = text.slice(text.lastIndexOf('\n', match.index) + 1, match.index);
    if (/^\s*(?:\*|\/\/|\/\*)/.test(before)) continue;
    found.push({ from: path, line: lineOf(text, match.index), target: resolved(match[2] ?? match[4] ?? '(computed)') });
  }
  return found;
}

/** Lines that match, for rules about words instead of imports. */
function linesWith({ path, text }: Source, pattern: RegExp): string[] {
  return text.split('\n').flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1} ${line.trim()}`] : []));
}

const inside = (path: string, ...folders: string[]) => folders.some((f) => path === f || path.startsWith(`${f}/`));
const isProduction = (path: string) => !inside(path, 'test');
const isLauncher = (path: string) => /^server\/launch(?:\.mjs$|\/)/.test(path);

const FLOORS: Record<string, readonly string[]> = {
  core: ['core'],
  db: ['db', 'core'],
  netboot: ['netboot', 'core'],
  exports: ['exports', 'core'],
  server: ['server', 'db', 'netboot', 'exports', 'core'],
};
/** Heights inside server; equal ones do not know each other. Files at its root that are not listed stand outside. */
const HEIGHTS: Record<string, number> = {
  'main.ts': 11,
  'openapi.ts': 11,
  'compose.ts': 10,
  'bring-up.ts': 9,
  'keepers.ts': 8,
  'storage.ts': 7,
  'boards.ts': 7,
  'ground.ts': 6,
  'seams.ts': 5,
  'ready.ts': 5,
  http: 4,
  reconcile: 4,
  import: 4,
  metrics: 4,
  doctor: 4,
  boot: 3,
  operations: 2,
  power: 1,
};
const roomOf = (path: string) => (inside(path, 'server') ? path.split('/')[1] : undefined);
const isDriver = (path: string) => inside(path, 'server/power/drivers');

/** A rule about imports: true for one that breaks it. */
type Rule = (edge: Import) => boolean;
const onlyIn = (modules: RegExp, allowed: (path: string) => boolean): Rule => {
  return ({ from, target }) => isProduction(from) && modules.test(target) && !allowed(from);
};

const RULES: Record<string, Rule> = {
  'floors: server stands on db, netboot and exports, these on core, and nothing goes back up or sideways': (edge) => {
    const allowed = FLOORS[edge.from.split('/')[0] ?? ''];
    return allowed !== undefined && inside(edge.target, ...SOURCES) && !inside(edge.target, ...allowed);
  },
  'inside server: main -> compose -> http, reconcile, import, metrics -> boot -> operations -> power': ({
    from,
    target,
  }) => {
    const [a, b] = [roomOf(from), roomOf(target)];
    if (a === undefined || b === undefined || a === b) return false;
    const [high, low] = [HEIGHTS[a], HEIGHTS[b]];
    return high !== undefined && low !== undefined && high <= low;
  },
  'wire shapes (server/schema) are for server/http only': ({ from, target }) =>
    isProduction(from) && roomOf(target) === 'schema' && !['schema', 'http', 'openapi.ts'].includes(roomOf(from) ?? ''),
  'wire shapes know nothing of the rest of server': ({ from, target }) =>
    roomOf(from) === 'schema' && inside(target, 'server') && roomOf(target) !== 'schema',
  'a power driver never imports another': ({ from, target }) => isDriver(from) && isDriver(target),
  'production never imports tests': ({ from, target }) => isProduction(from) && inside(target, 'test'),
  'dynamic imports in production name a file, but for the drivers that an operator names': ({ from, target }) =>
    isProduction(from) && target === '(computed)' && from !== 'server/power/switches/external.ts',
  'child processes only in core/host (and the launcher)': onlyIn(
    /^(?:node:)?child_process$/,
    (path) => inside(path, 'core/host') || isLauncher(path),
  ),
  'execa only in core/host': onlyIn(/^execa$/, (path) => inside(path, 'core/host')),
  'kysely and better-sqlite3 only in db': onlyIn(/^(?:kysely|better-sqlite3|node:sqlite)(?:\/|$)/, (path) =>
    inside(path, 'db'),
  ),
  'prom-client only in server/metrics': onlyIn(/^prom-client$/, (path) => inside(path, 'server/metrics')),
  'net-snmp only in server/power/switches': onlyIn(/^net-snmp(?:\/|$)/, (path) =>
    inside(path, 'server/power/switches'),
  ),
  'fastify only in server/http': onlyIn(/^@?fastify(?:[/-]|$)/, (path) => inside(path, 'server/http')),
};

/** A rule about text: what must not be in a file of production, and where it may be all the same. */
const WORDS: Record<string, { pattern: RegExp; allowed: (path: string) => boolean }> = {
  'the environment is read only in server/main.ts, server/config.ts and the launcher': {
    pattern: /\bprocess\.env\b/,
    allowed: (path) => !isProduction(path) || ['server/main.ts', 'server/config.ts'].includes(path) || isLauncher(path),
  },
  'SQL only in db': {
    pattern: /\bsql`|\.(?:selectFrom|insertInto|updateTable|deleteFrom|replaceInto)\(/,
    allowed: (path) => !isProduction(path) || inside(path, 'db'),
  },
  'no default exports': { pattern: /^export default\b|^export \{[^}]*\bas default\b/, allowed: () => false },
};

function breaches(rule: Rule, sources: readonly Source[]): string[] {
  const wrong = sources.flatMap(importsOf).filter(rule);
  return wrong.map(({ from, line, target }) => `${from}:${line} imports ${target}`);
}

/** Files and folders below `folder`, as paths from the root; installed modules and data left out. */
function list(folder: string): { files: string[]; folders: string[] } {
  const entries = readdirSync(posix.join(ROOT, folder), { recursive: true, withFileTypes: true });
  const paths = (isWanted: (entry: (typeof entries)[number]) => boolean) =>
    entries.filter(isWanted).map((entry) => posix.relative(ROOT, posix.join(entry.parentPath, entry.name)));
  return { files: paths((entry) => entry.isFile()), folders: paths((entry) => entry.isDirectory()) };
}

const tree = SOURCES.map(list);
const sources: Source[] = tree
  .flatMap(({ files }) => files)
  .filter((path) => /\.(?:[cm]?ts|[cm]?js)$/.test(path))
  .map((path) => ({ path, text: readFileSync(posix.join(ROOT, path), 'utf8') }));

for (const [name, rule] of Object.entries(RULES)) {
  test(name, () => assert.deepEqual(breaches(rule, sources), []));
}

for (const [name, { pattern, allowed }] of Object.entries(WORDS)) {
  test(name, () => {
    const found = sources.filter(({ path }) => !allowed(path)).flatMap((source) => linesWith(source, pattern));
    assert.deepEqual(found, []);
  });
}

test('every folder of server has its place', () => {
  const rooms = sources.map(({ path }) => path.split('/')).filter(([floor, , file]) => floor === 'server' && file);
  const places = [...Object.keys(HEIGHTS), 'schema', 'launch'];
  assert.deepEqual(
    rooms.map(([, room = '']) => room).filter((room) => !places.includes(room)),
    [],
  );
});

test('no folder is named after nothing', () => {
  const named = tree
    .flatMap(({ folders }) => folders)
    .filter((path) => /(?:^|\/)(?:utils?|common|misc|helpers?|libs?|shared)$/.test(path));
  assert.deepEqual(named, []);
});

test('the top-level folders are the ones of the plan', () => {
  const ignored = new Set(
    readFileSync(posix.join(ROOT, '.gitignore'), 'utf8')
      .split('\n')
      .map((line) => line.replace(/\/$/, '')),
  );
  const folders = readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== '.git' && !ignored.has(entry.name))
    .map((entry) => entry.name);
  const plan = [...SOURCES, 'docker', 'docs', '.ci'];
  assert.deepEqual(
    folders.filter((name) => !plan.includes(name)),
    [],
  );
});

test('this checker complains: every rule about imports fails for an import that breaks it', () => {
  const cases: [rule: string, path: string, text: string, target: string][] = [
    ['floors', 'core/a.ts', "import { x } from '../db/open.ts';", 'db/open.ts'],
    ['floors', 'netboot/tftp/a.ts', "import type {\n  X,\n} from '../../exports/b.ts';", 'exports/b.ts'],
    ['floors', 'db/a.ts', "export * from '../server/compose.ts';", 'server/compose.ts'],
    ['floors', 'exports/a.ts', "new Worker(new URL('../netboot/w.ts', import.meta.url));", 'netboot/w.ts'],
    ['inside server', 'server/operations/a.ts', "import { x } from '../http/app.ts';", 'server/http/app.ts'],
    ['inside server', 'server/reconcile/a.ts', "import '../http/app.ts';", 'server/http/app.ts'],
    ['inside server', 'server/power/a.ts', "const x = await import('../operations/b.ts');", 'server/operations/b.ts'],
    ['wire shapes (', 'server/operations/a.ts', "import { x } from '../schema/pi.ts';", 'server/schema/pi.ts'],
    ['wire shapes know', 'server/schema/a.ts', "import { x } from '../http/b.ts';", 'server/http/b.ts'],
    ['a power driver', 'server/power/drivers/a.ts', "import { x } from './b.ts';", 'server/power/drivers/b.ts'],
    ['production never', 'server/main.ts', "import { x } from '../test/lab/pi.ts';", 'test/lab/pi.ts'],
    ['dynamic', 'db/a.ts', 'await import(name);', '(computed)'],
    ['child processes', 'exports/a.ts', "import { spawn } from 'node:child_process';", 'node:child_process'],
    ['execa', 'exports/a.ts', "import { execa } from 'execa';", 'execa'],
    ['kysely', 'server/compose.ts', "import { sql } from 'kysely';", 'kysely'],
    ['prom-client', 'server/http/a.ts', "import { Counter } from 'prom-client';", 'prom-client'],
    ['net-snmp', 'server/power/service.ts', "import { createSession } from 'net-snmp';", 'net-snmp'],
    ['fastify', 'server/operations/a.ts', "import type { X } from '@fastify/swagger';", '@fastify/swagger'],
  ];
  for (const [name, path, text, target] of cases) {
    const rule = Object.entries(RULES).find(([title]) => title.startsWith(name))?.[1];
    assert.ok(rule, name);
    assert.deepEqual(breaches(rule, [{ path, text: `\n${text}` }]), [`${path}:2 imports ${target}`]);
  }
  assert.equal(new Set(cases.map(([name]) => name)).size, Object.keys(RULES).length);
  const inComment = {
    path: 'core/a.ts',
    text: " * see import('../db/x.ts')\nexport const text = 'from';\n// import('../db/x.ts')\n",
  };
  assert.deepEqual(importsOf(inComment), []);
});

test('this checker sees: known imports of known files are found', () => {
  const edges = sources.flatMap(importsOf);
  assert.ok(edges.some(({ from, target }) => from === 'core/host/exec.ts' && target === 'execa'));
  assert.ok(
    edges.some(({ from, target }) => from === 'server/power/service.ts' && target === 'server/power/driver.ts'),
  );
  const missing = edges.filter(
    ({ target }) => inside(target, ...SOURCES) && !sources.some(({ path }) => path === target),
  );
  assert.deepEqual(
    missing.filter(({ from }) => from !== 'test/architecture.test.ts'),
    [],
  );
});
