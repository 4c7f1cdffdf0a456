import type { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';

/** A page, cut from one item more than it has. `place` says where an item stands in the order of the list. */
export function cutPage<T>(
  found: readonly T[],
  { limit, place }: { limit: number; place: (item: T) => readonly (string | number)[] },
): { items: readonly T[]; next?: string } {
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return last === undefined ? { items } : { items, next: writeCursor(place(last)) };
}

function writeCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/**
 * The place that a cursor of `cutPage` stands for, or undefined without one.
 * @throws BakeryError `bad-cursor` (invalid) when it has not the members of `shape`.
 */
export function readCursor<S extends z.ZodType>(text: string | undefined, shape: S): z.output<S> | undefined {
  if (text === undefined) return undefined;
  try {
    const parsed = shape.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
    if (parsed.success) return parsed.data;
  } catch {
    // Not JSON: the same as a wrong shape.
  }
  throw new BakeryError('invalid', 'bad-cursor', 'that cursor is none this call has given');
}
