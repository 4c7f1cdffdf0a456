import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { plugIn, unplug } from './network.ts';
import { boundToUs, LAB_ENV, sh } from './sh.ts';

/** An answer that came to a board's DHCP port. */
export interface Answer {
  /** The server's address. */
  readonly from: string;
  readonly xid: number;
  readonly bytes: Buffer;
}

/** The DHCP port of a board on the lab's wire. */
export interface DhcpBoard {
  readonly name: string;
  readonly answers: readonly Answer[];
  /** To everybody, or to one server. */
  send(datagram: Buffer, to?: string): void;
  /** Resolves once `isThere` is true of what came; fails after 20 s. */
  until(isThere: (answers: readonly Answer[]) => boolean, what: string): Promise<void>;
  close(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('./rom/dhcp-client-main.ts', import.meta.url));
const PATIENCE_MS = 20_000;

/** Plugs a board in. It has its address already, since a kernel gives no program what is for another's. */
export async function plugInBoard(name: string, board: { mac?: string; address: string }): Promise<DhcpBoard> {
  plugIn(name, `${board.address}/24`, board.mac);
  sh('ip', '-n', name, 'route', 'add', 'default', 'dev', 'eth0');
  const [program = '', ...args] = boundToUs('nsenter', `--net=/run/netns/${name}`, process.execPath, MAIN);
  const child = spawn(program, args, { env: LAB_ENV, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const answers: Answer[] = [];
  const ready = Promise.withResolvers<void>();
  let changed = Promise.withResolvers<void>();
  ended.then(() => ready.reject(new Error(`the DHCP port of ${name} is closed`)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const told = JSON.parse(line) as { ready?: true; from: string; hex: string };
    if (told.ready) return ready.resolve();
    const bytes = Buffer.from(told.hex, 'hex');
    answers.push({ from: told.from, xid: bytes.readUInt32BE(4), bytes });
    changed.resolve();
    changed = Promise.withResolvers();
  });
  async function close(): Promise<void> {
    child.kill('SIGKILL');
    await ended;
    unplug(name);
  }
  await ready.promise.catch(async (error) => {
    await close();
    throw error;
  });
  return {
    name,
    answers,
    send: (datagram, to = '255.255.255.255') => void child.stdin.write(`${to} ${datagram.toString('hex')}\n`),
    async until(isThere, what) {
      const late = AbortSignal.timeout(PATIENCE_MS);
      const tooLate = new Promise<never>((_, reject) => {
        const told = () => answers.map(({ from, xid }) => `${from} ${xid}`).join(', ');
        late.addEventListener('abort', () => reject(new Error(`${name} waits in vain for ${what}; it has ${told()}`)));
      });
      while (!isThere(answers)) await Promise.race([changed.promise, tooLate]);
    },
    close,
  };
}
