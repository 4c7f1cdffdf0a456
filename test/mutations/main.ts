import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTATIONS } from './all.ts';
import { hasFailed, type Mutation, mutate } from './mutation.ts';

/**
 * Takes out one protection after the other, each in a copy of the tree, and runs the file with the test that must notice. Ends
 * with 1 when a test does not: then it protects nothing. Arguments: words of the names wanted; none is all.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT_MS = 15 * 60_000;
/** Copies at work at once. */
const JOBS = 2;

type Outcome = 'noticed' | 'NOT NOTICED' | 'TOOK TOO LONG';

function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-mutations-'));
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  for (const file of files.toString('utf8').split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function endGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Runs the test file until the test fails, or all is over. */
async function run(folder: string, mutation: Mutation): Promise<{ outcome: Outcome; output: string }> {
  // A test that is ended leaves its folders behind, with pools of some GiB: they go with this one.
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const child = spawn(process.execPath, ['--test', '--test-reporter=spec', mutation.test], {
    cwd: folder,
    detached: true,
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      TMPDIR: temporary,
      ...(mutation.long ? { BAKERY_TEST_LONG: '1' } : {}),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let outcome: Outcome = 'NOT NOTICED';
  const limit = setTimeout(() => {
    outcome = 'TOOK TOO LONG';
    endGroup(child);
  }, LIMIT_MS);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (outcome !== 'NOT NOTICED' || !hasFailed(output, mutation.fails)) return;
      outcome = 'noticed';
      // What it made lives in namespaces that end with it.
      endGroup(child);
    });
  }
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(limit);
  endGroup(child);
  rmSync(temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
  return { outcome, output };
}

async function work(queue: Iterator<Mutation>, failed: string[]): Promise<void> {
  const folder = copyTree();
  try {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const mutation = next.value;
      const file = join(folder, mutation.file);
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, mutate(text, mutation));
      const began = Date.now();
      const { outcome, output } = await run(folder, mutation);
      writeFileSync(file, text);
      process.stdout.write(
        `${outcome.padEnd(13)} ${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${mutation.name}\n`,
      );
      if (outcome === 'noticed') continue;
      failed.push(mutation.name);
      process.stdout.write(
        `  expected "${mutation.fails}" in ${mutation.test} to fail\n${output.slice(-1500).replaceAll(/^/gm, '  | ')}\n`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const words = process.argv.slice(2);
const wanted = MUTATIONS.filter(({ name }) => words.every((word) => name.includes(word)));
if (wanted.length === 0) throw new Error(`no mutation has ${words.join(' and ')} in its name`);
const failed: string[] = [];
const queue = wanted.values();
await Promise.all(Array.from({ length: JOBS }, () => work(queue, failed)));
process.stdout.write(
  `mutations ${wanted.length}, noticed ${wanted.length - failed.length}, not noticed ${failed.length}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
