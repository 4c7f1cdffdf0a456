import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../contract/nfs-lab.ts';
import { sh } from '../lab/sh.ts';
import type { Sample } from './servers-table.ts';

const PIECE = Buffer.alloc(1_000_000, 'a');
const FILE_MB = 64;
const FOLDERS = 10;
const FILES_EACH = 30;
const SMALL = Buffer.alloc(4_096, 'b');

const AT = '/lab/pi';

/** Of what NFS carries, what is asked for. */
export type Version = '3' | '4.2';

/** Mounts an export by this kernel's own client, in the network namespace of `client`; with the options that a root has (nfsroot). */
function mount({ name, address, server }: Client, path: string, version: Version): void {
  const options = `vers=${version},nolock,tcp,addr=${server},mountaddr=${server},clientaddr=${address}`;
  sh('nsenter', `--net=/run/netns/${name}`, 'mount', '-i', '-t', 'nfs', '-o', options, `${server}:${path}`, AT);
}

/** So many per second. */
function rate(count: number, act: () => void): number {
  const began = performance.now();
  act();
  return count / ((performance.now() - began) / 1_000);
}

function write(file: string): void {
  const to = openSync(file, 'w');
  for (let n = 0; n < FILE_MB; n++) writeSync(to, PIECE);
  fsyncSync(to);
  closeSync(to);
}

function read(file: string): void {
  const from = openSync(file, 'r');
  const into = Buffer.alloc(PIECE.length);
  while (readSync(from, into) > 0);
  closeSync(from);
}

function create(tree: string): void {
  for (let n = 0; n < FOLDERS; n++) {
    const folder = join(tree, String(n));
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < FILES_EACH; i++) writeFileSync(join(folder, String(i)), SMALL);
  }
}

/** Every file of the tree, whose folders are read for it. */
function walk(tree: string, see: (file: string) => void): void {
  for (const folder of readdirSync(tree)) {
    for (const name of readdirSync(join(tree, folder))) see(join(tree, folder, name));
  }
}

/**
 * Writes and reads as a Pi does, by the kernel's own client. It is mounted anew before whatever reads: the client has nothing in its memory
 * then, the server everything in its own.
 */
export function lookAsPi(client: Client, path: string, version: Version): Omit<Sample, 'server'>[] {
  const [file, tree] = [join(AT, 'file'), join(AT, 'tree')];
  const files = FOLDERS * FILES_EACH;
  const found: Omit<Sample, 'server'>[] = [];
  function measure(what: string, unit: 'MB/s' | 'files/s', act: () => void): void {
    mount(client, path, version);
    const value = rate(unit === 'MB/s' ? FILE_MB : files, act);
    sh('umount', AT);
    found.push({ row: `NFSv${version}: ${what}`, unit, value });
  }
  mkdirSync(AT, { recursive: true });
  measure(`write ${FILE_MB} MB`, 'MB/s', () => write(file));
  measure(`read ${FILE_MB} MB`, 'MB/s', () => read(file));
  measure(`create ${files} files of 4 KiB`, 'files/s', () => create(tree));
  measure('stat them', 'files/s', () => walk(tree, lstatSync));
  measure('read them', 'files/s', () => walk(tree, readFileSync));
  mount(client, path, version);
  rmSync(file);
  rmSync(tree, { recursive: true });
  sh('umount', AT);
  return found;
}
