import type { Mutation } from './mutation.ts';

const file = 'exports/images/files/bakery-disks';
const script = { file, test: 'test/unit/bakery-disks.test.ts' };

/** Disks on the Pi, and who writes the list of them. */
export const piDisks: readonly Mutation[] = [
  {
    ...script,
    name: 'an id on the Pi is no path',
    old: `if (length(id) != 36 || id !~ /^[0-9a-f][-0-9a-f]*$/) return bad("an id is no UUID")`,
    new: '',
    fails: 'a list that is with an id that is a path changes nothing',
  },
  {
    ...script,
    name: 'what follows the list of disks makes it no list',
    old: `if (!failed && text != "") bad("something follows the list")`,
    new: '',
    fails: 'a list that is followed by something changes nothing',
  },
  {
    ...script,
    name: 'a disk in use on the Pi keeps its export',
    old: `if loop_of "$image" > /dev/null; then
      say "$1: busy: /dev/$loop is open"
      return 1
    fi`,
    new: '',
    fails: 'keeps the export of a disk that is open',
  },
  {
    ...script,
    name: 'a file system on a disk is known by whatever name it was mounted with',
    old: `index(numbers, " " $3 " ") { last = $5 }`,
    new: `$10 == "/dev/loop0" { last = $5 }`,
    fails: 'unmounts the file system of a disk that goes',
  },
  {
    ...script,
    name: 'the Pi follows no link to a disk',
    old: '[ -h "$image" ] || ',
    new: '',
    fails: 'follows no link that stands where disk.img belongs',
  },
  {
    ...script,
    name: 'the Pi has one loop device for a disk',
    old: 'if loop=$(loop_of "$image"); then\n    grown',
    new: 'if false; then\n    grown',
    fails: 'does nothing the second time',
  },
  {
    ...script,
    name: 'the Pi has something under the name of its list',
    old: '(set -C && : > "$list") 2> /dev/null',
    new: 'false',
    fails: 'without a list it changes nothing, and makes an empty one',
  },
  {
    ...script,
    name: 'the Pi overwrites no list',
    old: '(set -C && : > "$list")',
    new: '(: > "$list")',
    fails: 'makes no list where something is in the way',
  },
  {
    name: 'the NFS server does not go by names that it remembers',
    file: 'exports/nfs/ganesha/config.ts',
    old: '  Dir_Chunk = 0;\n',
    new: '',
    test: 'test/contract/nfs.test.ts',
    fails: 'a file that Bakery replaces while the client changes its folder',
  },
  {
    name: 'a root for the original Bakery keeps its own reader of disks.json',
    file: 'exports/images/disks-unit.ts',
    old: "if (await isFolder(root, 'var/vcap')) return true;",
    new: '',
    test: 'test/unit/disks-unit.test.ts',
    fails: 'a root of a BOSH stemcell is left without it',
  },
  {
    name: 'a disk is withdrawn after its Pi has let go',
    file: 'server/operations/attach.ts',
    old: 'do: ({ params, signal }) => untilLetGo(ports, { ...params, signal }),',
    new: 'do: async () => undefined,',
    test: 'test/operations/order.test.ts',
    fails: 'a Pi is told of a disk when it can mount it, and before it loses it',
  },
  {
    name: 'an attach that is undone is taken back from the list on the Pi',
    file: 'server/operations/attach.ts',
    old: '        undo: ({ params }) => tellGone(ports, { pi: params.pi, except: params.disk }),\n',
    new: '',
    test: 'test/operations/mishaps.test.ts',
    fails: 'attach to a Pi that is told: leaves the world as it was when writeDiskList',
  },
  {
    name: 'a root that takes no list keeps no disk',
    file: 'server/operations/attach.ts',
    old: '        do: ({ params }) => tellGone(ports, { pi: params.pi, except: params.disk }),',
    new: '        do: ({ params }) => tellDisks(ports, { pi: params.pi, except: params.disk }),',
    test: 'test/wire/disks.test.ts',
    fails: 'Bakery writes the list of the disks of a Pi where it is told to',
  },
  {
    name: 'the list that a client writes is its own',
    file: 'server/operations/disk-list.ts',
    old: 'if (!(await findPi(ports.db, pi))?.manageDisks) return;',
    new: '',
    test: 'test/wire/disks.test.ts',
    fails: 'Bakery writes the list of the disks of a Pi where it is told to',
  },
  {
    name: 'the next bake of a Pi does not have its disks managed',
    file: 'db/pis.ts',
    old: '...(patch.bakeform === null ? { manage_disks: 0 } : {}),',
    new: '',
    test: 'test/unit/disk-list.test.ts',
    fails: 'who manages the disks of a Pi is forgotten',
  },
  {
    name: 'a rebake that keeps nothing still writes the list of disks',
    file: 'server/operations/rebake.ts',
    old: `            await tellDisks(ports, { pi: params.pi, mountPoint: aside(params) });
            return`,
    new: '            return',
    test: 'test/operations/order.test.ts',
    fails: 'a new root has the list of the disks, without what the old one had',
  },
];
