import { BootFailure } from './ask.ts';
import { CONSTANT_GUID, romPacket, serialGuid, structuredGuid } from './discover.ts';
import type { DhcpStage } from './models.ts';
import { leaseOf, type RomAnswer, readAnswer, refuseOffer, tftpServerOf } from './offer.ts';

/** The board that asks. */
export interface DhcpBoardFacts {
  readonly mac: string;
  readonly serial: string;
  /** Its revision code, hex. */
  readonly revision: string;
}

/** The board's end of the wire, without an address yet. */
export interface Wire {
  /** Sends a datagram to everybody's port 67. */
  send(datagram: Buffer): void;
  /** The next datagram at port 68; undefined when none comes within `ms`. */
  receive(ms: number): Promise<Buffer | undefined>;
}

/** What a board knows when DHCP is done. */
export interface RomLease {
  readonly stage: DhcpStage['name'];
  readonly address: string;
  readonly prefix: number;
  readonly tftp: string;
  readonly discovers: number;
}

function guidOf(stage: DhcpStage, board: DhcpBoardFacts): string {
  if (stage.guid === 'constant') return CONSTANT_GUID;
  if (stage.guid === 'serial') return serialGuid(board.serial);
  const mac = stage.guid === 'structured' ? board.mac : '00:00:00:00:00:00';
  return structuredGuid(stage.letters ?? 'RPi4', { ...board, mac });
}

/**
 * Asks as one of a board's programs does: DISCOVERs until it has both an address and boot files, each from whoever offers it;
 * then the REQUEST, from those that send one. @throws BootFailure
 */
export async function askDhcp(stage: DhcpStage, board: DhcpBoardFacts, wire: Wire): Promise<RomLease> {
  const guid = guidOf(stage, board);
  const { mac } = board;
  /** The same for all its DISCOVERs: an answer that is late counts for the next. */
  const xid = stage.xid ?? Math.floor(Math.random() * 2 ** 32);
  const began = performance.now();
  const refused = new Set<string>();
  let addresses: RomAnswer | undefined;
  let boots: RomAnswer | undefined;

  /** Hears what comes within `ms`, until `isDone`. */
  async function listen(ms: number, isDone: (answer: RomAnswer) => boolean): Promise<boolean> {
    const end = performance.now() + ms;
    for (;;) {
      const left = end - performance.now();
      const datagram = left > 0 ? await wire.receive(left) : undefined;
      if (!datagram) return false;
      const answer = readAnswer(datagram);
      if (answer?.xid === xid && answer.mac === mac && isDone(answer)) return true;
    }
  }
  function isWhole(answer: RomAnswer): boolean {
    if (answer.type !== 2) return false;
    if (answer.address !== undefined) addresses ??= answer;
    const refusal = refuseOffer(answer, stage, guid);
    // Since the first: an offer that is late for one must not be taken for one that is early for the next.
    const after = performance.now() - began;
    if (refusal === undefined && after < (stage.minimumDelayMs ?? 0))
      throw new BootFailure(`the offer of boot files came ${Math.round(after)} ms after the DISCOVER: it locks up`);
    if (refusal === undefined) boots ??= answer;
    // The offer of an address alone is no failed offer of boot files.
    else if (answer.options.has(60)) refused.add(refusal);
    return addresses !== undefined && boots !== undefined;
  }

  for (let discovers = 1; discovers <= stage.tries; discovers++) {
    wire.send(romPacket({ mac, guid, xid, parameters: stage.parameters }));
    if (!(await listen(stage.everyMs, isWhole)) || !addresses || !boots) continue;
    const { address, prefix, server } = leaseOf(addresses);
    if (stage.confirms) {
      const request = { mac, guid, xid, parameters: stage.parameters, type: 3, asksFor: address, server };
      wire.send(romPacket({ ...request, ...(stage.isTerse ? { vendorClass: null } : {}) }));
      let isGiven = false;
      await listen(stage.everyMs, ({ type }) => {
        isGiven = type === 5;
        return type === 5 || type === 6;
      });
      if (!isGiven) {
        addresses = undefined;
        continue;
      }
    }
    return { stage: stage.name, address, prefix, tftp: tftpServerOf(boots, stage), discovers };
  }
  const why = refused.size > 0 ? `, since of those offered ${[...refused].join(', ')}` : '';
  throw new BootFailure(`no address with boot files after ${stage.tries} DISCOVERs of its ${stage.name}${why}`);
}
