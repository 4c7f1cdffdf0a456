import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { attempt, type Intruder, type Minor, walk } from '../lab/nfs/connect.ts';
import { padded } from '../lab/nfs/handles.ts';
import { op } from '../lab/nfs/nfs4.ts';
import { everyCall } from './isolation-calls.ts';
import {
  allRefused,
  together as connected,
  type IsolationSubject,
  inspect,
  numbered,
  rootOf,
  volumesOf,
} from './isolation-subject.ts';

/** The root of ext4, and its first file. */
const NUMBERS = [2, 12];

const inodeOf = (path: string) => lstatSync(path).ino;

/** `/`, `/a`, `/a/b` of `/a/b`. */
function andAbove(path: string): string[] {
  return path === '/' ? ['/'] : [...andAbove(dirname(path)), path];
}

/** What made-up handles reach that say in other ways whose file system they mean. Every backend has to pass it. */
export function isolationByForgeries(get: () => IsolationSubject, minor: Minor): void {
  const together = (act: Parameters<typeof connected>[2]) => connected(get(), minor, act);

  describe(`NFSv3 and NFSv4.${minor}: other words for a file system`, () => {
    test('a device, a UUID or a number for the file system reaches nothing but the own volume', (t) =>
      together(async ({ subject, a, b }) => {
        const { layout, hostFolder, hostFiles } = subject;
        const mine = layout.parse(await rootOf(a, subject.a.root));
        const hostNumbers = [hostFolder, ...hostFiles].map(inodeOf);
        let tried = 0;
        const forge = async (path: string, numbers: readonly number[]) => {
          const named = await subject.fileSystems(path);
          assert.ok(named.length > 0, path);
          return named.flatMap((fileSystem) => {
            const parts = { ...mine, fileSystem };
            return [parts, ...numbers.map((inode) => numbered(parts, inode))].map(layout.build);
          });
        };
        const theirs = volumesOf(subject.b).map(({ path }) => [path, NUMBERS] as const);
        for (const [path, numbers] of [...theirs, [hostFolder, hostNumbers] as const]) {
          for (const handle4 of await forge(path, numbers)) {
            tried++;
            if (await isFolderAbove(subject, a, handle4)) continue;
            // Nothing may answer.
            await inspect(a, new Map(), {
              handle: padded(handle4),
              handle4,
              what: `${path} ${handle4.toString('hex')}`,
            });
          }
        }
        const own = await subject.inventory(subject.a.root);
        for (const handle4 of await forge(subject.a.root.path, NUMBERS)) {
          tried++;
          const isTree = await isFolderAbove(subject, a, handle4);
          if (!isTree) await inspect(a, own, { handle: padded(handle4), handle4, what: handle4.toString('hex') });
        }
        await rootOf(b, subject.b.root);
        t.diagnostic(`${tried} handles`);
      }));

    test('the handles of NFSv4’s tree of names lead to no file of the server, for nobody', (t) =>
      together(async ({ subject, a, stranger }) => {
        const own = await rootOf(a, subject.a.root);
        const numbers = [subject.hostFolder, ...subject.hostFiles].map(inodeOf);
        const trees = new Map<string, Buffer>();
        for (const path of andAbove(dirname(subject.a.root.path))) {
          const found = await attempt(() => a.v4.last(...walk(path), op.getfh()));
          if ('got' in found) trees.set(path, found.got);
        }
        assert.ok(trees.has('/') && trees.has(dirname(subject.a.root.path)), 'A sees the way to his own volumes');
        let tried = 0;
        for (const [path, tree] of trees) {
          for (const handle4 of numbers.flatMap((inode) => subject.throughTree(tree, own, inode))) {
            for (const intruder of [a, stranger]) {
              const calls = everyCall(intruder, { handle: padded(handle4), handle4 });
              await allRefused(calls, `${path} ${handle4.toString('hex')}`);
              tried++;
            }
          }
        }
        t.diagnostic(`${tried} handles, of ${trees.size} folders`);
        assert.ok(tried > 0);
      }));
  });

  /** True for a handle that is one of the folders above the own volumes, as NFSv4's tree has them; nothing else of it may answer. */
  async function isFolderAbove(subject: IsolationSubject, a: Intruder, handle4: Buffer): Promise<boolean> {
    const found = await attempt(() => a.v4.last(op.putfh(handle4), op.getattr()));
    if (!('got' in found)) return false;
    const above = andAbove(dirname(subject.a.root.path)).map((path) => BigInt(inodeOf(path)));
    const names = await attempt(() => a.v4.last(op.putfh(handle4), op.readdir()));
    const own = [...volumesOf(subject.a).map(({ path }) => path), ...andAbove(dirname(subject.a.root.path))];
    const allowed = own.map((path) => path.split('/').at(-1));
    return (
      above.includes(found.got.fileid ?? 0n) &&
      'got' in names &&
      names.got.every(({ name }) => allowed.includes(name)) &&
      'refused' in (await attempt(() => a.v3.getattr(padded(handle4))))
    );
  }
}
