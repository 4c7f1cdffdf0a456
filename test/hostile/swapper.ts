import { mkdirSync, openSync, renameSync, rmSync, symlinkSync } from 'node:fs';

/**
 * Swaps folders and files for links, and back, as fast as it can, until its input ends; then everything is where it was. Its
 * arguments come in pairs: a path, and where the link in its place leads. It says how often it swapped.
 */
interface Swap {
  /** Name of the thing, through an open folder: what is above it may be swapped at any time. */
  readonly path: string;
  readonly aside: string;
  readonly link: string;
  isLink: boolean;
  readonly junkFolder: string;
  /** A name for what is in the way. */
  junk(): string;
}

function prepare(path: string, target: string): Swap {
  const cut = path.lastIndexOf('/');
  const folder = openSync(path.slice(0, cut), 'r');
  const name = path.slice(cut + 1);
  const at = `/proc/self/fd/${folder}`;
  const junk = `${at}/.${name}.junk`;
  mkdirSync(junk);
  let count = 0;
  const swap = {
    path: `${at}/${name}`,
    aside: `${at}/.${name}.aside`,
    link: `${at}/.${name}.link`,
    junkFolder: junk,
    isLink: false,
    junk: () => `${junk}/${count++}`,
  };
  rmSync(swap.link, { force: true });
  symlinkSync(target, swap.link);
  return swap;
}

/** Renames, and puts aside first what the server has made there in the gap. */
function move(from: string, to: string, junk: () => string): void {
  for (let tries = 0; ; tries++) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      if (tries === 20) throw error;
      renameSync(to, junk());
    }
  }
}

function flip(swap: Swap): void {
  const { path, aside, link, junk } = swap;
  if (swap.isLink) {
    move(path, link, junk);
    move(aside, path, junk);
  } else {
    move(path, aside, junk);
    move(link, path, junk);
  }
  swap.isLink = !swap.isLink;
}

function run(words: readonly string[]): void {
  const swaps: Swap[] = [];
  for (let i = 0; i + 1 < words.length; i += 2) swaps.push(prepare(words[i] ?? '', words[i + 1] ?? ''));
  let count = 0;
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  process.stdin.on('end', end).on('close', end).resume();
  const work = () => {
    if (!isOver) {
      for (let i = 0; i < 200; i++) {
        const swap = swaps[Math.floor(Math.random() * swaps.length)];
        if (swap) flip(swap);
        count++;
      }
      setImmediate(work);
      return;
    }
    for (const swap of swaps.toReversed()) {
      if (swap.isLink) flip(swap);
      rmSync(swap.link, { force: true });
      rmSync(swap.junkFolder, { recursive: true });
    }
    process.stdout.write(`${count}\n`);
    process.exit(0);
  };
  work();
}

run(process.argv.slice(2));
