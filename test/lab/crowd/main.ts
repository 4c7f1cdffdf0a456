import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { BootFailure } from '../rom/ask.ts';
import { askDhcp, type Wire } from '../rom/dhcp.ts';
import { type DhcpStage, MODELS } from '../rom/models.ts';
import { createRomTftp } from '../rom/tftp.ts';
import type { CrowdBoard, CrowdEvent } from './crowd.ts';

/**
 * Many boards with the ROM of the 3B in one process, each behind a network device of its own. Takes `on N` and `off N` on stdin, and
 * tells what each does as JSON lines. A board has the time of its five DISCOVERs for all of it: to be offered an address and boot
 * files, and to read its first stage. When that is over it stops, until it was off.
 */
const { boards, everyMs, server } = JSON.parse(process.argv[2] ?? '') as {
  boards: readonly CrowdBoard[];
  everyMs: number;
  server: string;
};
const [rom] = MODELS['3b'].dhcp;
if (!rom) throw new Error('the 3B has a ROM');
// On a slow machine an offer to one DISCOVER may come after the next: too early, for all that can be told.
const { minimumDelayMs: _, ...patient } = rom;
const stage: DhcpStage = { ...patient, everyMs };

const tell = (event: CrowdEvent) => process.stdout.write(`${JSON.stringify(event)}\n`);
const MAC_AT = 28;
const macOf = (datagram: Buffer) => datagram.toString('hex', MAC_AT, MAC_AT + 6);

/** What came to a board's DHCP port, and who waits for it. */
interface Inbox {
  readonly came: Buffer[];
  ring: () => void;
}
const inboxes = new Map<string, Inbox>();

function deliver(datagram: Buffer): void {
  const inbox = inboxes.get(macOf(datagram));
  if (!inbox) return;
  inbox.came.push(datagram);
  inbox.ring();
}

async function openPort(address: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', deliver);
  socket.bind(68, address);
  await once(socket, 'listening');
  socket.setBroadcast(true);
  return socket;
}

function wireOf(socket: Socket, inbox: Inbox): Wire {
  return {
    send: (datagram) => socket.send(datagram, 67, '255.255.255.255'),
    async receive(ms) {
      if (inbox.came.length === 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          inbox.ring = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return inbox.came.shift();
    },
  };
}

async function plug({ mac, serial, address, firstPort }: CrowdBoard, board: number) {
  const socket = await openPort(address);
  let life = 0;

  async function boot(of: number): Promise<void> {
    const deadline = performance.now() + stage.tries * stage.everyMs;
    const left = () => deadline - performance.now();
    const inbox: Inbox = { came: [], ring: () => undefined };
    inboxes.set(mac.replaceAll(':', ''), inbox);
    tell({ board, event: 'on' });
    try {
      const lease = await askDhcp(stage, { mac, serial, revision: 'a02082' }, wireOf(socket, inbox));
      const port = firstPort + (of % 50);
      const tftp = createRomTftp({ server, firstPort: port, fileTimeoutMs: Math.max(1, left()) });
      const { outcome, bytes } = await tftp.fetch('bootcode.bin', []);
      if (of !== life) return;
      const isUp = outcome === 'fetched' && left() > 0;
      tell({ board, event: isUp ? 'up' : 'gave-up', discovers: lease.discovers, bytes });
    } catch (error) {
      if (!(error instanceof BootFailure)) throw error;
      if (of === life) tell({ board, event: 'gave-up', discovers: stage.tries, bytes: 0 });
    }
  }

  return {
    on: () => void boot(++life),
    off: () => void ++life,
  };
}

await openPort('0.0.0.0');
const plugged = await Promise.all(boards.map(plug));
createInterface({ input: process.stdin }).on('line', (line) => {
  const [verb, number] = line.split(' ');
  const board = plugged[Number(number)];
  if (verb === 'on') board?.on();
  else board?.off();
});
process.stdin.on('end', () => process.exit(0));
tell({ board: -1, event: 'ready' });
