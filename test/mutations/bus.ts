import type { Mutation } from './mutation.ts';

const UNIT = 'test/unit/exports-nfs-dbus.test.ts';
const MOUNT = 'exports/volumes/ext4.ts';

/** The connection to the NFS server's bus, and volumes on their loop devices. */
export const bus: readonly Mutation[] = [
  {
    name: 'bus: one that has gone is connected to anew',
    file: 'exports/nfs/ganesha/bus.ts',
    old: 'if (!connection?.isOpen()) connection = connectBus(socket, options.idleMs);',
    new: 'connection ??= connectBus(socket, options.idleMs);',
    test: UNIT,
    fails: 'a bus that has gone is connected to anew by the next call',
  },
  {
    name: 'bus: a connection that nobody uses is let go of',
    file: 'exports/nfs/ganesha/connection.ts',
    old: "setTimeout(() => end(new BusGone('nobody had asked')), idleMs).unref()",
    new: 'setTimeout(() => undefined, idleMs).unref()',
    test: UNIT,
    fails: 'a connection over which nothing is asked',
  },
  {
    name: 'bus: no message is larger than an answer can be',
    file: 'exports/nfs/ganesha/dbus-message.ts',
    old: '  if (size > MOST_BYTES) throw new DbusFault(`a message of ${size} bytes`);\n',
    new: '',
    test: UNIT,
    fails: 'a message larger than any answer is refused before it is there',
  },
  {
    name: 'bus: a greeting is bounded',
    file: 'exports/nfs/ganesha/connection.ts',
    old: 'if (size < 0 && unread.length < MOST_LINE) return false;',
    new: 'if (size < 0) return false;',
    test: UNIT,
    fails: 'a bus that greets without an end',
  },
  {
    name: 'bus: an answer is for the call that it names',
    file: 'exports/nfs/ganesha/connection.ts',
    old: 'pending.get(replySerial)?.resolve',
    new: '[...pending.values()][0]?.resolve',
    test: UNIT,
    fails: 'calls share a connection, and each gets its own answer',
  },
  {
    name: 'a loop device goes with its mount',
    file: MOUNT,
    old: 'code=$?\nlosetup --detach "$loop"\n',
    new: 'code=$?\n',
    test: 'test/contract/volumes.test.ts',
    fails: 'a volume that another hand unmounts leaves no loop device',
  },
  {
    name: 'a volume has sectors of 512 bytes',
    file: MOUNT,
    old: '--sector-size 512 ',
    new: '',
    test: 'test/contract/volumes.test.ts',
    fails: 'clones share the golden volume',
  },
  {
    name: 'several files are replaced when all of them are written',
    file: 'core/host/replace.ts',
    old: '    if (failed) throw failed.reason;\n',
    new: '',
    test: 'test/unit/host.test.ts',
    fails: 'several files are replaced at once',
  },
];
