import { execFileSync } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { sh } from './sh.ts';

const MIB = 1024 ** 2;

/** One header and its content in a tar archive (POSIX.1-2001). */
function tarEntry(name: string, type: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** Makes a file with extended attributes: through tar, because Node knows none and setfattr(1) is not everywhere. */
function fileWithXattrs(folder: string, name: string, xattrs: Readonly<Record<string, Buffer>>): void {
  const records = Object.entries(xattrs).map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` SCHILY.xattr.${key}=`), value, Buffer.from('\n')]);
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    return Buffer.concat([Buffer.from(String(length)), rest]);
  });
  const archive = Buffer.concat([
    tarEntry(`pax/${name}`, 'x', Buffer.concat(records)),
    tarEntry(name, '0', Buffer.from('has attributes')),
    Buffer.alloc(1024),
  ]);
  execFileSync('tar', ['-x', '--xattrs', '--xattrs-include=*', '-C', folder], { input: archive });
}

/** cap_net_raw=ep, as setcap(8) writes it (struct vfs_cap_data, revision 2). */
const CAPABILITY = Buffer.from([1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** A root tree with everything a copy may lose. `mib` of it is random bytes, to make the copying take its time. */
export function layRootTree(folder: string, options: { hostname: string; mib: number }): void {
  for (const name of ['etc', 'boot', 'home/pi', 'usr/bin', 'var/empty', 'tmp', 'dev', 'piConfig']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  const put = (name: string, content: string | Uint8Array, mode = 0o644, owner: [number, number] = [0, 0]) => {
    writeFileSync(join(folder, name), content);
    chownSync(join(folder, name), ...owner);
    chmodSync(join(folder, name), mode);
  };
  put('etc/hostname', `${options.hostname}\n`);
  put('etc/shadow', 'root:*:1:::::\n', 0o640, [0, 42]);
  put('piConfig/settings.json', JSON.stringify({ agent_id: options.hostname }), 0o600);
  put('home/pi/notes', 'mine\n', 0o600, [1000, 1000]);
  put('home/pi/na\nme with ü', 'odd name\n', 0o604, [12345, 54321]);
  put('usr/bin/su', 'runs as root\n', 0o4755);
  put('usr/bin/busybox', randomFillSync(Buffer.alloc(100_000)), 0o755);
  linkSync(join(folder, 'usr/bin/busybox'), join(folder, 'usr/bin/sh'));
  linkSync(join(folder, 'usr/bin/busybox'), join(folder, 'home/pi/far away'));
  symlinkSync('/etc/hostname', join(folder, 'etc/absolute'));
  symlinkSync('no such file', join(folder, 'etc/dangling'));
  chmodSync(join(folder, 'tmp'), 0o1777);
  chownSync(join(folder, 'home/pi'), 1000, 1000);
  sh('mkfifo', join(folder, 'tmp/fifo'));
  sh('mknod', join(folder, 'dev/null'), 'c', '1', '3');
  put('home/pi/sparse', 'begin');
  truncateSync(join(folder, 'home/pi/sparse'), 100 * MIB);
  writeSync(openSync(join(folder, 'home/pi/sparse'), 'r+'), 'end', 99 * MIB);
  fileWithXattrs(join(folder, 'usr/bin'), 'ping', {
    'user.origin': Buffer.from('1=2\n3'),
    'security.capability': CAPABILITY,
  });
  for (let n = 0; n < options.mib; n++) put(`home/pi/bytes-${n}`, randomFillSync(Buffer.alloc(MIB)));
  for (const name of ['etc/hostname', 'var/empty', '.']) utimesSync(join(folder, name), 1e9, 1e9);
}

/** Makes a data disk's folder; the bytes of its disk.img, which has a hole. */
export function layDisk(folder: string, bytes: number, extras: Readonly<Record<string, string>> = {}): Buffer {
  mkdirSync(folder, { mode: 0o755 });
  const content = Buffer.alloc(bytes);
  for (const at of [0, bytes - 4096]) randomFillSync(content, Math.max(0, at), Math.min(4096, bytes));
  const file = openSync(join(folder, 'disk.img'), 'w', 0o644);
  writeSync(file, content, 0, Math.min(4096, bytes), 0);
  writeSync(file, content, Math.max(0, bytes - 4096), Math.min(4096, bytes), Math.max(0, bytes - 4096));
  for (const [name, text] of Object.entries(extras)) writeFileSync(join(folder, name), text);
  return content;
}

/** Writes files with their folders. */
export function layFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

/** Everything there is to a tree (names, bytes, owners, modes, times, links, devices, extended attributes) in one word. */
export function fingerprint(folder: string, ...except: string[]): string {
  const times = '--pax-option=delete=atime,delete=ctime';
  const how = ['--sort=name', '--numeric-owner', '--format=pax', times, '--xattrs', '--xattrs-include=*'];
  const excluded = except.map((name) => `--exclude=./${name}`);
  const archive = execFileSync('tar', ['-c', '-C', folder, ...how, ...excluded, '.'], {
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return createHash('sha256').update(archive).digest('hex');
}

/** A database as the original made it, with these rows. */
export function layInventory(file: string, rows: readonly (readonly [unknown, unknown, unknown, unknown])[]): void {
  const db = new Database(file);
  db.exec(
    'create table if not exists inventory (id text not null primary key, status integer, bakeform text, diskIds text);',
  );
  const insert = db.prepare('insert into inventory(id, status, bakeform, diskIds) values (?, ?, ?, ?)');
  for (const row of rows) insert.run(...row);
  db.close();
}
