import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { isWanted, tellEvent } from '../../core/feed.ts';
import type { Clock } from '../../core/host/clock.ts';
import { type EventOfFeed, type FeedPage, readFeed } from '../../db/events.ts';
import type { FeedWatch } from '../../db/feed-watch.ts';
import type { Executor } from '../../db/open.ts';

/** Proxies and address translation drop connections that are silent for 30 to 60 s. */
const HEARTBEAT_MS = 15_000;
/** Who takes nothing for so long is gone, or had better come back with its Last-Event-ID. */
const STALLED_MS = 60_000;
/** Events read and written in one go: what is buffered here for a reader that does not read. */
const PAGE = 100;

/** Where a stream comes from and how far it goes. */
export interface EventStream {
  readonly db: Executor;
  readonly watch: FeedWatch;
  readonly clock: Clock;
  /** Number of the last event the reader has. */
  readonly after: number;
  /** Filters of types; none for all. */
  readonly types: readonly string[];
  /** False once the reader may not know more. */
  isWelcome(): Promise<boolean>;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** An event as a server-sent one. JSON has no line breaks of its own. */
export function formatEvent(event: EventOfFeed): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(tellEvent(event))}\n\n`;
}

/** Tells that events are missing. Who comes back with its id goes on behind the gap. */
export function formatGap(gap: NonNullable<FeedPage['gap']>): string {
  return `id: ${gap.from - 1}\nevent: gap\ndata: ${JSON.stringify(gap)}\n\n`;
}

/** A comment, and how far the feed was read: an id without data is remembered by a reader and told to nobody. */
export function formatHeartbeat(seq: number): string {
  return `:\nid: ${seq}\n\n`;
}

/** Writes, and waits until the reader has taken it. False when the stream is over. */
async function write(sink: Writable, text: string, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted || sink.destroyed) return false;
  if (sink.write(text)) return true;
  const ended = AbortSignal.any([signal, AbortSignal.timeout(STALLED_MS)]);
  return once(sink, 'drain', { signal: ended }).then(
    () => true,
    () => false,
  );
}

/**
 * Writes the feed to `sink` as server-sent events (HTML Living Standard, 9.2) until the signal aborts or the reader is
 * gone. The next page is read only when the last one was taken: a reader that does not read costs one page.
 */
export async function streamEvents(sink: Writable, stream: EventStream): Promise<void> {
  const { db, watch, clock, types, signal } = stream;
  let cursor = stream.after;
  let silentSince = clock.monotonic();
  // The first bytes tell that it is open, and where: who loses it before the first event misses nothing.
  let isOpen = await write(sink, formatHeartbeat(cursor), signal);
  while (isOpen) {
    const page = await readFeed(db, { after: cursor, limit: PAGE });
    // After the page was read: who is revoked is told nothing of what came after that, and the revocation ends his waiting.
    if (!(await stream.isWelcome())) return;
    const wanted = page.events.filter((event) => isWanted(types, event.type));
    const text = `${page.gap ? formatGap(page.gap) : ''}${wanted.map(formatEvent).join('')}`;
    cursor = page.next;
    const rest = silentSince + HEARTBEAT_MS - clock.monotonic();
    if (text !== '' || rest <= 0) {
      isOpen = await write(sink, text || formatHeartbeat(cursor), signal);
      silentSince = clock.monotonic();
    } else if (page.events.length === 0) {
      await watch.after(cursor, { ms: rest, signal });
      isOpen = !signal.aborted;
    }
  }
}
