import { readFileSync, statSync } from 'node:fs';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

/** Larger files are no power configuration. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * A driver's configuration file that is read again when it has changed, so that a new Pi is bound without a restart.
 * The first reading throws BakeryError `power-config` (invalid) when the file is missing or wrong; later a wrong or missing
 * file leaves what was known before in force, and is logged once per change.
 *
 * It reads synchronously: a few kilobytes from a local disk, so that "is this Pi bound to a port" needs no waiting.
 */
export function followConfigFile<T>(options: {
  readonly path: string;
  /** Throws an Error that says what is wrong and where. */
  readonly parse: (text: string) => T;
  readonly log: Log;
}): () => T {
  const { path, parse, log } = options;
  let version = versionOf(path);
  let current = load(path, parse);
  return () => {
    const now = versionOf(path);
    if (now === version) return current;
    version = now;
    try {
      current = load(path, parse);
      log.info({ path }, 'read the power configuration again');
    } catch (error) {
      log.error(
        { error: describeError(error) },
        'the power configuration changed and is not usable; the old one stays',
      );
    }
    return current;
  };
}

/** Changes when the file is written or replaced. Times of files tick in milliseconds only, hence the size as well. */
function versionOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}` : 'missing';
}

function load<T>(path: string, parse: (text: string) => T): T {
  try {
    const size = statSync(path).size;
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_BYTES}`);
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new BakeryError('invalid', 'power-config', 'the configuration of the power driver is not usable', {
      detail: `${path}: ${error instanceof Error ? error.message : String(error)}`,
      cause: error,
    });
  }
}
