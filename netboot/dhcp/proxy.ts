import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import { identify, type Sender } from './client.ts';
import { addressOption, type DhcpPacket, type MessageType, messageTypeOf, NO_ADDRESS, OPTION } from './packet.ts';
import { bootsAs } from './pi-options.ts';
import { draftOffer } from './quirks.ts';

/** A Pi was heard. */
export interface Sighting {
  readonly mac: Mac;
  readonly sender: Sender;
  readonly messageType: MessageType;
  /** What it says of itself; nothing proves it. */
  readonly serial: PiId | undefined;
  readonly revision: number | undefined;
  /** The address it asks for, or has. */
  readonly address: Ipv4 | undefined;
  /** ms since the epoch. */
  readonly at: number;
}

/** What is sent, and when. */
export interface Offer {
  readonly delayMs: number;
  readonly packet: DhcpPacket;
}

/** What a packet tells of the Pi that sent it; undefined when it was none. */
export function sight(request: DhcpPacket, facts: { isKnown: boolean; now: number }): Sighting | undefined {
  // What a relay brings was not heard on this wire: it binds no MAC, and makes no boot expected.
  if (request.op !== 'request' || request.giaddr !== NO_ADDRESS) return undefined;
  const client = identify(request, facts);
  const messageType = messageTypeOf(request);
  if (!client || !messageType) return undefined;
  const { mac, ciaddr } = request;
  const address = ciaddr === NO_ADDRESS ? addressOption(request, OPTION.requestedAddress) : ciaddr;
  return { mac, ...client, messageType, address, at: facts.now };
}

/**
 * The proxy's answer to a packet, from `server`, our address on that wire: an offer of boot files without an address
 * (yiaddr 0), beside the offer of the site's DHCP server. Only a DISCOVER of a Pi's boot ROM has one. What follows is between
 * the Pi and the DHCP server that it chose: its REQUEST names that server, and the ACK needs no word about booting. No Pi asks
 * at port 4011.
 */
export function decideOffer(request: DhcpPacket, plan: { isKnown: boolean; server: Ipv4 }): Offer | undefined {
  const sighting = sight(request, { isKnown: plan.isKnown, now: 0 });
  if (!sighting || sighting.sender === 'os' || sighting.messageType !== 'discover') return undefined;
  if (bootsAs(request) !== 'bios') return undefined;
  const { delayMs, siaddr, file, options } = draftOffer(sighting.sender, request, plan.server);
  const { xid, flags, mac } = request;
  const none = { ciaddr: NO_ADDRESS, yiaddr: NO_ADDRESS, giaddr: NO_ADDRESS };
  return { delayMs, packet: { op: 'reply', hops: 0, xid, secs: 0, flags, ...none, siaddr, mac, file, options } };
}
