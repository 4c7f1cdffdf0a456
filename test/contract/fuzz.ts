import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BakeryError, describeError } from '../../core/errors.ts';

const PROBLEMS = readFileSync(fileURLToPath(new URL('../../docs/problems.md', import.meta.url)), 'utf8');
/** The codes that docs/problems.md explains. */
const DOCUMENTED = new Set([...PROBLEMS.matchAll(/^### ([a-z0-9-]+)$/gm)].map(([, code]) => code));

/** Everything below a folder, each with what changes when somebody touches it. */
export function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const { ino, mode, size, mtimeMs, ctimeMs, nlink } = lstatSync(join(folder, name));
      return [name, ino, mode, size, mtimeMs, ctimeMs, nlink].join(' ');
    });
}

/**
 * What `act` says, or the code that it refuses with: one that is documented, and that blames what was given. Any other error is a
 * failure of the test, with `what` was given.
 */
export async function refusal(act: () => Promise<unknown>, what: string): Promise<{ said?: unknown; code?: string }> {
  try {
    return { said: await act() };
  } catch (error) {
    if (!(error instanceof BakeryError)) assert.fail(`${what}: ${describeError(error)}`);
    assert.ok(DOCUMENTED.has(error.code), `${what}: ${error.code}`);
    assert.ok(error.kind === 'invalid' || error.code === 'path-refused', `${what}: ${describeError(error)}`);
    assert.doesNotMatch(error.message, /\/(?:tmp|dev|proc)\b/, 'no path reaches clients');
    return { code: error.code };
  }
}
