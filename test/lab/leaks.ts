import { fileURLToPath } from 'node:url';

/** An answer told what no client may know. */
export class Leak extends Error {}

/** An answer, as far as this looks at it. */
export interface Told {
  readonly status: number;
  readonly contentType: string | null | undefined;
  readonly body: string;
}

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
/** Where a server keeps what is its own business. A Pi has folders of these names too, but Bakery writes about none of its files there. */
const OURS = /(?:^|[^\w.-])\/(?:dev\/loop|(?:proc|sys|tmp|run|home|root)\/)/;
/** In a problem no path is anything but ours; but for where the documentation is. */
const ANY_PATH = /(?:^|[^\w.~-])\/(?!docs\b)[\w.-]+/;

const TRACES: readonly (readonly [string, RegExp])[] = [
  ['a stack', /\n\s+at |\bat (?:async )?\S+ \((?:file|node):|node:internal|\.[cm]?[jt]s:\d+/],
  [
    'SQL',
    /\bselect\b.+\bfrom\b|\binsert into\b|\bupdate \w+ set\b|\bdelete from\b|SQLITE_|constraint failed|no such (?:table|column)/is,
  ],
  [
    'output of a program',
    /\(exit \S+\)|\bexit (?:code|status) \d|command failed|stderr|^(?:\S*\/)?(?:sh|cp|u?mount|losetup|mkfs\S*|\w+2fs|e2fsck|debugfs|mdir|mcopy|sfdisk|fsfreeze|fstrim|xfs_\w+): /im,
  ],
  ['an error of the system', /\bE[A-Z]{4,}\b(?=[:,])|\berrno\b|\bsyscall\b/],
];

/** All texts in a JSON value, with the names of the members they stand in. */
function* texts(value: unknown, at: string): Generator<{ at: string; text: string }> {
  if (typeof value === 'string') yield { at, text: value };
  else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) yield* texts(member, at === '' ? name : `${at}.${name}`);
  }
}

/**
 * What an answer tells of the server that no client may know: stacks, SQL, output of programs, errors of the system, paths.
 * `root` is the server's BAKERY_ROOT. The `location` of disks and bakeforms is a path: the original's clients mount it.
 */
export function leaksIn({ status, contentType, body }: Told, root?: string): string[] {
  const isProblem = status >= 400;
  if (!contentType?.includes('json')) {
    // What is served as bytes is somebody's file; an error never is.
    return isProblem && body !== '' ? [`an error that is no problem document: ${body.slice(0, 200)}`] : [];
  }
  const leaks: string[] = [];
  for (const { at, text } of texts(JSON.parse(body), '')) {
    const name = at.split('.').at(-1);
    if (name === 'location' || (isProblem && at === 'type')) continue;
    // Litter: a loop device that nobody accounts for has no other name.
    if (!isProblem && name === 'path' && /^\/dev\/loop\d+$/.test(text)) continue;
    const found = TRACES.filter(([, pattern]) => pattern.test(text)).map(([what]) => what);
    const ownPath = [root, REPOSITORY].some((path) => path && text.includes(path)) || OURS.test(text);
    if (ownPath || (isProblem && ANY_PATH.test(text))) found.push('a path');
    leaks.push(...found.map((what) => `${what} in ${at}: ${text.slice(0, 300)}`));
  }
  return leaks;
}

/** @throws Leak when an answer tells what no client may know. */
export function refuseLeaks(asked: string, told: Told, root?: string): void {
  const leaks = leaksIn(told, root);
  if (leaks.length > 0) throw new Leak(`${asked} answered ${told.status} with ${leaks.join('; ')}`);
}
