import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { ganeshaFileSystems, ganeshaLayout, ganeshaOddities } from '../lab/nfs/handles.ts';
import { requireTools, sh } from '../lab/sh.ts';
import { isLongRun, size } from '../sizes.ts';
import { isolationByForgeries } from './isolation-forgeries.ts';
import { isolationByHandles } from './isolation-handles.ts';
import { isolationByNames } from './isolation-names.ts';
import { addAddresses, placeOf, serveTenants } from './isolation-server.ts';
import { type IsolationSubject, numbered } from './isolation-subject.ts';
import { openBench, silent } from './volumes-lab.ts';

/** What `nm` tells of an object's dynamic symbols: name, and version behind an `@`. */
function symbols(file: string, kind: '--defined-only' | '--undefined-only'): string[] {
  const lines = sh('nm', '--dynamic', '--format=posix', kind, file).split('\n');
  return lines.map((line) => line.split(' ')[0] ?? '').filter((name) => name !== '');
}

inOwnNamespace(import.meta.url, () => {
  const ends: (() => unknown)[] = [];
  let subject: IsolationSubject | undefined;
  let root = '';
  before(async () => {
    requireTools('ganesha.nfsd', 'gcc', 'nm', 'mkfs.ext4', 'ip');
    addAddresses();
    const bench = await openBench({ after: (end) => void ends.push(end as () => unknown) });
    root = bench.root;
    const backend = ganeshaBackend({ root, log: silent });
    ends.unshift(() => backend.stop());
    await backend.start();
    subject = await serveTenants(bench, backend, {
      layout: ganeshaLayout,
      ways: { listsAll: false, treeIsFor: 'everybody', followsPaths: false, slashIsGarbage: false },
      counts: {
        forgedInodes: size('forgedInodes'),
        spoiltHandles: size('spoiltHandles'),
        stolenHandleRaces: size('stolenHandleRaces'),
        oddNameFolders: 2,
      },
      oddHandles: ganeshaOddities,
      fileSystems: async (path) => ganeshaFileSystems(await placeOf(path)),
      // The tree is ganesha's own, and has no folder of the host in it: what can be taken of it is the number of its export.
      throughTree(tree, own, inode) {
        const exportId = Buffer.from(tree).readUInt16BE(2);
        return [ganeshaLayout.build({ ...numbered(ganeshaLayout.parse(own), inode), exportId })];
      },
    });
  });
  after(async () => {
    for (const end of ends) await end();
  });
  test('the guard stands before every call by which ganesha hands a name in a folder to the kernel', () => {
    const module = sh('dpkg', '-L', 'nfs-ganesha-vfs')
      .split('\n')
      .find((path) => path.endsWith('/libfsalvfs.so'));
    const folder = join(root, 'nfs-server');
    const guard = readdirSync(folder).find((name) => /^guard-.*\.so$/.test(name));
    assert.ok(module && guard);
    const has = symbols(join(folder, guard), '--defined-only');
    // Functions of the C library for such calls end so; of these, one takes no name and two no folder.
    const calls = symbols(module, '--undefined-only').flatMap(
      (name) => /^(.*at(?:64|2|64_2|_2)?)@GLIBC/.exec(name)?.[1] ?? [],
    );
    const others = ['open_by_handle_at', 'stat64', 'fstat64'];
    assert.deepEqual(calls.filter((name) => !has.includes(name)).toSorted(), others.toSorted());
    // Times are set by a function of ganesha's own, which calls this one.
    assert.ok(has.includes('utimensat') && calls.length > 10, calls.join(' '));
  });

  const get = () => subject ?? assert.fail('there is no server');
  // Kernels begin with 4.2, which has the sessions of 4.1. Names come last: a file that was opened and removed is still there by its number.
  const minors = isLongRun ? ([0, 1, 2] as const) : ([0, 2] as const);
  for (const minor of minors) isolationByHandles(get, minor);
  for (const minor of minors) isolationByForgeries(get, minor);
  for (const minor of minors) isolationByNames(get, minor);
});
