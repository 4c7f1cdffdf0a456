import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sh } from './sh.ts';
import { TINY } from './tiny-image.ts';

const MIB = 1024 ** 2;

/** Capabilities of a file: `cap_net_raw+ep`, as `ping` has them (linux/capability.h, revision 2). */
export const PING_CAPABILITIES = Buffer.from('0100000200200000000000000000000000000000', 'hex');

/** Users that an ACL names: one that it lets in where the mode does not, and one that it keeps out where the mode lets everybody in. */
export const ACL_USERS = { letIn: 1001, keptOut: 1002 } as const;

const [USER_OBJ, USER, GROUP_OBJ, MASK, OTHER] = [1, 2, 4, 16, 32];
const NOBODY = 0xffff_ffff;

/** `system.posix_acl_access` (linux/posix_acl_xattr.h): version 2, then tag, permissions and id of each entry. */
function acl(...entries: readonly (readonly [tag: number, permissions: number, id?: number])[]): Buffer {
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(2);
  for (const [i, [tag, permissions, id = NOBODY]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + i * 8);
    bytes.writeUInt16LE(permissions, 6 + i * 8);
    bytes.writeUInt32LE(id, 8 + i * 8);
  }
  return bytes;
}

/**
 * Makes an ext4 in a file in `folder`, and gives its path. In it is a root with all that a file can be: owners, set-user-ID, capabilities,
 * ACLs, attributes, hard and symbolic links, a hole, devices and a FIFO.
 */
export function makeOddRoot(folder: string): string {
  const [plain, file] = [join(folder, 'plain'), join(folder, 'tree.ext4')];
  const files = { ...TINY.rootFiles, 'home/pi/notes': 'mine', 'home/pi/public': 'all', 'usr/bin/ping': 'ping' };
  for (const [name, content] of Object.entries({ ...files, 'var/log/lastlog': 'x' })) {
    mkdirSync(dirname(join(plain, name)), { recursive: true });
    writeFileSync(join(plain, name), content);
  }
  linkSync(join(plain, 'home/pi/notes'), join(plain, 'home/pi/the same'));
  symlinkSync('/etc/hostname', join(plain, 'home/pi/link'));
  truncateSync(join(plain, 'var/log/lastlog'), 40 * MIB);
  writeFileSync(file, '');
  truncateSync(file, 64 * MIB);
  sh('mkfs.ext4', '-q', '-F', '-d', plain, file);
  const { letIn, keptOut } = ACL_USERS;
  const attributes = {
    PING: PING_CAPABILITIES,
    NOTES: acl([USER_OBJ, 6], [USER, 4, letIn], [GROUP_OBJ, 0], [MASK, 4], [OTHER, 0]),
    PUBLIC: acl([USER_OBJ, 6], [USER, 0, keptOut], [GROUP_OBJ, 4], [MASK, 4], [OTHER, 4]),
  };
  for (const [name, bytes] of Object.entries(attributes)) writeFileSync(join(folder, name), bytes);
  const commands = [
    `ea_set -f ${join(folder, 'PING')} /usr/bin/ping security.capability`,
    `ea_set -f ${join(folder, 'NOTES')} /home/pi/notes system.posix_acl_access`,
    `ea_set -f ${join(folder, 'PUBLIC')} /home/pi/public system.posix_acl_access`,
    'ea_set /home/pi/notes user.comment kept',
    'set_inode_field /home/pi uid 1000',
    'set_inode_field /home/pi/notes uid 1000',
    'set_inode_field /home/pi/notes gid 1000',
    // The bits of the group are those of the mask.
    'set_inode_field /home/pi/notes mode 0100640',
    'set_inode_field /usr/bin/ping mode 0104755',
    'cd /home/pi',
    'mknod null c 1 3',
    'mknod sda b 8 0',
    'mknod pipe p',
  ];
  writeFileSync(join(folder, 'commands'), `${commands.join('\n')}\n`);
  sh('debugfs', '-w', '-f', join(folder, 'commands'), file);
  return file;
}
