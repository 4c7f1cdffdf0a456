import type { Selectable } from 'kysely';
import { BakeryError } from '../core/errors.ts';
import type { OperationId } from '../core/ids.ts';
import type { Executor } from './open.ts';
import type { Schema } from './schema.ts';

/** `running` does, `unwinding` undoes, `stuck` needs a person; `done` and `failed` (everything undone) are ends. */
export type OperationState = 'running' | 'unwinding' | 'stuck' | 'done' | 'failed';
/** What is written of a step: intent first, outcome after. */
export type StepEvent = 'started' | 'succeeded' | 'failed' | 'undo-started' | 'undone' | 'undo-failed';

/** One durable job. */
export interface OperationRecord {
  readonly id: OperationId;
  readonly kind: string;
  readonly version: number;
  readonly params: unknown;
  readonly state: OperationState;
  readonly error: OperationFault | undefined;
  readonly createdAt: number;
  readonly endedAt: number | undefined;
}

/** Why an operation failed, as kept in the journal; `detail` is for the operator only. */
export interface OperationFault {
  readonly kind: string;
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
}

/** One line of an operation's history. */
export interface EventRecord {
  readonly step: string;
  readonly event: StepEvent;
  readonly output: unknown;
}

/** An operation's hold on a thing. */
export interface Claim {
  /** `pi:<id>`, `disk:<id>`, `bakeform:<name>`, or `bakeform:<name>/reader:<operation>` for one of many readers. */
  readonly resource: string;
  readonly purpose: string;
}

function toOperation(row: Selectable<Schema['operations']>): OperationRecord {
  return {
    id: row.id as OperationId,
    kind: row.kind,
    version: row.version,
    params: JSON.parse(row.params),
    state: row.state as OperationState,
    error: row.error === null ? undefined : JSON.parse(row.error),
    createdAt: row.created_at,
    endedAt: row.ended_at ?? undefined,
  };
}

/** Adds an operation in state `running`. */
export async function addOperation(
  ex: Executor,
  operation: { id: OperationId; kind: string; version: number; params: unknown; now: number },
): Promise<void> {
  await ex
    .insertInto('operations')
    .values({
      id: operation.id,
      kind: operation.kind,
      version: operation.version,
      params: JSON.stringify(operation.params),
      state: 'running',
      created_at: operation.now,
    })
    .execute();
}

/** The operation with that id, or undefined. */
export async function findOperation(ex: Executor, id: OperationId): Promise<OperationRecord | undefined> {
  const row = await ex.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toOperation(row);
}

/** All operations that have not ended, oldest first. */
export async function listOpenOperations(ex: Executor): Promise<OperationRecord[]> {
  const rows = await ex
    .selectFrom('operations')
    .selectAll()
    .where('state', 'in', ['running', 'unwinding', 'stuck'])
    .orderBy('created_at')
    .execute();
  return rows.map(toOperation);
}

/** Changes an operation's state; returns false when it is not in one of the states `from`. */
export async function setOperationState(
  ex: Executor,
  id: OperationId,
  change: { from: readonly OperationState[]; to: OperationState; error?: OperationFault; now: number },
): Promise<boolean> {
  const ended = change.to === 'done' || change.to === 'failed';
  const result = await ex
    .updateTable('operations')
    .set({
      state: change.to,
      ...(change.error === undefined ? {} : { error: JSON.stringify(change.error) }),
      ended_at: ended ? change.now : null,
    })
    .where('id', '=', id)
    .where('state', 'in', [...change.from])
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Appends to an operation's history. Committed when it resolves. */
export async function addEvent(
  ex: Executor,
  event: { operation: OperationId; step: string; event: StepEvent; output?: unknown; now: number },
): Promise<void> {
  await ex
    .insertInto('operation_events')
    .values({
      operation: event.operation,
      step: event.step,
      event: event.event,
      output: event.output === undefined ? null : JSON.stringify(event.output),
      at: event.now,
    })
    .execute();
}

/** An operation's history, oldest first. */
export async function listEvents(ex: Executor, operation: OperationId): Promise<EventRecord[]> {
  const rows = await ex
    .selectFrom('operation_events')
    .select(['step', 'event', 'output'])
    .where('operation', '=', operation)
    .orderBy('seq')
    .execute();
  return rows.map((row) => ({
    step: row.step,
    event: row.event as StepEvent,
    output: row.output === null ? undefined : JSON.parse(row.output),
  }));
}

/** Who holds `resource`, or any reader of it. */
export async function findClaim(
  ex: Executor,
  resource: string,
): Promise<{ operation: OperationId; kind: string; purpose: string } | undefined> {
  const row = await ex
    .selectFrom('claims')
    .innerJoin('operations', 'operations.id', 'claims.operation')
    .select(['claims.operation', 'operations.kind', 'claims.purpose'])
    .where((eb) =>
      eb.or([
        eb('claims.resource', '=', resource),
        // Every reader's claim starts with `<resource>/`; '0' is the character after '/'.
        eb.and([eb('claims.resource', '>', `${resource}/`), eb('claims.resource', '<', `${resource}0`)]),
      ]),
    )
    .executeTakeFirst();
  return row && { operation: row.operation as OperationId, kind: row.kind, purpose: row.purpose };
}

/**
 * Takes a claim for an operation.
 * @throws BakeryError `busy` (conflict), told with the holder, when it is taken.
 */
export async function takeClaim(ex: Executor, operation: OperationId, claim: Claim): Promise<void> {
  const exclusive = claim.resource.split('/')[0] ?? claim.resource;
  const holder = claim.resource === exclusive ? await findClaim(ex, exclusive) : await findExclusive(ex, exclusive);
  if (holder && holder.operation !== operation) {
    const thing = exclusive.replace(':', ' ');
    throw new BakeryError('conflict', 'busy', `${thing} is busy: ${holder.kind} (operation ${holder.operation})`);
  }
  await ex
    .insertInto('claims')
    .values({ resource: claim.resource, operation, purpose: claim.purpose })
    .onConflict((c) => c.doNothing())
    .execute();
}

async function findExclusive(ex: Executor, resource: string) {
  const row = await ex
    .selectFrom('claims')
    .innerJoin('operations', 'operations.id', 'claims.operation')
    .select(['claims.operation', 'operations.kind'])
    .where('claims.resource', '=', resource)
    .executeTakeFirst();
  return row && { operation: row.operation as OperationId, kind: row.kind };
}

/** Gives back every claim of an operation. */
export async function releaseClaims(ex: Executor, operation: OperationId): Promise<void> {
  await ex.deleteFrom('claims').where('operation', '=', operation).execute();
}
