/** What a transfer is done with, and what is answered of the options asked for. */
export interface Negotiated {
  readonly blockSize: number;
  readonly windowSize: number;
  /** The client's retransmit interval in ms, an upper bound for ours; undefined when it named none. */
  readonly timeoutMs: number | undefined;
  /** Options to acknowledge, in the order asked; empty: no OACK, DATA 1 at once. */
  readonly acknowledged: ReadonlyMap<string, string>;
}

/** An Ethernet frame's. Where ours takes larger ones, the board's, or a switch between, may not. */
const ETHERNET_MTU = 1500;
/** 20 bytes of IPv4, 8 of UDP and 4 of TFTP, before a block. */
const HEADERS = 32;
const MAX_WINDOW = 64;

function integer(text: string, min: number, max: number): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

/**
 * Chooses from the options of a read request: blksize 8 to 65464 (RFC 2348), tsize (RFC 2349; answered with the file's size,
 * which Pi firmware relies on), timeout 1 to 255 s (RFC 2349), utimeout 10 ms to 255 s in µs (of tftpd-hpa), windowsize 1 to 65535 (RFC 7440). An option that is unknown
 * or has a bad value is left out of the answer, as RFC 2347 says, and the transfer goes on without it. A block fits in one IP packet of
 * `mtu` bytes, and of an Ethernet frame: larger ones would travel in fragments, which firmware does not put together.
 */
export function negotiate(options: ReadonlyMap<string, string>, size: number, mtu = ETHERNET_MTU): Negotiated {
  const acknowledged = new Map<string, string>();
  let [blockSize, windowSize, timeoutMs]: [number, number, number | undefined] = [512, 1, undefined];
  for (const [name, text] of options) {
    if (name === 'blksize') {
      const asked = integer(text, 8, 65_464);
      if (asked === undefined) continue;
      blockSize = Math.max(8, Math.min(asked, Math.min(mtu, ETHERNET_MTU) - HEADERS));
      acknowledged.set(name, String(blockSize));
    } else if (name === 'tsize') {
      if (integer(text, 0, Number.MAX_SAFE_INTEGER) !== undefined) acknowledged.set(name, String(size));
    } else if (name === 'timeout') {
      const asked = integer(text, 1, 255);
      if (asked === undefined) continue;
      timeoutMs = asked * 1000;
      acknowledged.set(name, text);
    } else if (name === 'utimeout') {
      const asked = integer(text, 10_000, 255_000_000);
      if (asked === undefined) continue;
      timeoutMs = asked / 1000;
      acknowledged.set(name, text);
    } else if (name === 'windowsize') {
      const asked = integer(text, 1, 65_535);
      if (asked === undefined) continue;
      windowSize = Math.min(asked, MAX_WINDOW);
      acknowledged.set(name, String(windowSize));
    }
  }
  return { blockSize, windowSize, timeoutMs, acknowledged };
}
