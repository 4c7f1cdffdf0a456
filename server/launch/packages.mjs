// Programs of the operating system: which are needed, which are missing, and how they come.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { aptGet } from './apt.mjs';
import { Refusal } from './run.mjs';

/**
 * The table: a Debian package, when it is needed (`lab` needs those of `start` too, `test` all), and the programs by which other systems
 * are searched for the same thing. To need one more, add a line.
 */
export const PACKAGES = [
  { name: 'e2fsprogs', for: 'start', programs: ['mke2fs', 'e2fsck', 'resize2fs', 'tune2fs'] },
  { name: 'fdisk', for: 'start', programs: ['sfdisk'] },
  { name: 'mount', for: 'start', programs: ['mount', 'umount', 'losetup'] },
  { name: 'util-linux', for: 'start', programs: ['fstrim', 'blkid'] },
  // What sets up loop devices (exports/volumes/loop-mount.ts).
  { name: 'perl-base', for: 'start', programs: ['perl'] },
  { name: 'mtools', for: 'start', programs: ['mcopy', 'mdir'] },
  { name: 'xz-utils', for: 'start', programs: ['xz'] },
  { name: 'zstd', for: 'start', programs: ['zstd'] },
  { name: 'xfsprogs', for: 'start', programs: ['mkfs.xfs', 'xfs_growfs'] },
  { name: 'nfs-ganesha', for: 'start', programs: ['ganesha.nfsd'] },
  { name: 'nfs-ganesha-vfs', for: 'start', programs: [] },
  // What stands between clients and nfs-ganesha is compiled when it is started (exports/nfs/ganesha/guard.c).
  { name: 'gcc', for: 'start', programs: ['gcc'] },
  { name: 'libc6-dev', for: 'start', programs: [] },
  { name: 'rpcbind', for: 'start', programs: ['rpcbind'] },
  // /etc/protocols and /etc/rpc: without them rpcbind answers nobody.
  { name: 'netbase', for: 'start', programs: [] },
  { name: 'dbus-daemon', for: 'start', programs: ['dbus-daemon'] },
  { name: 'openssh-client', for: 'test', programs: ['ssh-keygen'] },
  { name: 'qemu-system-arm', for: 'lab-qemu', programs: ['qemu-system-aarch64'] },
  // A machine with the kernel's own NFS server.
  { name: 'qemu-system-x86', for: 'test', programs: ['qemu-system-x86_64'] },
  { name: 'iproute2', for: 'start', programs: ['ip'] },
  { name: 'libnfs-utils', for: 'test', programs: ['nfs-ls', 'nfs-cat', 'nfs-cp'] },
  { name: 'dnsmasq-base', for: 'lab', programs: ['dnsmasq'] },
  // Its udhcpc.
  { name: 'busybox', for: 'test', programs: ['busybox'] },
  // Clients of TFTP, and packets that get lost.
  { name: 'tftp-hpa', for: 'test', programs: ['tftp'] },
  { name: 'atftp', for: 'test', programs: ['atftp'] },
  { name: 'nftables', for: 'test', programs: ['nft'] },
  // A manager and an agent of SNMP, beside the lab's PoE switch.
  { name: 'snmp', for: 'test', programs: ['snmpget', 'snmpset', 'snmpbulkwalk'] },
  { name: 'snmpd', for: 'test', programs: ['snmpd'] },
  // The doctor listens with it where it is installed.
  { name: 'tcpdump', for: 'test', programs: ['tcpdump'] },
  { name: 'btrfs-progs', for: 'test', programs: ['mkfs.btrfs'] },
  // What copies of roots are measured against.
  { name: 'rsync', for: 'test', programs: ['rsync'] },
  { name: 'dosfstools', for: 'lab', programs: ['mkfs.vfat'] },
  { name: 'chromium', for: 'test', programs: ['chromium'] },
  { name: 'systemd', for: 'test', programs: ['systemd-analyze'] },
  { name: 'curl', for: 'test', programs: ['curl'] },
  { name: 'git', for: 'test', programs: ['git'] },
  { name: 'cpio', for: 'lab-qemu', programs: ['cpio'] },
  { name: 'kmod', for: 'lab-qemu', programs: ['depmod', 'modprobe'] },
  { name: 'zip', for: 'test', programs: ['zip'] },
  { name: 'openssl', for: 'test', programs: ['openssl'] },
];

/** Each needs what those before it need. */
const PURPOSES = ['start', 'lab', 'lab-qemu', 'test'];

/** The lines of the table that `purpose` (`start`, `lab`, `lab-qemu` or `test`) needs. */
export function packagesFor(purpose) {
  return PACKAGES.filter((entry) => PURPOSES.indexOf(entry.for) <= PURPOSES.indexOf(purpose));
}

/** Those of `names` that are not installed, given what `dpkg-query -W -f '${Package} ${db:Status-Status}\n'` printed. */
export function missingPackages(names, dpkgOutput) {
  const installed = new Set();
  for (const line of dpkgOutput.split('\n')) {
    const [name, status] = line.split(' ');
    if (status === 'installed') installed.add(name);
  }
  return names.filter((name) => !installed.has(name));
}

/** Programs of `entries` that `has` does not find. */
export function missingPrograms(entries, has) {
  return entries.flatMap(({ programs }) => programs).filter((program) => !has(program));
}

/** What to do about missing packages: `nothing`, `install`, `ask` first, or `tell` the command and stop. */
export function decide({ missing, yes, ask, isRoot }) {
  if (missing.length === 0) return 'nothing';
  if (!isRoot) return 'tell';
  if (yes) return 'install';
  return ask ? 'ask' : 'tell';
}

/** The one command that installs them by hand. */
export function installCommand(missing, { isRoot }) {
  return `${isRoot ? '' : 'sudo '}apt-get install --no-install-recommends ${missing.join(' ')}`;
}

/** Sees to it that what `packages` names is installed. Throws Refusal when a person has to do it. */
export async function ensurePackages({ packages, yes, ask }) {
  const entries = packagesFor(packages);
  const names = entries.map(({ name }) => name);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names], {
    encoding: 'utf8',
  });
  if (query.error || !existsSync('/etc/debian_version')) return requirePrograms(entries);
  const missing = missingPackages(names, query.stdout);
  const isRoot = process.getuid?.() === 0;
  const action = decide({ missing, yes, ask, isRoot });
  if (action === 'nothing') return;
  console.error(`bakery: Debian packages are missing: ${missing.join(' ')}`);
  if (action === 'tell' || (action === 'ask' && !(await isAgreed()))) {
    throw new Refusal(`install them with\n  ${installCommand(missing, { isRoot })}`);
  }
  await aptGet(missing);
}

/** On a system that is no Debian nothing is installed; the programs only have to be there. */
function requirePrograms(entries) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const has = (program) => folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
  const missing = missingPrograms(entries, has);
  if (missing.length === 0) return;
  throw new Refusal(`this is no Debian, so install these programs its own way: ${missing.join(' ')}`);
}

async function isAgreed() {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = (await terminal.question('Install them now? [Y/n] ')).trim().toLowerCase();
    return ['', 'y', 'yes'].includes(answer);
  } finally {
    terminal.close();
  }
}
