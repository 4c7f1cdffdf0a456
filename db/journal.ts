import type { Selectable } from 'kysely';
import { BakeryError } from '../core/errors.ts';
import type { BakeformName, DiskId, OperationId, PiId } from '../core/ids.ts';
import { addFeedEvent } from './events.ts';
import { atomically, type Executor } from './open.ts';
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
  /** Members `secrets` are there until it ends; it is never shown nor logged. */
  readonly params: unknown;
  readonly state: OperationState;
  readonly error: OperationFault | undefined;
  readonly createdAt: number;
  readonly endedAt: number | undefined;
  /** The first Pi, disk and bakeform that it claimed. */
  readonly pi: PiId | undefined;
  readonly disk: DiskId | undefined;
  readonly bakeform: BakeformName | undefined;
  /** Who asked for it; undefined when the server did by itself. */
  readonly by: Requester | undefined;
}

/** Whose token it was, and which request. */
export interface Requester {
  readonly actor: string;
  readonly request: string;
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
  readonly seq: number;
  /** ms since the epoch. */
  readonly at: number;
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
    pi: (row.pi ?? undefined) as PiId | undefined,
    disk: (row.disk ?? undefined) as DiskId | undefined,
    bakeform: (row.bakeform ?? undefined) as BakeformName | undefined,
    by: row.actor === null ? undefined : { actor: row.actor, request: row.request ?? '' },
  };
}

/** What of a thing's kind the claims name first. */
function firstOf(claims: readonly Claim[], kind: 'pi' | 'disk' | 'bakeform'): string | null {
  const claim = claims.find(({ resource }) => resource.startsWith(`${kind}:`));
  return claim?.resource.slice(kind.length + 1).split('/')[0] ?? null;
}

/** Adds an operation in state `running`, and tells that it began. */
export async function addOperation(
  ex: Executor,
  operation: {
    id: OperationId;
    kind: string;
    version: number;
    params: unknown;
    claims: readonly Claim[];
    by: Requester | undefined;
    now: number;
  },
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
      pi: firstOf(operation.claims, 'pi'),
      disk: firstOf(operation.claims, 'disk'),
      bakeform: firstOf(operation.claims, 'bakeform'),
      actor: operation.by?.actor ?? null,
      request: operation.by?.request ?? null,
    })
    .execute();
  await tellState(ex, operation.id, 'started', operation.now);
}

async function tellState(ex: Executor, id: OperationId, what: string, now: number): Promise<void> {
  const operation = await findOperation(ex, id);
  if (!operation) return;
  const { kind, pi, disk, bakeform, error, by } = operation;
  const fault =
    error && ['failed', 'stuck', 'unwinding'].includes(what) ? { code: error.code, message: error.message } : undefined;
  const data = { kind, ...(fault ? { error: fault } : {}), ...(by ? { actor: by.actor } : {}) };
  await addFeedEvent(ex, { type: `operation.${what}`, operation: id, pi, disk, bakeform, data }, now);
}

/** The operation with that id, or undefined. */
export async function findOperation(ex: Executor, id: OperationId): Promise<OperationRecord | undefined> {
  const row = await ex.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toOperation(row);
}

/** Which operations are wanted. */
export interface OperationFilter {
  readonly state?: OperationState | undefined;
  readonly kind?: string | undefined;
  readonly pi?: string | undefined;
  readonly disk?: string | undefined;
  readonly bakeform?: string | undefined;
}

/** At most `limit` operations, newest first, that are older than the one `before`. */
export async function listOperations(
  ex: Executor,
  page: { filter: OperationFilter; before: { createdAt: number; id: string } | undefined; limit: number },
): Promise<OperationRecord[]> {
  let query = ex.selectFrom('operations').selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc');
  for (const column of ['state', 'kind', 'pi', 'disk', 'bakeform'] as const) {
    const wanted = page.filter[column];
    if (wanted !== undefined) query = query.where(column, '=', wanted);
  }
  const { before } = page;
  if (before) {
    query = query.where((eb) =>
      eb.or([
        eb('created_at', '<', before.createdAt),
        eb.and([eb('created_at', '=', before.createdAt), eb('id', '<', before.id)]),
      ]),
    );
  }
  return (await query.limit(page.limit).execute()).map(toOperation);
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

/** The params without what nobody may read once it was used: members `secrets`, at any depth. */
export function withoutSecrets(params: unknown): unknown {
  const text = JSON.stringify(params, (name, value) => (name === 'secrets' ? undefined : value));
  return text === undefined ? params : JSON.parse(text);
}

/** What the params are to be when their operation ends; undefined when they stay. */
async function paramsWithoutSecrets(ex: Executor, id: OperationId): Promise<string | undefined> {
  const params = (await findOperation(ex, id))?.params;
  const kept = JSON.stringify(withoutSecrets(params));
  return kept === JSON.stringify(params) ? undefined : kept;
}

/** Changes an operation's state, and tells it; secrets among its params end with it. Returns false when it is not in one of the states `from`. */
export async function setOperationState(
  ex: Executor,
  id: OperationId,
  change: { from: readonly OperationState[]; to: OperationState; error?: OperationFault; now: number },
): Promise<boolean> {
  const ended = change.to === 'done' || change.to === 'failed';
  return atomically(ex, async (trx) => {
    const kept = ended ? await paramsWithoutSecrets(trx, id) : undefined;
    const result = await trx
      .updateTable('operations')
      .set({
        state: change.to,
        ...(kept === undefined ? {} : { params: kept }),
        ...(change.error === undefined ? {} : { error: JSON.stringify(change.error) }),
        ended_at: ended ? change.now : null,
      })
      .where('id', '=', id)
      .where('state', 'in', [...change.from])
      .executeTakeFirst();
    if (result.numUpdatedRows !== 1n) return false;
    await tellState(trx, id, change.to === 'running' ? 'retried' : change.to, change.now);
    return true;
  });
}

/** Appends to an operation's history, and tells it. Committed when it resolves. */
export async function addEvent(
  ex: Executor,
  event: { operation: OperationId; step: string; event: StepEvent; output?: unknown; now: number },
): Promise<void> {
  await atomically(ex, async (trx) => {
    await trx
      .insertInto('operation_events')
      .values({
        operation: event.operation,
        step: event.step,
        event: event.event,
        output: event.output === undefined ? null : JSON.stringify(event.output),
        at: event.now,
      })
      .execute();
    const data = { step: event.step, event: event.event };
    await addFeedEvent(trx, { type: 'operation.step', operation: event.operation, data }, event.now);
  });
}

/** An operation's history, oldest first. */
export async function listEvents(ex: Executor, operation: OperationId): Promise<EventRecord[]> {
  const rows = await ex
    .selectFrom('operation_events')
    .select(['seq', 'at', 'step', 'event', 'output'])
    .where('operation', '=', operation)
    .orderBy('seq')
    .execute();
  return rows.map((row) => ({
    seq: row.seq,
    at: row.at,
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

/** Which operation holds each Pi that is held by one. */
export async function listPiHolders(ex: Executor): Promise<ReadonlyMap<PiId, { id: OperationId; kind: string }>> {
  const rows = await ex
    .selectFrom('claims')
    .innerJoin('operations', 'operations.id', 'claims.operation')
    .select(['claims.resource', 'operations.id', 'operations.kind'])
    .where('claims.resource', '>', 'pi:')
    .where('claims.resource', '<', 'pi;')
    .execute();
  return new Map(
    rows.map((row) => [row.resource.slice('pi:'.length) as PiId, { id: row.id as OperationId, kind: row.kind }]),
  );
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

/** Everything an operation holds. */
export async function listClaims(ex: Executor, operation: OperationId): Promise<Claim[]> {
  return ex.selectFrom('claims').select(['resource', 'purpose']).where('operation', '=', operation).execute();
}

/** Gives back every claim of an operation. */
export async function releaseClaims(ex: Executor, operation: OperationId): Promise<void> {
  await ex.deleteFrom('claims').where('operation', '=', operation).execute();
}
