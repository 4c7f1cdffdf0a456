import type { Mutation } from './mutation.ts';

const GUARD = 'exports/nfs/ganesha/guard.c';
const ATTACKS = 'test/contract/isolation.test.ts';

/** Exports that are one Pi's. */
export const isolation: readonly Mutation[] = [
  {
    name: 'isolation: no name with a slash',
    file: GUARD,
    old: "if (strchr(name, '/') != NULL && !is_kernels_own(folder)) {",
    new: 'if (false) {',
    test: ATTACKS,
    fails: 'a name with a slash is refused by every call of NFSv3',
  },
  {
    name: 'isolation: renames look at both names',
    file: GUARD,
    old: 'return refuse(from, name) || refuse(to, new_name) ? -1 : next(from, name, to, new_name);',
    new: 'return refuse(from, name) ? -1 : next(from, name, to, new_name);',
    test: ATTACKS,
    fails: 'a name with a slash is refused by every call of NFSv3',
  },
  {
    name: 'isolation: .. ends at the root of a volume',
    file: GUARD,
    old: 'if (strcmp(name, "..") == 0 && leaves_file_system(folder, name)) {',
    new: 'if (false && leaves_file_system(folder, name)) {',
    test: ATTACKS,
    fails: "above a volume's root there is nothing",
  },
  {
    name: 'isolation: no handle that stands for whatever is mounted',
    file: GUARD,
    old: '(bytes[0] & 0xe0) != 0x40)',
    new: '(bytes[0] & 0xc0) != 0x40)',
    test: ATTACKS,
    fails: 'handles with spoilt bits reach nothing but files of the own volume',
  },
  {
    name: 'isolation: no handle that is too short',
    file: GUARD,
    old: 'return handle->len >= head + 8 && ',
    new: 'return ',
    test: ATTACKS,
    fails: 'handles with spoilt bits reach nothing but files of the own volume',
  },
  {
    name: 'isolation: the guard stands before what ganesha loads late',
    file: GUARD,
    old: 'flags & ~RTLD_DEEPBIND',
    new: 'flags',
    test: ATTACKS,
    fails: 'a name with a slash is refused by every call of NFSv3',
  },
  {
    name: 'isolation: the guard stands before each call',
    file: GUARD,
    old: 'int mkdirat(int folder',
    new: 'int not_mkdirat(int folder',
    test: ATTACKS,
    fails: 'the guard stands before every call by which ganesha hands a name',
  },
  {
    name: 'isolation: no server without the guard',
    file: 'exports/nfs/ganesha/unit.ts',
    old: '  await requireGuard(ganesha.pid, layout.folder, guard);\n',
    new: '',
    test: 'test/contract/nfs.test.ts',
    fails: 'where nothing may be executed it does not start without its guard',
  },
  {
    name: 'isolation: a server without the guard is not adopted',
    file: 'exports/nfs/ganesha/unit.ts',
    old: '${serverConf(context)}${await guardSource()}',
    new: '${serverConf(context)}',
    test: 'test/contract/nfs.test.ts',
    fails: 'a server that was started without the guard',
  },
  {
    name: 'isolation: an export is for its client alone',
    file: 'exports/nfs/ganesha/config.ts',
    old: 'Clients = ${client};',
    new: 'Clients = *;',
    test: ATTACKS,
    fails: "another address gets nothing of a Pi's root or disk",
  },
  {
    name: 'isolation: nobody else has any access',
    file: 'exports/nfs/ganesha/config.ts',
    old: '  Access_Type = None;',
    new: '  Access_Type = RO;',
    test: ATTACKS,
    fails: "another address gets nothing of a Pi's root or disk",
  },
  {
    name: 'isolation: an export that moves leaves its old address',
    file: 'exports/nfs/ganesha/backend.ts',
    old: "update: (wanted) => inTurn(() => refusals(wanted.id, () => serve(wanted, 'update'))),",
    new: 'update: async () => undefined,',
    test: ATTACKS,
    fails: 'once a disk is another address alone, the old one is refused at once',
  },
];
