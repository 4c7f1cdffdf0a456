import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Server } from './bars.ts';

/** Unpacked, never installed: they would start on this machine, and exclude each other. */
const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/bench', import.meta.url));
const PACKAGES = ['tftpd-hpa', 'atftpd'];
const program = (name: string) => join(FOLDER, 'usr/sbin', name);

/** Fetches the Debian packages of the peers where they are not there yet. Needs a network, once. */
export function fetchPeers(): void {
  if (existsSync(program('in.tftpd')) && existsSync(program('atftpd'))) return;
  mkdirSync(FOLDER, { recursive: true });
  execFileSync('apt-get', ['-q', 'download', ...PACKAGES], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.deb'))) {
    execFileSync('dpkg', ['-x', file, '.'], { cwd: FOLDER });
  }
}

/** The argv that serves `folder` at port 69 of `address`, in the foreground, to 200 clients at once. */
export function argvOf(server: Server, address: string, folder: string): string[] {
  switch (server) {
    case 'bakery':
      return [process.execPath, fileURLToPath(new URL('./bakery-tftp.ts', import.meta.url)), address, folder];
    case 'tftpd-hpa':
      return [program('in.tftpd'), '-L', '--secure', '--user', 'root', '--address', `${address}:69`, folder];
    case 'dnsmasq':
      return [
        ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--user=root', '--pid-file='],
        ...['--enable-tftp', '--tftp-max=200', `--tftp-root=${folder}`],
      ];
    case 'atftpd':
      return [
        ...[program('atftpd'), '--daemon', '--no-fork', '--user', 'root.root', '--maxthread', '200'],
        ...['--logfile', '/dev/null', '--verbose=1', '--bind-address', address, folder],
      ];
  }
}
