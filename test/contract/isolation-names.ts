import assert from 'node:assert/strict';
import { basename, dirname, relative } from 'node:path';
import { describe, test } from 'node:test';
import { attempt, type Intruder, intrude, type Minor, walk } from '../lab/nfs/connect.ts';
import { padded } from '../lab/nfs/handles.ts';
import { op } from '../lab/nfs/nfs4.ts';
import { callsWith, MADE_AND_TAKEN, operationsWith } from './isolation-calls.ts';
import { allRefused, forV4, type IsolationSubject, inspect, rootOf } from './isolation-subject.ts';

/** Deeper than any volume lies. */
const DEEP = 12;

/** Names that lead out of A's root, as seen from there, for a server that would take them as paths. */
function namesOut({ a, b, hostFolder }: IsolationSubject): string[] {
  const files = [
    `${hostFolder}/secret.txt`,
    hostFolder,
    b.root.path,
    `${b.root.path}/secret.txt`,
    `${b.disk.path}/secret.txt`,
  ];
  return [
    '../..',
    '..//',
    './..',
    'folder/..',
    'folder/../..',
    'folder/inner.txt',
    './secret.txt',
    'link-out/secret.txt',
    'link-out/',
    '/',
    '//',
    '/proc/self/environ',
    ...files,
    ...files.map((path) => relative(a.root.path, path)),
    ...files.map((path) => `folder/../${relative(a.root.path, path)}`),
    ...files.map((path) => `${'../'.repeat(100)}${path}`),
  ];
}

/** Names that are odd, and lead nowhere. */
const ODD = [
  '',
  '.',
  '..',
  '...',
  '..\0',
  '\0',
  'a\0/../../b',
  '..\\..',
  'é'.normalize('NFD'),
  '\u202e',
  'x'.repeat(255),
  'x'.repeat(256),
  'x'.repeat(4_096),
];

/** Every name in NFSv4's tree that somebody is shown from its root on. */
async function crawl({ v4 }: Intruder): Promise<string[]> {
  const names: string[] = [];
  async function look(path: readonly string[]): Promise<void> {
    const answer = await attempt(() => v4.last(...walk(path.join('/')), op.readdir()));
    if (!('got' in answer) || path.length > DEEP) return;
    for (const { name } of answer.got) {
      names.push(name);
      await look([...path, name]);
    }
  }
  await look([]);
  return names;
}

/** True for `/`, `/a` and `/a/b` of `/a/b/c`. */
const isAbove = (path: string, own: string) =>
  `${own}/`.startsWith(path.endsWith('/') ? path : `${path}/`) && path !== own;

/** Where names, paths, links and lists lead. Every backend has to pass it. */
export function isolationByNames(get: () => IsolationSubject, minor: Minor): void {
  /** Afterwards nothing outside A's volumes has changed, and the server still serves. */
  async function asA(
    act: (all: { subject: IsolationSubject; a: Intruder; root: Buffer }) => Promise<void>,
  ): Promise<void> {
    const subject = get();
    const before = await subject.outside();
    const a = await intrude(subject.server, subject.a.address, minor);
    try {
      await act({ subject, a, root: await rootOf(a, subject.a.root) });
      assert.deepEqual(await subject.outside(), before);
      await rootOf(a, subject.a.root);
    } finally {
      a.close();
    }
  }

  describe(`NFSv3 and NFSv4.${minor}: names`, () => {
    test('a name with a slash is refused by every call of NFSv3, whatever it leads to', () =>
      asA(async ({ subject, a, root }) => {
        const folder = await a.v3.lookup({ folder: root, name: 'folder' });
        for (const name of namesOut(subject)) {
          for (const at of [root, folder])
            await allRefused(callsWith(a.v3, at, name), JSON.stringify(name.slice(0, 80)), {
              by: subject.ways.slashIsGarbage ? 'GARBAGE_ARGS' : undefined,
            });
        }
      }));

    test('a name with a slash is refused by every operation of NFSv4', () =>
      asA(async ({ subject, a, root }) => {
        const client = await a.v4.introduce();
        const folder = forV4(subject, root);
        // The client can do what it is about to try.
        await a.v4.last(op.putfh(folder), op.open(client, 'opened'));
        await a.v4.last(op.putfh(folder), op.remove('opened'));
        for (const name of [...namesOut(subject), '..']) {
          const calls = operationsWith(a, { folder, name, client });
          await allRefused(calls, JSON.stringify(name.slice(0, 80)));
        }
      }));

    test('an odd name stays in the volume, and the server lives', () =>
      asA(async ({ subject, a, root }) => {
        const before = (await subject.inventory(subject.a.root)).get(2n)?.names;
        const folder = await a.v3.lookup({ folder: root, name: 'folder' });
        for (const name of ODD) {
          for (const at of [root, folder].slice(0, subject.counts.oddNameFolders)) {
            const calls = new Map(callsWith(a.v3, at, name));
            for (const step of MADE_AND_TAKEN) {
              await attempt(calls.get(step) ?? assert.fail(step));
              const found = await attempt(() => a.v3.lookup({ folder: at, name }));
              if (!('got' in found)) continue;
              // What was made or moved just now is in it.
              const own = await subject.inventory(subject.a.root);
              const handle4 = forV4(subject, found.got);
              await inspect(a, own, { handle: found.got, handle4, what: JSON.stringify(name.slice(0, 80)) });
            }
          }
        }
        const { names } = (await subject.inventory(subject.a.root)).get(2n) ?? assert.fail();
        assert.deepEqual(names, before, 'what was made is taken away again');
      }));

    test('the server follows no link of a volume', () =>
      asA(async ({ subject, a, root }) => {
        for (const name of ['link-out', 'link-sibling']) {
          const link = await a.v3.lookup({ folder: root, name });
          const target = name === 'link-out' ? subject.hostFolder : subject.b.root.path;
          assert.equal(await a.v3.readlink(link), target, 'what it says is for the client');
          const link4 = forV4(subject, link);
          await allRefused(
            [
              ['READ', () => a.v3.read(link, 100)],
              ['LOOKUP', () => a.v3.lookup({ folder: link, name: 'secret.txt' })],
              ['CREATE', () => a.v3.create({ folder: link, name: 'fresh' })],
              ['REMOVE', () => a.v3.remove({ folder: link, name: 'secret.txt' })],
              ['READDIRPLUS', () => a.v3.readdirplus(link)],
              ['4 READ', () => a.v4.last(op.putfh(link4), op.read(100))],
              ['4 LOOKUP', () => a.v4.last(op.putfh(link4), op.lookup('secret.txt'), op.getfh())],
              ['4 READDIR', () => a.v4.last(op.putfh(link4), op.readdir())],
              ['4 path', () => a.v4.last(...walk(`${subject.a.root.path}/${name}/secret.txt`), op.getfh())],
            ],
            name,
          );
        }
      }));

    test('no path mounts anything but the own volumes', (t) =>
      asA(async ({ subject, a }) => {
        const own = subject.a.root.path;
        const { b, hostFolder, hidden } = subject;
        const elsewhere = [b.root.path, b.disk.path, hostFolder, ...hidden, dirname(own), '/'];
        const paths = [
          ...elsewhere,
          ...elsewhere.map((path) => `${own}/${relative(own, path)}`),
          ...elsewhere.map((path) => `${own}/folder/../${relative(own, path)}`),
          `${own}/..`,
          `${own}/folder`,
          `${own}/link-out`,
          `${own}/link-sibling`,
          `${own}/link-sibling/folder`,
          `${own}x`,
          own.slice(1),
          '',
        ];
        const inventory = await subject.inventory(subject.a.root);
        let given = 0;
        for (const path of paths) {
          const answer = await a.mount(path);
          if ('handle' in answer) {
            given++;
            await inspect(a, inventory, { handle: answer.handle, handle4: forV4(subject, answer.handle), what: path });
          }
          const found = await attempt(() => a.v4.last(...walk(path), op.getfh()));
          // The folders above are in NFSv4's own tree, of which the lists below tell.
          if ('refused' in found || isAbove(path, own)) continue;
          await inspect(a, inventory, { handle: padded(found.got), handle4: found.got, what: path });
        }
        t.diagnostic(`${paths.length} paths, ${given} given`);
      }));

    test('a path through other folders of the server mounts nothing but the own volume', () =>
      asA(async ({ subject, a }) => {
        const { hostFolder, ways } = subject;
        const own = await subject.inventory(subject.a.root);
        const through = (folder: string) => `${folder}${'/..'.repeat(DEEP)}${subject.a.root.path}`;
        const [there, missing] = [await a.mount(through(hostFolder)), await a.mount(through(`${hostFolder}/none`))];
        assert.deepEqual(['handle' in there, 'handle' in missing], [ways.followsPaths, false]);
        if (!('handle' in there)) return;
        const what = 'by way of the host';
        const answers = await inspect(a, own, { handle: there.handle, handle4: forV4(subject, there.handle), what });
        assert.equal(answers, 2);
      }));

    test('lists and trees show nobody more than they must', () =>
      asA(async ({ subject, a }) => {
        const mine = [subject.a.root, subject.a.disk].map(({ path }) => path).toSorted();
        const theirs = [subject.b.root, subject.b.disk].map(({ path }) => path).toSorted();
        const stranger = await intrude(subject.server, subject.stranger, minor);
        const b = await intrude(subject.server, subject.b.address, minor);
        try {
          const listed = async (intruder: Intruder) => (await intruder.exports()).map(({ path }) => path).toSorted();
          const { listsAll, treeIsFor } = subject.ways;
          const all = [...mine, ...theirs].toSorted();
          const lists = [await listed(a), await listed(b), await listed(stranger)];
          assert.deepEqual(lists, listsAll ? [all, all, all] : [mine, theirs, []]);
          const shown = { a: await crawl(a), b: await crawl(b), stranger: await crawl(stranger) };
          const [names, others] = [mine, theirs].map((paths) => paths.map((path) => basename(path)));
          assert.ok(names && others);
          const seen = (tree: readonly string[], of: readonly string[]) => of.filter((name) => tree.includes(name));
          assert.deepEqual([seen(shown.a, names), seen(shown.a, others)], [names, []]);
          assert.deepEqual([seen(shown.b, names), seen(shown.b, others)], [[], others]);
          // The folders on the way to the volumes, and nothing beside it.
          const way = dirname(subject.a.root.path).split('/').filter(Boolean);
          assert.deepEqual(shown.stranger, treeIsFor === 'everybody' ? way : []);
        } finally {
          stranger.close();
          b.close();
        }
      }));
  });
}
