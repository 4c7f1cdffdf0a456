import type { FastifyRequest } from 'fastify';
import type { BulkItem } from '../../db/bulk.ts';
import {
  type Claim,
  type EventRecord,
  findOperation,
  listEvents,
  type OperationRecord,
  type StepEvent,
} from '../../db/journal.ts';
import type { Db } from '../../db/open.ts';
import type { Engine, Started } from '../operations/engine.ts';
import type { OperationDetail, OperationInfo } from '../schema/operation.ts';

const STATE_OF: { readonly [E in StepEvent]: OperationInfo['steps'][number]['state'] } = {
  started: 'running',
  succeeded: 'done',
  failed: 'failed',
  'undo-started': 'undoing',
  undone: 'undone',
  'undo-failed': 'undo-failed',
};

/** RFC 3339, in UTC. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The steps of an operation and where each stands, from its history. Steps that the history has and the kind has not come last. */
export function stepViews(names: readonly string[], events: readonly EventRecord[]): OperationInfo['steps'] {
  const all = [...new Set([...names, ...events.map((event) => event.step)])];
  return all.map((name) => {
    const own = events.filter((event) => event.step === name);
    const [first, last] = [own[0], own.at(-1)];
    if (!first || !last) return { name, state: 'waiting' };
    const over = last.event !== 'started' && last.event !== 'undo-started';
    return { name, state: STATE_OF[last.event], startedAt: iso(first.at), ...(over ? { endedAt: iso(last.at) } : {}) };
  });
}

/** A fault without what is for the operator's eyes only. */
function publicFault(fault: { code: string; message: string }): { code: string; message: string } {
  return { code: fault.code, message: fault.message };
}

/** An operation as the API shows it. */
export function operationInfo(
  operation: OperationRecord,
  events: readonly EventRecord[],
  engine: Pick<Engine, 'progress' | 'stepsOf'>,
): OperationInfo {
  const { pi, disk, bakeform, by, error, endedAt } = operation;
  const steps = stepViews(engine.stepsOf(operation.kind), events);
  const running = steps.find((step) => step.state === 'running');
  const progress = running && engine.progress(operation.id);
  return {
    id: operation.id,
    kind: operation.kind,
    state: operation.state,
    createdAt: iso(operation.createdAt),
    ...(endedAt === undefined ? {} : { endedAt: iso(endedAt) }),
    ...(pi ? { pi } : {}),
    ...(disk ? { disk } : {}),
    ...(bakeform ? { bakeform } : {}),
    ...(by ? { actor: by.actor } : {}),
    ...(error ? { error: publicFault(error) } : {}),
    steps,
    ...(running && progress ? { progress: { step: running.name, ...progress } } : {}),
  };
}

/** The operation that a request has just begun. */
export async function admittedOperation(
  { db, engine }: { db: Db; engine: Engine },
  request: FastifyRequest,
  { id }: Pick<Started, 'id'>,
): Promise<OperationInfo> {
  request.operation = id;
  const operation = await findOperation(db, id);
  if (!operation) throw new Error('an operation was admitted without a row');
  return operationInfo(operation, await listEvents(db, id), engine);
}

/** An operation with its history, and what became of each Pi of a bulk. */
export function operationDetail(
  operation: OperationRecord,
  { events, claims, items }: { events: readonly EventRecord[]; claims: readonly Claim[]; items: readonly BulkItem[] },
  engine: Pick<Engine, 'progress' | 'stepsOf'>,
): OperationDetail {
  return {
    ...operationInfo(operation, events, engine),
    ...(items.length === 0
      ? {}
      : {
          results: items.map(({ pi, state, operation: own, isBegun, error: fault }) => ({
            pi,
            state,
            ...(isBegun ? { operation: own } : {}),
            ...(fault ? { error: fault } : {}),
          })),
        }),
    holds: claims.map(({ resource, purpose }) => ({ resource, purpose })),
    events: events.map(({ at, step, event, output }) => {
      const failed = event === 'failed' || event === 'undo-failed';
      const fault = failed ? publicFault(output as { code: string; message: string }) : undefined;
      return { at: iso(at), step, event, ...(fault ? { error: fault } : {}) };
    }),
  };
}
