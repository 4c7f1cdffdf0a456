import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { requireTools } from '../image/host.ts';
import { walk } from '../image/tree.ts';

/** What stock images are made of: a folder with `root.tar` and `boot/{kernel,initramfs,device-tree,version}` and firmware. */
export interface StockParts {
  readonly folder: string;
  /** The kernel's, as in the name of its package. */
  readonly version: string;
}

const PREFIX = 'stock-';
/** What decides about the parts; the layouts themselves do not. */
const BUILDERS = ['debian-root.ts', 'packages', 'parts-main.ts'];

function cacheKey(): string {
  const hash = createHash('sha256');
  const image = join(import.meta.dirname, '../image');
  const files = [
    ...BUILDERS.map((name) => join(import.meta.dirname, name)),
    ...walk(image).map((name) => join(image, name)),
  ];
  for (const file of files) {
    const stat = lstatSync(file);
    if (!stat.isFile()) continue;
    hash
      .update(`${relative(import.meta.dirname, file)}\0${stat.mode & 0o100}\0${stat.size}\0`)
      .update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 24);
}

/**
 * Gives the parts of stock images, built from Debian packages of the machine's own mirror. The first call takes half a minute; later
 * ones find them in `$BAKERY_TEST_CACHE` or ~/.cache/bakery-test. It blocks, and of several builders at once one builds, as in
 * test/lab/image/build.ts.
 */
export function buildStockParts(): StockParts {
  const cache = process.env.BAKERY_TEST_CACHE || join(homedir(), '.cache/bakery-test');
  const folder = join(cache, `${PREFIX}${cacheKey()}`);
  const parts = (): StockParts => ({ folder, version: readFileSync(join(folder, 'boot/version'), 'utf8') });
  if (existsSync(folder)) return parts();
  requireTools();
  if (process.getuid?.() !== 0) throw new Error('the files of the root belong to root: build it as root');
  mkdirSync(cache, { recursive: true });
  const builder = [
    process.execPath,
    join(import.meta.dirname, 'parts-main.ts'),
    folder,
    join(cache, `${PREFIX}build-`),
  ];
  const lock = join(cache, 'stock.lock');
  const { status, stderr, error } = spawnSync('flock', ['--exclusive', lock, ...builder], { encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`no stock parts: ${error?.message ?? stderr.trim().slice(-2000)}`);
  if (readdirSync(folder).length === 0) throw new Error(`nothing in ${folder}`);
  return parts();
}
