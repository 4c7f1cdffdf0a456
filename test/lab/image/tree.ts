import {
  chmodSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';

/** Where the plain files of the image are. */
export const FILES = join(import.meta.dirname, 'files');

/** The time of every file in the image, so that two builds give the same bytes. */
export const EPOCH = 1_700_000_000;

/** Lines of a list file, without comments and empty ones. */
export function readList(name: string): string[] {
  const lines = readFileSync(join(FILES, name), 'utf8').split('\n');
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}

/** A file of `files/` with its `@NAME@` places filled in. */
export function fillIn(name: string, values: Readonly<Record<string, string>>): string {
  return readFileSync(join(FILES, name), 'utf8').replace(/@([A-Z_]+)@/g, (_all, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`${name} asks for @${key}@, which is nothing we know`);
    return value;
  });
}

/** Every path below a folder, parents first, in a fixed order. */
export function walk(folder: string): string[] {
  const below = (at: string): string[] =>
    readdirSync(at, { withFileTypes: true })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => {
        const path = join(at, entry.name);
        return entry.isDirectory() ? [relative(folder, path), ...below(path)] : [relative(folder, path)];
      });
  return below(folder);
}

/** Gives everything in a tree the same time; git keeps no modes but x, and a umask of the builder must not show. */
export function settle(tree: string): void {
  for (const path of ['', ...walk(tree)].map((name) => join(tree, name))) {
    const stat = lstatSync(path);
    if (!stat.isSymbolicLink()) chmodSync(path, stat.isDirectory() || stat.mode & 0o100 ? 0o755 : 0o644);
    lutimesSync(path, EPOCH, EPOCH);
  }
}

/** Where our files go in a tree: its path by that of the file below `files/`. */
export type Places = Readonly<Record<string, string>>;

/** Starts a tree with our files, busybox and the links to its applets. */
export function busyboxTree(tree: string, places: Places, busybox: string): void {
  for (const folder of ['bin', 'sbin', 'etc', 'proc', 'sys', 'dev', 'run']) {
    mkdirSync(join(tree, folder), { recursive: true });
  }
  for (const [from, to] of Object.entries(places)) cpSync(join(FILES, from), join(tree, to), { recursive: true });
  cpSync(busybox, join(tree, 'bin/busybox'));
  chmodSync(join(tree, 'bin/busybox'), 0o755);
  // We cannot run the arm64 program here to ask it; its table of names has each between zero bytes.
  const names = readFileSync(busybox).toString('latin1');
  for (const applet of readList('applets')) {
    if (!names.includes(`\0${applet}\0`)) throw new Error(`this busybox has no ${applet}`);
    symlinkSync('busybox', join(tree, 'bin', applet));
  }
}

/** Fills the places of a file of the root. */
export function fillTreeFile(tree: string, name: string, values: Readonly<Record<string, string>>): void {
  writeFileSync(join(tree, name), fillIn(join('root', name), values));
}
