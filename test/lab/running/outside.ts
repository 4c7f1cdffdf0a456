import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildPiImage } from '../image/build.ts';
import { boundToUs, LAB_ENV, requireTools } from '../sh.ts';
import type { LabWish } from './arguments.ts';
import { keptFolder } from './keep.ts';
import { listenForPeople } from './port.ts';

const INSIDE = fileURLToPath(new URL('./inside-main.ts', import.meta.url));

/**
 * Runs a lab (inside-main.ts) in new network, mount and pid namespaces with an empty /run, where its data is too unless it is kept:
 * nothing is on this machine that could be left. In a session of its own, so that the ^C of a terminal comes here alone; it is ended by
 * SIGINT, SIGTERM and SIGHUP, and at once when they come again. @returns its exit code. @throws LabRefusal
 */
export async function runInside(wish: LabWish, token: string): Promise<number> {
  requireTools('ip', 'nsenter', 'setpriv', 'unshare', 'mount', 'dnsmasq', 'mkfs.vfat', 'mcopy');
  const root = wish.keep === undefined ? '/run/bakery' : keptFolder(wish.keep, { isWhole: true });
  const { server, base } = await listenForPeople(wish.httpPort);
  // Here, where there is a network: it is made of Debian packages.
  const image = wish.isEmulated ? buildPiImage({ log: (line) => console.log(`[lab] ${line}`) }).path : undefined;
  const prepare = 'mount -t tmpfs -o mode=755 tmpfs /run; ip link set lo up; exec "$@"';
  const namespaces = [
    '--mount',
    '--net',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--propagation',
    'private',
  ];
  const command = [process.execPath, INSIDE, JSON.stringify({ pis: wish.pis, root, base, token, image })];
  const [program = '', ...args] = boundToUs('unshare', ...namespaces, 'sh', '-ec', prepare, 'sh', ...command);
  const child = spawn(program, args, {
    env: { ...process.env, PATH: LAB_ENV.PATH },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  // From here on it is the other's alone.
  child.send('api', server, () => server.close());
  let isEnding = false;
  const end = () => {
    if (isEnding) child.kill('SIGKILL');
    else if (child.connected) child.disconnect();
    isEnding = true;
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  return ended;
}
