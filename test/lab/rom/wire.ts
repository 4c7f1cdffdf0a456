import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { sh, trySh } from '../sh.ts';
import type { Wire } from './dhcp.ts';

const DEVICE = 'eth0';
/** Takes what comes in for any address. */
const TABLE = '100';
/** Which questions by ARP are answered (the kernel's ip-sysctl, arp_ignore): 0 those about a local address, 8 none. */
const answerArp = (which: '0' | '8') => writeFileSync(`/proc/sys/net/ipv4/conf/${DEVICE}/arp_ignore`, which);

/**
 * Makes this network namespace hear what is sent to an address that it does not have yet, as a boot ROM does: a kernel would
 * pass that over, and Node cannot read below it. Takes what address there is off.
 */
export function clearAddress(): void {
  sh('ip', 'addr', 'flush', 'dev', DEVICE);
  // Every address is local now: it would say that it has those of its neighbours, which are silent while they boot.
  answerArp('8');
  for (const name of ['all', DEVICE]) writeFileSync(`/proc/sys/net/ipv4/conf/${name}/rp_filter`, '0');
  sh('ip', 'route', 'replace', 'local', 'default', 'dev', 'lo', 'table', TABLE);
  trySh('ip', 'rule', 'del', 'iif', DEVICE, 'table', TABLE);
  sh('ip', 'rule', 'add', 'iif', DEVICE, 'table', TABLE);
  // Broadcasts need a way out.
  sh('ip', 'route', 'replace', 'default', 'dev', DEVICE);
}

/** From here on it is an ordinary host with that address, but for what it may leave unanswered. */
export function takeAddress(
  { address, prefix }: { readonly address: string; readonly prefix: number },
  { isArpSilent = false }: { readonly isArpSilent?: boolean },
): void {
  trySh('ip', 'rule', 'del', 'iif', DEVICE, 'table', TABLE);
  answerArp(isArpSilent ? '8' : '0');
  sh('ip', 'addr', 'add', `${address}/${prefix}`, 'dev', DEVICE);
}

/** The board's DHCP port, open while `use` runs. */
export async function withWire<T>(use: (wire: Wire) => Promise<T>): Promise<T> {
  const socket = createSocket('udp4');
  const came: Buffer[] = [];
  socket.on('message', (datagram) => void came.push(datagram));
  socket.bind(68);
  await once(socket, 'listening');
  socket.setBroadcast(true);
  try {
    return await use({
      send: (datagram) => socket.send(datagram, 67, '255.255.255.255'),
      async receive(ms) {
        const signal = AbortSignal.timeout(Math.ceil(ms));
        while (came.length === 0) {
          try {
            await once(socket, 'message', { signal });
          } catch (error) {
            if (signal.aborted) return came.shift();
            throw error;
          }
        }
        return came.shift();
      },
    });
  } finally {
    socket.close();
  }
}
