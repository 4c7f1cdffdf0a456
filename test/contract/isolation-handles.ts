import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { attempt, type Intruder, type Minor } from '../lab/nfs/connect.ts';
import { padded } from '../lab/nfs/handles.ts';
import { op } from '../lab/nfs/nfs4.ts';
import { seededChance } from '../lab/seed.ts';
import { everyCall } from './isolation-calls.ts';
import {
  aliases,
  allRefused,
  together as connected,
  forV4,
  type IsolationSubject,
  inspect,
  numbered,
  rootOf,
  volumesOf,
} from './isolation-subject.ts';

/** What a made-up or stolen NFS handle reaches. Every backend has to pass it. */
export function isolationByHandles(get: () => IsolationSubject, minor: Minor): void {
  const volumes = volumesOf;
  const together = (act: Parameters<typeof connected>[2]) => connected(get(), minor, act);

  describe(`NFSv3 and NFSv4.${minor}: handles`, () => {
    test('a Pi reads and writes its own root and disk with both versions', () =>
      together(async ({ subject, a }) => {
        for (const volume of volumes(subject.a)) {
          const root = await rootOf(a, volume);
          const secret = await a.v3.lookup({ folder: root, name: 'secret.txt' });
          assert.equal(String(await a.v3.read(secret, 1_000)), volume.secret);
          assert.equal(String(await a.v4.last(op.putfh(forV4(subject, secret)), op.read(1_000))), volume.secret);
          await a.v3.write(secret, Buffer.from(volume.secret));
          await a.v4.last(op.putfh(forV4(subject, secret)), op.write(Buffer.from(volume.secret)));
          const own = await subject.inventory(volume);
          const parts = subject.layout.parse(secret);
          assert.equal(own.get(BigInt(parts.inode))?.content?.toString(), volume.secret, 'the handle is laid out so');
          assert.deepEqual(padded(subject.layout.build(parts)), secret);
          const handle4 = forV4(subject, root);
          assert.equal(await inspect(a, own, { handle: root, handle4, what: 'the own root' }), 2);
        }
      }));

    test('handles with made-up inodes reach nothing but files of the own volume', (t) =>
      together(async ({ subject, a, b }) => {
        for (const [i, volume] of volumes(subject.a).entries()) {
          const own = await subject.inventory(volume);
          const mine = subject.layout.parse(await rootOf(a, volume));
          const sibling = volumes(subject.b)[i] ?? assert.fail();
          const folder = await rootOf(b, sibling);
          const theirs = subject.layout.parse(await b.v3.lookup({ folder, name: 'secret.txt' }));
          const numbers = Array.from({ length: subject.counts.forgedInodes }, (_, inode) => [inode, 0] as const);
          const parts = [...numbers, [theirs.inode, theirs.generation] as const, [0xffff_ffff, 0] as const];
          let answers = 0;
          for (const [inode, generation] of parts) {
            const handle4 = subject.layout.build(numbered(mine, inode, generation));
            const what = `inode ${inode}, generation ${generation}`;
            answers += await inspect(a, own, { handle: padded(handle4), handle4, what });
          }
          t.diagnostic(`${volume.path}: ${parts.length} handles, ${answers} answers`);
          assert.ok(answers >= 2, 'the root itself answers');
        }
      }));

    test("another Pi's handles are refused, whole and under the own export", () =>
      together(async ({ subject, a, b }) => {
        const { layout } = subject;
        for (const mine of volumes(subject.a)) {
          const own = await rootOf(a, mine);
          for (const theirs of volumes(subject.b)) {
            const root = await rootOf(b, theirs);
            const secret = await b.v3.lookup({ folder: root, name: 'secret.txt' });
            for (const stolen of [root, secret]) {
              const whole = layout.parse(stolen);
              // Its root by a number, which not every server gives it.
              const named = [whole, numbered(whole, 2)];
              const forged = named.flatMap((parts) => [parts, { ...parts, ...only(layout.parse(own).exportId) }]);
              for (const handle4 of distinct(forged.map(layout.build))) {
                const handle = padded(handle4);
                await allRefused(everyCall(a, { handle, handle4, own }), `${theirs.path} ${handle4.toString('hex')}`);
              }
            }
            // The own file system under the other's export.
            const other = layout.build({ ...layout.parse(own), ...only(layout.parse(root).exportId) });
            if (!other.equals(forV4(subject, own))) {
              await allRefused(everyCall(a, { handle: padded(other), handle4: other }), 'own, under the other export');
            }
          }
        }
      }));

    test("another Pi's handles are refused while their owner uses them", () =>
      together(async ({ subject, a, b }) => {
        const root = await rootOf(b, subject.b.root);
        const secret = await b.v3.lookup({ folder: root, name: 'secret.txt' });
        const { exportId } = subject.layout.parse(await rootOf(a, subject.a.root));
        const handle4 = subject.layout.build({ ...subject.layout.parse(secret), ...only(exportId) });
        const secret4 = forV4(subject, secret);
        for (let round = 0; round < subject.counts.stolenHandleRaces; round++) {
          const [used, used4, stolen, stolen4] = await Promise.all([
            b.v3.read(secret, 100),
            b.v4.last(op.putfh(secret4), op.read(100)),
            attempt(() => a.v3.read(padded(handle4), 100)),
            attempt(() => a.v4.last(op.putfh(handle4), op.read(100))),
          ]);
          for (const bytes of [used, used4]) assert.equal(String(bytes), subject.b.root.secret);
          for (const answer of [stolen, stolen4]) assert.ok('refused' in answer, `round ${round}`);
        }
      }));

    test('handles with spoilt bits reach nothing but files of the own volume, and the server lives', (t) =>
      together(async ({ subject, a, b }) => {
        const chance = seededChance('spoilt handles');
        const [mine, theirs] = [await rootOf(a, subject.a.root), await rootOf(b, subject.b.root)];
        const secret = await a.v3.lookup({ folder: mine, name: 'secret.txt' });
        const ofRoot = await subject.inventory(subject.a.root);
        // Where the file system alone names the export, a few bits make one of the Pi's volumes of the other.
        const disk = subject.layout.parse(await rootOf(a, subject.a.disk));
        const ofDisk = await subject.inventory(subject.a.disk);
        const isOfDisk = (handle: Buffer) => handle.includes(disk.fileSystem.subarray(1));
        let answers = 0;
        for (let i = 0; i < subject.counts.spoiltHandles; i++) {
          const handle = Buffer.from(chance.pick([mine, secret, theirs]));
          for (let bits = 1 + chance.below(3); bits > 0; bits--) {
            const at = chance.below(handle.length);
            handle[at] = (handle[at] ?? 0) ^ (1 << chance.below(8));
          }
          const own = isOfDisk(handle) ? ofDisk : ofRoot;
          answers += await inspect(a, own, { handle, what: `${chance.seed}: ${handle.toString('hex')}` });
        }
        const { layout } = subject;
        const swapped = layout.build({ ...layout.parse(theirs), ...only(layout.parse(mine).exportId) });
        for (const handle of distinct([mine, theirs, swapped].flatMap(subject.oddHandles))) {
          await allRefused(everyCall(a, { handle: padded(handle), handle4: handle }), handle.toString('hex'));
        }
        t.diagnostic(`${subject.counts.spoiltHandles} handles, ${answers} answers`);
      }));

    test("above a volume's root there is nothing, whichever of its handles is used", () =>
      together(async ({ subject, a }) => {
        for (const volume of volumes(subject.a)) {
          const own = await subject.inventory(volume);
          const root = await rootOf(a, volume);
          for (const handle4 of [forV4(subject, root), ...aliases(subject, root)]) {
            const what = `${volume.path} ${handle4.toString('hex')}`;
            const handle = padded(handle4);
            await inspect(a, own, { handle, handle4, what });
            const up = await attempt(() => a.v3.lookup({ folder: handle, name: '..' }));
            if ('got' in up) await inspect(a, own, { handle: up.got, handle4: forV4(subject, up.got), what });
            // NFSv4's own tree is above, where A sees the way to its own volumes.
            const above = await attempt(() => a.v4.last(op.putfh(handle4), op.lookupp(), op.readdir()));
            const names = 'got' in above ? above.got.map(({ name }) => name) : [];
            const allowed = volumes(subject.a).map(({ path }) => path.split('/').at(-1) ?? '');
            assert.deepEqual(
              names.filter((name) => !allowed.includes(name)),
              [],
              what,
            );
          }
        }
      }));
  });

  describe(`NFSv3 and NFSv4.${minor}: other addresses`, () => {
    test("another address gets nothing of a Pi's root or disk, by path or by stolen handle", () =>
      together(async ({ subject, a, b, stranger }) => {
        for (const volume of volumes(subject.a)) {
          const root = await rootOf(a, volume);
          const secret = await a.v3.lookup({ folder: root, name: 'secret.txt' });
          for (const [who, intruder] of [
            ['B', b],
            ['a stranger', stranger],
          ] as const) {
            assert.deepEqual(await refusedMount(intruder, volume.path), [], who);
            for (const handle of [root, secret]) {
              const handle4 = forV4(subject, handle);
              await allRefused(everyCall(intruder, { handle, handle4 }), `${who}, ${volume.path}`);
            }
          }
        }
      }));

    test('once a disk is another address alone, the old one is refused at once, with the handles and connection it has', () =>
      together(async ({ subject, a, b }) => {
        const { disk, root } = subject.a;
        const own = await rootOf(a, root);
        const folder = await rootOf(a, disk);
        const secret = await a.v3.lookup({ folder, name: 'secret.txt' });
        await a.v4.last(op.putfh(forV4(subject, secret)), op.read(100));
        await subject.move(disk, subject.b.address);
        try {
          // Refused before the new owner has asked for anything, and when the server has the files at hand for him.
          const { exportId } = subject.layout.parse(own);
          const refused = async () => {
            for (const parts of [folder, secret].map(subject.layout.parse)) {
              for (const handle4 of [parts, { ...parts, ...only(exportId) }].map(subject.layout.build)) {
                await allRefused(everyCall(a, { handle: padded(handle4), handle4, own }), 'the old owner');
              }
            }
            assert.deepEqual(await refusedMount(a, disk.path), []);
          };
          await refused();
          const theirs = await b.v3.lookup({ folder: await rootOf(b, disk), name: 'secret.txt' });
          assert.equal(String(await b.v3.read(theirs, 1_000)), disk.secret);
          assert.equal(String(await b.v4.last(op.putfh(forV4(subject, theirs)), op.read(1_000))), disk.secret);
          await refused();
        } finally {
          await subject.move(disk, subject.a.address);
        }
        assert.equal(String(await a.v3.read(secret, 1_000)), disk.secret);
        await allRefused(everyCall(b, { handle: secret, handle4: forV4(subject, secret) }), 'the other one after');
      }));
  });
}

/** Where handles name no export there is none to put in. */
function only(exportId: number | undefined): { exportId?: number } {
  return exportId === undefined ? {} : { exportId };
}

/** The same handles, each once. */
function distinct(handles: readonly Buffer[]): Buffer[] {
  return [...new Set(handles.map((handle) => handle.toString('hex')))].map((hex) => Buffer.from(hex, 'hex'));
}

/** What a mount by path gives that should give nothing, with each version. */
async function refusedMount(intruder: Intruder, path: string): Promise<string[]> {
  const answer = await intruder.mount(path);
  const names = path.split('/').filter(Boolean);
  const walked = await attempt(() =>
    intruder.v4.last(op.putrootfh(), ...names.map((name) => op.lookup(name)), op.getfh()),
  );
  return [...('refused' in answer ? [] : ['v3']), ...('refused' in walked ? [] : ['v4'])];
}
