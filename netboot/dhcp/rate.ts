import type { Mac } from '../../core/ids.ts';

/** How many packets are heeded per span of time: of one MAC, and of how many MACs. */
const SPAN_MS = 10_000;
const PER_MAC = 8;
const MACS = 1_024;

/**
 * Bounds what one sender, or many made-up ones, can make the rest of the server do: true for a packet that is heeded. A Pi
 * sends four in a boot.
 */
export function createRateBound(monotonic: () => number): (mac: Mac) => boolean {
  const heeded = new Map<Mac, number>();
  let since = monotonic();
  return (mac) => {
    if (monotonic() - since >= SPAN_MS) {
      heeded.clear();
      since = monotonic();
    }
    const count = heeded.get(mac) ?? 0;
    if (count >= PER_MAC || (count === 0 && heeded.size >= MACS)) return false;
    heeded.set(mac, count + 1);
    return true;
  };
}
