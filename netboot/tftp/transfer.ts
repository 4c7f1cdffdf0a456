import type { Negotiated } from './options.ts';
import { measured, type RoundTrip, retryMs } from './retry.ts';

/**
 * A read transfer as a pure state machine. Blocks are counted from 1 without wrapping; the wire has them modulo 65536.
 * The OACK counts as block 0.
 */
export interface TransferState {
  readonly negotiated: Negotiated;
  readonly size: number;
  /** Number of the last block, which is shorter than the others, maybe empty. */
  readonly lastBlock: number;
  /** All up to this block is acknowledged; -1 while the OACK is not. */
  readonly acknowledged: number;
  /** The highest block sent. */
  readonly sent: number;
  /** How often the window was sent again without progress. */
  readonly tries: number;
  /** How often the time until that is doubled: until a block that was sent once is acknowledged (Karn, RFC 6298 §5). */
  readonly backoff: number;
  readonly roundTrip: RoundTrip | undefined;
  /** The block whose acknowledgement is timed, sent once; undefined: none. */
  readonly timed: { readonly block: number; readonly at: number } | undefined;
  /**
   * The highest block sent more than once; -1: none. A client may acknowledge each copy, so an ACK up to here may be the
   * echo of a copy and reports no gap. To go back for it would double that window too, and every one after it.
   */
  readonly resentTo: number;
  /** When the transfer's last progress was, in ms. */
  readonly progressAt: number;
}

/** What happens to a transfer. */
export type TransferEvent =
  | { readonly kind: 'ack'; readonly block: number; readonly now: number }
  | { readonly kind: 'error'; readonly code: number }
  | { readonly kind: 'timeout'; readonly now: number };

/** What to do after an event. */
export interface TransferStep {
  readonly state: TransferState;
  /** Blocks to send, both included; block 0 is the OACK. Empty: nothing. */
  readonly send: { readonly from: number; readonly to: number } | undefined;
  /** In how many ms the next `timeout` is due; undefined leaves the timer as it is. */
  readonly timerMs: number | undefined;
  readonly end: 'sent' | 'aborted' | 'timed-out' | undefined;
}

const MAX_TRIES = 8;
/** TFTP_FILE_TIMEOUT of the firmware: no Pi waits longer. */
const GIVE_UP_MS = 30_000;
/** A client that asks anew after so long a silence has begun anew: no live one does while blocks come. */
const ABANDONED_MS = 1_500;

function timer({ negotiated, roundTrip, backoff }: TransferState): number {
  return retryMs(negotiated, roundTrip, backoff);
}

function fill(state: TransferState, from: number, now: number): TransferStep {
  const to = Math.min(state.lastBlock, Math.max(0, state.acknowledged) + state.negotiated.windowSize);
  const timed = state.timed ?? (from <= to && to > state.resentTo ? { block: to, at: now } : undefined);
  const next = { ...state, sent: to, timed };
  return { state: next, send: from <= to ? { from, to } : undefined, timerMs: timer(next), end: undefined };
}

function goBack(state: TransferState, acknowledged: number, now: number): TransferStep {
  const resentTo = Math.max(state.resentTo, state.sent);
  return fill({ ...state, resentTo, timed: undefined }, acknowledged + 1, now);
}

/** The state after an ACK of all up to `block`, with what it tells of the client's pace. */
function progressed(state: TransferState, block: number, now: number): TransferState {
  const next = { ...state, acknowledged: block, tries: 0, progressAt: now };
  const { timed } = state;
  if (!timed || block < timed.block) return next;
  return { ...next, timed: undefined, backoff: 0, roundTrip: measured(state.roundTrip, now - timed.at) };
}

/** Begins a transfer of `size` bytes: the OACK where an option was accepted, else the first window. */
export function beginTransfer(negotiated: Negotiated, size: number, now: number): TransferStep {
  const lastBlock = Math.floor(size / negotiated.blockSize) + 1;
  const base = {
    negotiated,
    size,
    lastBlock,
    tries: 0,
    backoff: 0,
    roundTrip: undefined,
    resentTo: -1,
    progressAt: now,
  };
  if (negotiated.acknowledged.size > 0) {
    const state: TransferState = { ...base, acknowledged: -1, sent: 0, timed: { block: 0, at: now } };
    return { state, send: { from: 0, to: 0 }, timerMs: timer(state), end: undefined };
  }
  return fill({ ...base, acknowledged: 0, sent: 0, timed: undefined }, 1, now);
}

/** The unwrapped number of a block on the wire, within the window that is under way; undefined for any other. */
function unwrap(state: TransferState, wire: number): number | undefined {
  const base = Math.max(0, state.acknowledged);
  const ahead = (wire - (base % 65_536) + 65_536) % 65_536;
  return base + ahead <= state.sent ? base + ahead : undefined;
}

/** Advances a transfer by one event. */
export function advanceTransfer(state: TransferState, event: TransferEvent): TransferStep {
  const quiet: TransferStep = { state, send: undefined, timerMs: undefined, end: undefined };
  switch (event.kind) {
    case 'error':
      // Firmware ends its existence probes with ERROR 0: not a failure, whatever the code.
      return { ...quiet, end: 'aborted' };
    case 'timeout': {
      if (state.tries >= MAX_TRIES || event.now - state.progressAt >= GIVE_UP_MS) return { ...quiet, end: 'timed-out' };
      const again = { ...state, tries: state.tries + 1, backoff: state.backoff + 1 };
      if (state.acknowledged >= 0) return goBack(again, state.acknowledged, event.now);
      const next = { ...again, resentTo: 0, timed: undefined };
      return { state: next, send: { from: 0, to: 0 }, timerMs: timer(next), end: undefined };
    }
    case 'ack': {
      const block = unwrap(state, event.block);
      if (block === undefined) return quiet;
      if (block > state.acknowledged) {
        const progress = progressed(state, block, event.now);
        if (block >= state.lastBlock) return { ...quiet, state: progress, end: 'sent' };
        // A partial ACK of a window says that what follows was lost (RFC 7440 §4): go back to it. Where it may be an echo,
        // go on, and leave a loss to the timer.
        if (block < state.sent && block > state.resentTo) return goBack(progress, block, event.now);
        return fill(progress, state.sent + 1, event.now);
      }
      // A duplicate. In lock step only the timer sends again (no Sorcerer's Apprentice); in a window it reports a gap, too.
      if (state.negotiated.windowSize === 1 || block <= state.resentTo) return quiet;
      return goBack(state, block, event.now);
    }
  }
}

/**
 * True when a new request from the same address and port means that the client began anew: a Pi counts its ports from 49152 at
 * each power-on (netboot-facts §2.1), so one cut off in the middle of a file comes back to the port of its old transfer.
 */
export function isAbandoned(state: TransferState, now: number): boolean {
  const firstBlock = state.negotiated.acknowledged.size > 0 ? 0 : 1;
  return state.acknowledged >= firstBlock && now - state.progressAt >= ABANDONED_MS;
}

/** The bytes of a block in the file, `end` not included. */
export function blockRange(
  state: Pick<TransferState, 'negotiated' | 'size'>,
  block: number,
): { start: number; end: number } {
  const { blockSize } = state.negotiated;
  const start = (block - 1) * blockSize;
  return { start, end: Math.min(start + blockSize, state.size) };
}
