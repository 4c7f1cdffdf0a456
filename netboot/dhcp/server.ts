import { createSocket, type Socket } from 'node:dgram';
import { BakeryError, describeError, isErrno } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Ipv4, Mac } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { Sender } from './client.ts';
import { type DhcpPacket, decodePacket, encodePacket } from './packet.ts';
import { decideOffer, type Sighting, sight } from './proxy.ts';
import { createRateBound } from './rate.ts';

export type { Sighting } from './proxy.ts';

/** Who sent a packet, as far as it is counted: `other` is no Pi, `none` is no packet. */
export type PacketKind = Sender | 'other' | 'none';

/** A DHCP server that listens. */
export interface DhcpServer {
  readonly port: number;
  isListening(): boolean;
  /** Gives the port back; offers that wait are not sent. It may be called twice. */
  close(): Promise<void>;
}

/** What a server is made of. */
export interface DhcpOptions {
  /** 0 picks one. Offers go to port 68; from any other port than 67 to the one after it. */
  readonly port: number;
  /** Our addresses that offers leave from, one on each wire; none: nothing is ever answered. */
  readonly addresses: readonly Ipv4[];
  /** True for a MAC that is bound to a Pi. */
  knows(mac: Mac): Promise<boolean>;
  /** Told of each packet of a Pi, but of no more than a few of one MAC in 10 s. It must not throw. */
  onSeen(sighting: Sighting): void;
  onPacket?(kind: PacketKind): void;
  onOffer?(sender: Sender): void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Packets to this address and no other are read. Clients send to it before they have an address of their own, and no router passes
 * it on: nobody outside the wire can make a Pi seen. What clients send to the DHCP server that they know goes to that one, also
 * when it runs on this machine.
 */
const EVERYBODY = '255.255.255.255' as Ipv4;
const [SERVER_PORT, CLIENT_PORT] = [67, 68];
/** Packets that are looked up, or answered later, at a time. */
const MAX_PENDING = 256;

/**
 * Reads DHCP packets on all interfaces, and offers boot files to Pis where it has addresses to do so from.
 * @throws BakeryError `dhcp-port-in-use`, `dhcp-port-denied`, `dhcp-not-listening` (unavailable), naming address and port.
 */
export async function startDhcpServer(options: DhcpOptions): Promise<DhcpServer> {
  const { clock, log } = options;
  const closing = new AbortController();
  const isHeeded = createRateBound(clock.monotonic);
  const sockets: Socket[] = [];
  const outlets: { readonly server: Ipv4; readonly socket: Socket }[] = [];
  let listens = false;
  let pending = 0;

  async function close(): Promise<void> {
    listens = false;
    closing.abort();
    await Promise.all(sockets.splice(0).map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }

  async function open(address: Ipv4, port: number): Promise<Socket> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    try {
      await bind(socket, address, port);
    } catch (error) {
      socket.close();
      throw listenError(error, address, port);
    }
    socket.on('error', (error) => log.warn({ address, error: describeError(error) }, 'DHCP socket'));
    sockets.push(socket);
    return socket;
  }

  async function answer(request: DhcpPacket, facts: { sender: Sender; isKnown: boolean }): Promise<void> {
    const waiting: Promise<void>[] = [];
    for (const { server, socket } of outlets) {
      const offer = decideOffer(request, { isKnown: facts.isKnown, server });
      if (!offer) return;
      const send = () => {
        // One wire that is down keeps no offer from another.
        socket.send(encodePacket(offer.packet), (error) => {
          if (error) log.warn({ server, error: describeError(error) }, 'an offer could not be sent');
          else options.onOffer?.(facts.sender);
        });
      };
      if (offer.delayMs === 0) send();
      else waiting.push(clock.sleep(offer.delayMs, closing.signal).then(send));
    }
    await Promise.all(waiting);
  }

  async function onDatagram(datagram: Buffer): Promise<void> {
    const request = decodePacket(datagram);
    if (!request) return options.onPacket?.('none');
    const isKnown = await options.knows(request.mac);
    const sighting = sight(request, { isKnown, now: clock.now() });
    options.onPacket?.(sighting?.sender ?? 'other');
    if (!sighting || closing.signal.aborted || !isHeeded(request.mac)) return;
    options.onSeen(sighting);
    await answer(request, { sender: sighting.sender, isKnown });
  }

  function onMessage(datagram: Buffer): void {
    if (pending >= MAX_PENDING) return;
    pending++;
    onDatagram(datagram)
      .catch((error) => {
        if (!closing.signal.aborted) log.error({ error: describeError(error) }, 'a DHCP packet could not be answered');
      })
      .finally(() => pending--);
  }

  try {
    const receiver = await open(EVERYBODY, options.port);
    const { port } = receiver.address();
    for (const server of options.addresses) {
      const socket = await open(server, port);
      socket.setBroadcast(true);
      // Connected, so that it receives nothing: it must not take what is meant for another server on this port.
      await connect(socket, port === SERVER_PORT ? CLIENT_PORT : port + 1);
      outlets.push({ server, socket });
    }
    receiver.on('message', onMessage);
    listens = true;
    return { port, isListening: () => listens, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function bind(socket: Socket, address: Ipv4, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

function connect(socket: Socket, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.connect(port, EVERYBODY, (error?: Error) => (error ? reject(error) : resolve()));
  });
}

function listenError(error: unknown, address: Ipv4, port: number): BakeryError {
  const where = `${address}:${port}`;
  const options = { cause: error, detail: describeError(error) };
  if (isErrno(error, 'EADDRINUSE')) {
    const message = `another program serves DHCP on ${where}, and does not share the port`;
    return new BakeryError('unavailable', 'dhcp-port-in-use', message, options);
  }
  if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM')) {
    const message = `DHCP on ${where} needs root or CAP_NET_BIND_SERVICE`;
    return new BakeryError('unavailable', 'dhcp-port-denied', message, options);
  }
  return new BakeryError('unavailable', 'dhcp-not-listening', `DHCP cannot listen on ${where}`, options);
}
