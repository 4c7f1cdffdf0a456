import type { OperationId } from '../core/ids.ts';
import type { Executor } from './open.ts';

/** One call of the API that was meant to change something. */
export interface AuditEntry {
  readonly seq: number;
  /** ms since the epoch. */
  readonly at: number;
  /** Whose token. */
  readonly actor: string;
  /** The address it came from. */
  readonly client: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Of the problem it was answered with. */
  readonly code: string | undefined;
  readonly operation: OperationId | undefined;
  readonly request: string;
}

/** Appends to the audit. */
export async function addAudit(ex: Executor, entry: Omit<AuditEntry, 'seq' | 'at'> & { now: number }): Promise<void> {
  const { now, code, operation, ...rest } = entry;
  await ex
    .insertInto('audit')
    .values({ ...rest, at: now, code: code ?? null, operation: operation ?? null })
    .execute();
}

/** At most `limit` entries, newest first, older than the one with number `before`. */
export async function listAudit(
  ex: Executor,
  page: { before: number | undefined; limit: number; actor?: string | undefined },
): Promise<AuditEntry[]> {
  let query = ex.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(page.limit);
  if (page.before !== undefined) query = query.where('seq', '<', page.before);
  if (page.actor !== undefined) query = query.where('actor', '=', page.actor);
  return (await query.execute()).map((row) => ({
    ...row,
    code: row.code ?? undefined,
    operation: (row.operation ?? undefined) as OperationId | undefined,
  }));
}
