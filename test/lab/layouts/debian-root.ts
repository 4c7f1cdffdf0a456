import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../image/host.ts';

/** Folders that are links to those below usr (base-files makes them when it is installed). */
const MERGED = ['bin', 'sbin', 'lib'];

/** Nobody reads manuals on an emulated board: a smaller root is uploaded, cloned and compared sooner. */
const UNREAD = ['./usr/share/doc/*', './usr/share/man/*', './usr/share/locale/*', './usr/share/info/*'];

/** Accounts that the packages' own scripts would make. Numbers below 100 are those of base-passwd. */
const SYSTEM_USERS: readonly (readonly [name: string, id: number])[] = [
  ['messagebus', 101],
  ['sshd', 102],
  ['polkitd', 103],
  ['_dhcpcd', 104],
  ['systemd-network', 998],
];
const SYSTEM_GROUPS: readonly (readonly [name: string, id: number])[] = [
  ...['systemd-journal', 'render', 'input', 'kvm', 'netdev', 'sgx', '_ssh'].map((name, i) => [name, 110 + i] as const),
  ...SYSTEM_USERS.filter(([name]) => name !== 'sshd'),
];

/** Which modules every login passes, as pam-auth-update writes them (pam_systemd and pam_unix). */
const PAM: Readonly<Record<string, string>> = {
  'common-auth':
    'auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\nauth required pam_permit.so\n',
  'common-account':
    'account [success=1 default=ignore] pam_unix.so\naccount requisite pam_deny.so\naccount required pam_permit.so\n',
  'common-password':
    'password [success=1 default=ignore] pam_unix.so obscure yescrypt\npassword requisite pam_deny.so\npassword required pam_permit.so\n',
  'common-session': 'session required pam_permit.so\nsession required pam_unix.so\nsession optional pam_systemd.so\n',
  'common-session-noninteractive': 'session required pam_permit.so\nsession required pam_unix.so\n',
};

/** Links that are made when a package is installed. */
const LINKS: readonly (readonly [path: string, target: string])[] = [
  ['usr/bin/awk', 'mawk'],
  ['usr/bin/pager', 'more'],
  ['var/run', '/run'],
  ['var/lock', '/run/lock'],
  ['var/lib/dbus/machine-id', '/etc/machine-id'],
  ['etc/mtab', '../proc/self/mounts'],
  ['etc/systemd/system/getty.target.wants/getty@tty1.service', '/lib/systemd/system/getty@.service'],
];

/**
 * Files that are made when a package is installed. The times of `.updated` tell systemd that there is nothing to build anew
 * (systemd-update-done.service(8)).
 */
const FILES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(PAM).map(([name, text]) => [`etc/pam.d/${name}`, text])),
  'etc/hosts': '127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost ip6-loopback\n',
  'etc/fstab': 'proc /proc proc defaults 0 0\n',
  'etc/machine-id': '',
  'etc/shells': '/bin/sh\n/bin/bash\n',
  'etc/.updated': '',
  'var/.updated': '',
  // No partition comes later: usually a start waits 90 s for it (systemd.unit(5) tells of such names for a prefix).
  'etc/systemd/system/dev-disk-.device.d/lab.conf': '[Unit]\nJobRunningTimeoutSec=12s\n',
};

/** Unpacks packages into a root without running anything of theirs: their programs are another machine's. */
export async function unpackDebs(debs: string, root: string, work: string): Promise<void> {
  for (const name of MERGED) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  const tar = join(work, 'deb.tar');
  for (const name of readdirSync(debs).filter((file) => file.endsWith('.deb'))) {
    writeFileSync(tar, '');
    await run('sh', ['-c', 'exec dpkg-deb --fsys-tarfile "$1" > "$2"', 'sh', join(debs, name), tar]);
    const how = ['--keep-directory-symlink', '--same-owner', '--numeric-owner', '--same-permissions'];
    await run('tar', ['-x', '-f', tar, '-C', root, ...how, ...UNREAD.map((path) => `--exclude=${path}`)]);
  }
  rmSync(tar);
}

/** Does what the scripts of the packages would have done, as far as a start and a login need it. */
export function configureRoot(root: string): void {
  const at = (path: string) => join(root, path);
  const share = (path: string) => readFileSync(at(`usr/share/${path}`), 'utf8');
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(join(at(path), '..'), { recursive: true });
    writeFileSync(at(path), text, { mode });
  };
  const users = SYSTEM_USERS.map(
    ([name, id]) => `${name}:x:${id}:${name === 'sshd' ? 65534 : id}::/nonexistent:/usr/sbin/nologin`,
  );
  const passwd = `${share('base-passwd/passwd.master').replaceAll(/^(\w[\w-]*):\*/gm, '$1:x')}${users.join('\n')}\n`;
  const group = `${share('base-passwd/group.master').replaceAll(/^(\w[\w-]*):\*/gm, '$1:x')}${SYSTEM_GROUPS.map(([name, id]) => `${name}:x:${id}:`).join('\n')}\n`;
  put('etc/passwd', passwd);
  put('etc/group', group);
  const names = (text: string) => text.split('\n').flatMap((line) => (line === '' ? [] : [line.split(':')[0]]));
  put(
    'etc/shadow',
    names(passwd)
      .map((name) => `${name}:*:19700:0:99999:7:::\n`)
      .join(''),
    0o640,
  );
  put(
    'etc/gshadow',
    names(group)
      .map((name) => `${name}:*::\n`)
      .join(''),
    0o640,
  );
  put('etc/nsswitch.conf', share('libc-bin/nsswitch.conf'));
  put('etc/ssh/sshd_config', share('openssh/sshd_config'));
  for (const [path, text] of Object.entries(FILES)) put(path, text);
  // Scripts that units have replaced; to enable one of those beside its script takes perl.
  for (const name of ['init.d', ...[0, 1, 2, 3, 4, 5, 6, 'S'].map((level) => `rc${level}.d`)]) {
    rmSync(at(`etc/${name}`), { recursive: true, force: true });
  }
  for (const [path, target] of LINKS) {
    mkdirSync(join(at(path), '..'), { recursive: true });
    rmSync(at(path), { force: true, recursive: true });
    symlinkSync(target, at(path));
  }
  for (const folder of ['boot/firmware', 'proc', 'sys', 'dev', 'run', 'tmp', 'root', 'home', 'mnt']) {
    mkdirSync(at(folder), { recursive: true });
  }
}
