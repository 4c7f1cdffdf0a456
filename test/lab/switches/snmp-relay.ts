import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** What comes back for a request: datagrams in this order, from where was asked or from somebody else. */
export interface Relayed {
  readonly datagram: Buffer;
  readonly from?: 'stranger';
}

/** Stands between a driver and a switch, and sends back what `edit` makes of each request and the answer to it. */
export interface SnmpRelay {
  readonly port: number;
  edit: (request: Buffer, answer: Buffer) => readonly Relayed[];
  close(): void;
}

/** Starts one on loopback, in front of the switch on that port; at first it changes nothing. */
export async function startSnmpRelay(switchPort: number): Promise<SnmpRelay> {
  const front = createSocket('udp4').bind(0, '127.0.0.1');
  const stranger = createSocket('udp4').bind(0, '127.0.0.1');
  await Promise.all([once(front, 'listening'), once(stranger, 'listening')]);
  const waiting = new Set<Socket>();
  const relay: SnmpRelay = {
    port: front.address().port,
    edit: (_, datagram) => [{ datagram }],
    close() {
      front.close();
      stranger.close();
      for (const back of waiting) back.close();
    },
  };
  front.on('message', (request, client) => {
    const back = createSocket('udp4');
    waiting.add(back);
    back.on('message', (answer) => {
      waiting.delete(back);
      back.close();
      for (const { datagram, from } of relay.edit(request, answer)) {
        (from === 'stranger' ? stranger : front).send(datagram, client.port, client.address);
      }
    });
    back.send(request, switchPort, '127.0.0.1');
  });
  return relay;
}
