import type { Negotiated } from './options.ts';

/** How long a client takes to acknowledge, in ms, as RFC 6298 §2 estimates it. */
export interface RoundTrip {
  readonly smoothed: number;
  readonly variation: number;
}

/**
 * Pi firmware, which asks for neither a window nor a timeout, gets no block again before this, however fast it was: a duplicated
 * DATA once hung start4.elf (firmware issue 1631).
 */
const FIRMWARE_MS = 1_000;
/** Everybody else until there is an estimate, and at least. */
const FIRST_MS = 300;
const LEAST_MS = 100;
const MOST_MS = 8_000;

/** The estimate after one more measurement (RFC 6298 §2.2 and 2.3). */
export function measured(before: RoundTrip | undefined, ms: number): RoundTrip {
  if (!before) return { smoothed: ms, variation: ms / 2 };
  return {
    variation: 0.75 * before.variation + 0.25 * Math.abs(before.smoothed - ms),
    smoothed: 0.875 * before.smoothed + 0.125 * ms,
  };
}

/**
 * After how many ms without an acknowledgement blocks are sent again: the estimate, at most the timeout that the client named (RFC
 * 2349; who says 6 s would else wait that long for each lost packet), doubled `backoff` times. That goes beyond the client's timeout in
 * the end: atftp acknowledges a repeated block only once, and then again only after so long a silence.
 */
export function retryMs(
  { windowSize, timeoutMs }: Pick<Negotiated, 'windowSize' | 'timeoutMs'>,
  roundTrip: RoundTrip | undefined,
  backoff: number,
): number {
  const mayBeFirmware = windowSize === 1 && timeoutMs === undefined;
  const estimate = roundTrip ? roundTrip.smoothed + 4 * roundTrip.variation : FIRST_MS;
  const first = Math.max(estimate, mayBeFirmware ? FIRMWARE_MS : LEAST_MS);
  return Math.min(Math.min(first, timeoutMs ?? MOST_MS) * 2 ** backoff, MOST_MS);
}
