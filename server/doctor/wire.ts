import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isErrno } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Ipv4, Mac } from '../../core/ids.ts';
import {
  addressOption,
  decodePacket,
  encodePacket,
  messageTypeBytes,
  NO_ADDRESS,
  OPTION,
} from '../../netboot/dhcp/packet.ts';
import { MENU_TEXT } from '../../netboot/dhcp/pi-options.ts';
import type { HeardOffer, PortState } from './judge.ts';

/** The board that the doctor plays: a MAC that no maker gives out, and a serial number of no Pi. */
const MAC = '02:ba:4e:d0:c7:01' as Mac;
const GUID = Buffer.from('0052506934ffffffff4ed0c701ffffffff', 'hex');
const WAIT_MS = 2_500;
const EVERYBODY = '255.255.255.255';

async function open(address: string, port: number, reuseAddr: boolean): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port, exclusive: true }, () => resolve());
  }).catch((error) => {
    socket.close();
    throw error;
  });
  socket.on('error', () => undefined);
  return socket;
}

/** Sends DISCOVERs as a Pi 4 does from `address`, and tells what is offered to it; undefined when its port is taken. */
export async function askForOffers(address: Ipv4, clock: Clock): Promise<readonly HeardOffer[] | undefined> {
  const sockets: Socket[] = [];
  const offers = new Map<string, HeardOffer>();
  const xid = randomInt(1, 2 ** 31);
  try {
    const ear = await open(EVERYBODY, 68, true);
    sockets.push(ear);
    const mouth = await open(address, 68, true);
    sockets.push(mouth);
    mouth.setBroadcast(true);
    ear.on('message', (datagram, { address: from }) => {
      const packet = decodePacket(datagram);
      if (packet?.op !== 'reply' || packet.xid !== xid) return;
      const server = addressOption(packet, OPTION.serverId) ?? from;
      const menu = Buffer.from(packet.options.get(OPTION.vendorSpecific) ?? []);
      const known = offers.get(server);
      offers.set(server, {
        server,
        hasAddress: packet.yiaddr !== NO_ADDRESS || known?.hasAddress === true,
        hasBootFiles: menu.includes(MENU_TEXT) || known?.hasBootFiles === true,
      });
    });
    const none = { ciaddr: NO_ADDRESS, yiaddr: NO_ADDRESS, siaddr: NO_ADDRESS, giaddr: NO_ADDRESS };
    const options = new Map<number, Uint8Array>([
      [OPTION.messageType, messageTypeBytes('discover')],
      [55, Uint8Array.of(1, 3, 43, 60, 66, 67)],
      [OPTION.architecture, Uint8Array.of(0, 0)],
      [OPTION.guid, GUID],
      [OPTION.vendorClass, Buffer.from('PXEClient:Arch:00000:UNDI:002001')],
    ]);
    // The flag has them answer to everybody: nobody has that MAC.
    const discover = encodePacket({
      op: 'request',
      hops: 0,
      xid,
      secs: 0,
      flags: 0x8000,
      ...none,
      mac: MAC,
      file: '',
      options,
    });
    for (let i = 0; i < 2; i++) {
      mouth.send(discover, 67, EVERYBODY);
      await clock.sleep(WAIT_MS);
    }
    return [...offers.values()];
  } catch (error) {
    if (isErrno(error, 'EADDRINUSE') || isErrno(error, 'EACCES')) return undefined;
    throw error;
  } finally {
    for (const socket of sockets) socket.close();
  }
}

/** How a UDP port of ours is: whether it can be opened, shared with who shares it. */
export async function probePort(address: string, port: number, reuseAddr: boolean): Promise<PortState> {
  try {
    (await open(address, port, reuseAddr)).close();
    return 'free';
  } catch (error) {
    return isErrno(error, 'EACCES') || isErrno(error, 'EPERM') ? 'denied' : 'silent';
  }
}

/** Asks for a file that there is not; whatever the server says is an answer. */
export async function askTftp(address: Ipv4, port: number, clock: Clock): Promise<boolean> {
  const socket = await open(address, 0, false);
  const answered = new Promise<boolean>((resolve) => socket.once('message', () => resolve(true)));
  try {
    for (let i = 0; i < 3; i++) {
      socket.send(Buffer.from('\0\u0001bakery-doctor\0octet\0', 'latin1'), port, address);
      if (await Promise.race([answered, clock.sleep(1_000).then(() => false)])) return true;
    }
    return false;
  } finally {
    socket.close();
  }
}
