import type { Mutation } from './mutation.ts';

const UNIT = 'test/unit/exports-nfs-nfsd.test.ts';
const MACHINE = 'test/contract/nfsd.test.ts';

/** The kernel's NFS server, which is not Bakery's alone. */
export const nfsd: readonly Mutation[] = [
  {
    name: 'nfsd: exports are known by their fsid',
    file: 'exports/nfs/nfsd/table.ts',
    old: 'return fsid === undefined ? undefined : idOf(fsid);',
    new: 'return fsid === undefined ? undefined : (idOf(fsid) ?? Number(fsid));',
    test: UNIT,
    fails: 'gives back Bakery’s exports and leaves out everybody else’s',
  },
  {
    name: 'nfsd: nothing is served where no volume is mounted',
    file: 'exports/nfs/nfsd/table.ts',
    old: "'nocrossmnt', 'mountpoint'];\n  return [wanted",
    new: "'nocrossmnt'];\n  return [wanted",
    test: UNIT,
    fails: 'serves nothing where no volume is mounted',
  },
  {
    name: 'nfsd: an address that is left loses its access',
    file: 'exports/nfs/nfsd/plan.ts',
    old: '    ...here.filter(({ client }) => !clients.includes(client)).map(unexport),\n',
    new: '',
    test: UNIT,
    fails: 'a client that moves has the new address before the old one is taken',
  },
  {
    name: 'nfsd: a path of somebody else is seen',
    file: 'exports/nfs/nfsd/plan.ts',
    old: 'idOfEntry(entry) !== wanted.id);',
    new: 'idOfEntry(entry) === -1);',
    test: UNIT,
    fails: 'nobody else’s export is ever named',
  },
  {
    name: 'nfsd: paths are escaped in the file of exports',
    file: 'exports/nfs/nfsd/table.ts',
    old: 'return [`${toOctal(entry.path)} ',
    new: 'return [`${entry.path} ',
    test: UNIT,
    fails: 'escapes what exports(5) takes as its own',
  },
  {
    name: 'nfsd: a handle that was refused is asked about again',
    file: 'exports/nfs/nfsd/caches.ts',
    old: "if (linesOf(texts.handles).some((line) => line.split(' ')[2] === words)) return true;",
    new: '',
    test: UNIT,
    fails: 'is stale when it is about the path',
  },
  {
    name: 'nfsd: a server in user space is refused',
    file: 'exports/nfs/nfsd/server.ts',
    old: 'if (!nfs || (threads ?? 0) > 0) return;',
    new: 'if (!nfs || (threads ?? 0) >= 0) return;',
    test: UNIT,
    fails: 'a server is whole with threads',
  },
  {
    name: 'nfsd: the kernel lets go of a volume',
    file: 'exports/nfs/nfsd/backend.ts',
    old: 'const isFree = await letGo(before.path, clock);',
    new: 'const isFree = true;',
    test: MACHINE,
    fails: 'NFSv3: a volume whose file a client holds is let go of',
  },
  {
    name: 'nfsd: open files of NFSv4 are let go of',
    file: 'exports/nfs/nfsd/backend.ts',
    old: 'device === undefined ? 0 : await expireHolders(device)',
    new: 'device === undefined ? 0 : 1',
    test: MACHINE,
    fails: 'NFSv4.2: a volume whose file a client holds is let go of',
  },
  {
    name: 'nfsd: groups of users are the Pi’s',
    file: 'exports/nfs/nfsd/layout.ts',
    old: 'manage-gids=n',
    new: 'manage-gids=y',
    test: MACHINE,
    fails: 'a user of the Pi reaches a file by a group that only the Pi knows',
  },
  {
    name: 'nfsd: a server that ran before is not stopped',
    file: 'exports/nfs/nfsd/server.ts',
    old: 'const isOurs = await hasStarted(layout);',
    new: 'const isOurs = (await hasStarted(layout)) || layout.record !== undefined;',
    test: MACHINE,
    fails: 'a server that runs already is used with what it exports',
  },
  {
    name: 'nfsd: what is written survives exportfs -r',
    file: 'exports/nfs/nfsd/backend.ts',
    old: '    await write(own);\n    for',
    new: '    for',
    test: MACHINE,
    fails: "anybody's exportfs -ra serves the same",
  },
];
