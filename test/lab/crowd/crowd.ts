import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { boundToUs, LAB_ENV, requireTools, sh, trySh } from '../sh.ts';

/** A board of the crowd. Its requests for files leave from `firstPort` and the 49 after it: by that they find its device. */
export interface CrowdBoard {
  readonly serial: string;
  readonly mac: string;
  readonly address: string;
  readonly firstPort: number;
}

/** What a board tells; the number -1 is the process. */
export interface CrowdEvent {
  readonly board: number;
  readonly event: 'ready' | 'on' | 'up' | 'gave-up';
  readonly discovers?: number;
  readonly bytes?: number;
}

/** Boards behind one link. */
export interface Crowd {
  readonly events: readonly CrowdEvent[];
  on(board: number): void;
  off(board: number): void;
  /** Boards whose last word since their power came is `event`. */
  count(event: CrowdEvent['event']): number;
  /** Resolves once `isSo`, which is asked after each event. */
  until(isSo: () => boolean): Promise<void>;
  /** Cuts the power of all of them. */
  close(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const NAMESPACE = 'crowd';
const PORTS_PER_BOARD = 50;
/** What the wire of the lab has itself: the server, the site's DHCP server, a stranger (network.ts). */
const TAKEN = [1, 2, 66];

/** Boards for the lab's wire, as many as it has addresses for: up to 200. The last 24 bits of MAC and serial are the same. */
export function crowdBoards(count: number): CrowdBoard[] {
  const hosts = Array.from({ length: 254 }, (_, i) => i + 1).filter((host) => !TAKEN.includes(host));
  return hosts.slice(0, count).map((host, i) => {
    const low = i.toString(16).padStart(2, '0');
    const firstPort = 20_000 + i * PORTS_PER_BOARD;
    return { serial: `ca5c00${low}`, mac: `b8:27:eb:5c:00:${low}`, address: `10.99.0.${host}`, firstPort };
  });
}

/**
 * Lays a link from `bridge` to a place for the boards, which carries `mbit` towards them (tc-tbf(8)). Each has a device of its own
 * there, with its MAC and its address, and answers ARP for no other's.
 */
export function layCrowdedLink(bridge: string, boards: readonly CrowdBoard[], mbit: number): { close(): void } {
  requireTools('ip', 'nft', 'tc');
  const folder = mkdtempSync(join(tmpdir(), 'bakery-crowd-'));
  const close = () => {
    trySh('ip', 'link', 'del', `ve-${NAMESPACE}`);
    trySh('ip', 'netns', 'del', NAMESPACE);
    rmSync(folder, { recursive: true, force: true });
  };
  const inside = (...argv: string[]) => sh('nsenter', `--net=/run/netns/${NAMESPACE}`, ...argv);
  try {
    sh('ip', 'netns', 'add', NAMESPACE);
    sh('ip', 'link', 'add', `ve-${NAMESPACE}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', NAMESPACE);
    sh('ip', 'link', 'set', `ve-${NAMESPACE}`, 'master', bridge, 'up');
    // A queue that loses nothing: what is scarce is time.
    const shape = ['rate', `${mbit}mbit`, 'burst', '16kb', 'limit', '4mb'];
    sh('tc', 'qdisc', 'add', 'dev', `ve-${NAMESPACE}`, 'root', 'tbf', ...shape);
    inside(
      'sh',
      '-c',
      'cd /proc/sys/net/ipv4/conf/all && echo 1 >arp_ignore && echo 2 >arp_announce && echo 0 >rp_filter',
    );
    const lines = boards.flatMap(({ mac, address, firstPort }, i) => [
      `link add link eth0 name p${i} address ${mac} type macvlan mode bridge`,
      `addr add ${address}/24 dev p${i}`,
      `link set p${i} up`,
      `route add 10.99.0.0/24 dev p${i} src ${address} table ${1_000 + i}`,
      `rule add ipproto udp sport ${firstPort}-${firstPort + PORTS_PER_BOARD - 1} table ${1_000 + i}`,
    ]);
    writeFileSync(join(folder, 'batch'), ['link set lo up', 'link set eth0 up', ...lines, ''].join('\n'));
    sh('ip', '-n', NAMESPACE, '-batch', join(folder, 'batch'));
    // A broadcast comes in by each device: one copy is enough, and all of them are more than a socket holds.
    const copies = ['iifname', '!=', 'p0', 'ip', 'daddr', '255.255.255.255', 'drop'];
    inside('nft', 'add table ip crowd; add chain ip crowd in { type filter hook prerouting priority raw; }');
    inside('nft', 'add', 'rule', 'ip', 'crowd', 'in', ...copies);
    return { close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Starts boards without power. `everyMs` is the time from one DISCOVER to the next. */
export async function startCrowd(
  boards: readonly CrowdBoard[],
  facts: { readonly server: string; readonly everyMs: number },
): Promise<Crowd> {
  const argv = [
    'nsenter',
    `--net=/run/netns/${NAMESPACE}`,
    process.execPath,
    MAIN,
    JSON.stringify({ boards, ...facts }),
  ];
  const [program = '', ...args] = boundToUs(...argv);
  const child: ChildProcess = spawn(program, args, { env: LAB_ENV, stdio: ['pipe', 'pipe', 'inherit'] });
  const events: CrowdEvent[] = [];
  const last = new Map<number, CrowdEvent['event']>();
  let changed = Promise.withResolvers<void>();
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const gone = ended.then(() => Promise.reject(new Error('the boards are gone')));
  gone.catch(() => undefined);
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as CrowdEvent;
      events.push(event);
      last.set(event.board, event.event);
      changed.resolve();
      changed = Promise.withResolvers();
    });
  }
  const crowd: Crowd = {
    events,
    on: (board) => void child.stdin?.write(`on ${board}\n`),
    off(board) {
      last.delete(board);
      child.stdin?.write(`off ${board}\n`);
    },
    count: (event) => [...last.values()].filter((one) => one === event).length,
    async until(isSo) {
      while (!isSo()) await Promise.race([changed.promise, gone]);
    },
    async close() {
      child.kill('SIGKILL');
      await ended;
    },
  };
  await crowd.until(() => last.has(-1));
  return crowd;
}
