import { execFileSync } from 'node:child_process';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The environment of the lab's child processes: its programs are in sbin too, which a user's PATH often lacks. */
export const LAB_ENV = { PATH, LC_ALL: 'C.UTF-8' };

/** Where the lab's programs come from on Debian. */
const PACKAGES: Readonly<Record<string, string>> = {
  atftp: 'atftp',
  busybox: 'busybox',
  cpio: 'cpio',
  curl: 'curl',
  debugfs: 'e2fsprogs',
  depmod: 'kmod',
  dnsmasq: 'dnsmasq-base',
  'ganesha.nfsd': 'nfs-ganesha',
  gcc: 'gcc',
  ip: 'iproute2',
  mcopy: 'mtools',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.btrfs': 'btrfs-progs',
  'mkfs.xfs': 'xfsprogs',
  mount: 'mount',
  'nfs-ls': 'libnfs-utils',
  rpcinfo: 'rpcbind',
  nft: 'nftables',
  nm: 'binutils',
  rsync: 'rsync',
  nsenter: 'util-linux',
  perl: 'perl-base',
  'qemu-system-aarch64': 'qemu-system-arm',
  'qemu-system-x86_64': 'qemu-system-x86',
  setpriv: 'util-linux',
  snmpbulkwalk: 'snmp',
  snmpd: 'snmpd',
  snmpget: 'snmp',
  snmpset: 'snmp',
  'systemd-analyze': 'systemd',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  tcpdump: 'tcpdump',
  tc: 'iproute2',
  tftp: 'tftp-hpa',
  umount: 'mount',
  unshare: 'util-linux',
  xz: 'xz-utils',
  zstd: 'zstd',
  zip: 'zip',
};

/** An error in words when it is about a missing program; itself otherwise. */
function inWords(error: unknown, program: string): unknown {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) return error;
  return new Error(`${program} is missing: apt-get install ${PACKAGES[program] ?? program}`);
}

/** Runs a program of the lab to its end, without a shell; throws with what it said. */
export function sh(program: string, ...args: readonly string[]): string {
  try {
    return execFileSync(program, [...args], {
      encoding: 'utf8',
      env: LAB_ENV,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
  } catch (error) {
    throw inWords(error, program);
  }
}

/** Like `sh`, for clean-up: what is gone already is fine. */
export function trySh(program: string, ...args: readonly string[]): void {
  try {
    sh(program, ...args);
  } catch {
    // Nothing there to clean up.
  }
}

/** Throws, with the line that installs them, when a program is missing. */
export function requireTools(...programs: readonly string[]): void {
  const missing = programs.filter((program) => {
    try {
      execFileSync('which', [program], { env: LAB_ENV, stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => PACKAGES[program] ?? program))].join(' ');
  throw new Error(`the lab needs ${missing.join(', ')}: apt-get install ${packages}`);
}

/** The argv of a child that the kernel kills when this process dies, however it dies. */
export function boundToUs(...argv: readonly string[]): string[] {
  return ['setpriv', '--pdeathsig', 'KILL', '--', ...argv];
}
