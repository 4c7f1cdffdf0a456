import type { OperationId, PiId } from '../core/ids.ts';
import type { OperationFault } from './journal.ts';
import type { Executor } from './open.ts';

/**
 * Where one Pi of a bulk stands. `skipped`: it was not begun when the bulk was stopped. `stuck`: its operation waits for a person.
 */
export const BULK_ITEM_STATES = ['waiting', 'running', 'done', 'failed', 'stuck', 'skipped'] as const;
export type BulkItemState = (typeof BULK_ITEM_STATES)[number];

/** One Pi of a bulk, and the operation that is or will be its own. */
export interface BulkItem {
  readonly position: number;
  readonly pi: PiId;
  readonly operation: OperationId;
  readonly state: BulkItemState;
  /** Its operation was admitted (and is not so old that it was pruned). */
  readonly isBegun: boolean;
  readonly error: Pick<OperationFault, 'code' | 'message'> | undefined;
}

/** Adds the items of a bulk, waiting, in their order. */
export async function addBulkItems(
  ex: Executor,
  bulk: OperationId,
  items: readonly Pick<BulkItem, 'pi' | 'operation'>[],
): Promise<void> {
  const rows = items.map(({ pi, operation }, position) => ({ bulk, position, pi, operation, state: 'waiting' }));
  await ex.insertInto('bulk_items').values(rows).execute();
}

/** The items of a bulk, in their order. */
export async function listBulkItems(ex: Executor, bulk: OperationId): Promise<BulkItem[]> {
  const rows = await ex
    .selectFrom('bulk_items')
    .leftJoin('operations', 'operations.id', 'bulk_items.operation')
    .selectAll('bulk_items')
    .select('operations.id as begun')
    .where('bulk', '=', bulk)
    .orderBy('position')
    .execute();
  return rows.map((row) => ({
    position: row.position,
    pi: row.pi as PiId,
    operation: row.operation as OperationId,
    state: row.state as BulkItemState,
    isBegun: row.begun !== null,
    error: row.error === null ? undefined : JSON.parse(row.error),
  }));
}

/** Moves an item on; returns false when it is not in the state `from`. */
export async function moveBulkItem(
  ex: Executor,
  item: { bulk: OperationId; position: number },
  change: { from: BulkItemState; to: BulkItemState; error?: OperationFault | undefined },
): Promise<boolean> {
  const { code, message } = change.error ?? {};
  const result = await ex
    .updateTable('bulk_items')
    .set({ state: change.to, error: change.error ? JSON.stringify({ code, message }) : null })
    .where('bulk', '=', item.bulk)
    .where('position', '=', item.position)
    .where('state', '=', change.from)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Skips every item that still waits. */
export async function skipBulkItems(ex: Executor, bulk: OperationId): Promise<void> {
  await ex
    .updateTable('bulk_items')
    .set({ state: 'skipped' })
    .where('bulk', '=', bulk)
    .where('state', '=', 'waiting')
    .execute();
}
