import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { requireTools } from './host.ts';
import { walk } from './tree.ts';

/** The image of an emulated Raspberry Pi 3. It is shared by all tests: copy it before changing it. */
export interface PiImage {
  readonly path: string;
  readonly sha256: string;
  /** False when it came out of the cache. */
  readonly builtNow: boolean;
}

/** Begins every name of ours in the cache folder, which others may use too. */
const PREFIX = 'pi3-';

/** Whatever may change the image, this builder's own code included, changes the key. */
function cacheKey(): string {
  const hash = createHash('sha256');
  for (const name of walk(import.meta.dirname)) {
    const file = join(import.meta.dirname, name);
    const stat = lstatSync(file);
    if (stat.isFile()) hash.update(`${name}\0${stat.mode & 0o100}\0${stat.size}\0`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 24);
}

/**
 * Gives a bootable image made of Debian's kernel, its Raspberry Pi firmware and busybox, with a root that works through
 * /piConfig and reports in lines of `LAB …` on the serial console. The first call builds it (network to the machine's own
 * Debian mirror, under a minute); later ones find it in `$BAKERY_TEST_CACHE` or ~/.cache/bakery-test.
 *
 * It blocks, so that a test file can call it before it goes where there is no network. Of several builders at once one
 * builds and the others wait for it: flock(1) holds the lock for as long as the builder lives, however that ends.
 */
export function buildPiImage(options: { readonly log?: (line: string) => void } = {}): PiImage {
  const cache = process.env.BAKERY_TEST_CACHE || join(homedir(), '.cache/bakery-test');
  const path = join(cache, `${PREFIX}${cacheKey()}.img`);
  const image = (builtNow: boolean): PiImage => ({
    path,
    sha256: readFileSync(`${path}.sha256`, 'utf8').trim(),
    builtNow,
  });
  // The image is renamed into place last: when it is there, so is its checksum.
  if (existsSync(path)) return image(false);

  requireTools();
  if (process.getuid?.() !== 0) throw new Error('the files of the image belong to root: build it as root');
  mkdirSync(cache, { recursive: true });
  const say = options.log ?? (() => undefined);
  say(`building ${path} from Debian packages`);
  const builder = [process.execPath, join(import.meta.dirname, 'build-main.ts'), path, join(cache, `${PREFIX}build-`)];
  const lock = join(cache, `${PREFIX}build.lock`);
  const { status, stdout, stderr, error } = spawnSync('flock', ['--exclusive', lock, ...builder], { encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`no image: ${error?.message ?? stderr.trim().slice(-2000)}`);
  say(stdout.trim());
  return image(stdout.startsWith('built'));
}
