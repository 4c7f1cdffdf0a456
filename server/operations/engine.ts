import { BakeryError, describeError, type ErrorKind } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import { mintOperationId, type OperationId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import {
  addEvent,
  addOperation,
  type EventRecord,
  findOperation,
  listEvents,
  listOpenOperations,
  type OperationFault,
  type OperationRecord,
  releaseClaims,
  setOperationState,
  takeClaim,
} from '../../db/journal.ts';
import type { Db, Executor } from '../../db/open.ts';
import type { OperationKind, Step, StepContext } from './kind.ts';

/** An operation that was admitted. */
export interface Started {
  readonly id: OperationId;
  /** Resolves when it is done; rejects with its fault when it failed (everything undone) or got stuck. */
  readonly done: Promise<void>;
}

/** Runs durable operations through the journal (design §4). */
export interface Engine {
  /**
   * Admits an operation in one transaction (row, claims, transitions) and runs it. `before` runs first in that
   * transaction and gives the params: so "pick a free Pi and claim it" is one step for everybody else.
   */
  start<P>(kind: string, params: P | ((trx: Executor) => Promise<P>), attachment?: unknown): Promise<Started>;
  /** Asks a running operation to stop and undo itself; durable when it resolves. False when it is past that. */
  cancel(id: OperationId): Promise<boolean>;
  /** Sets a stuck operation going again, from where it stands. */
  retry(id: OperationId): Promise<Started>;
  /** After a start: continues or unwinds what a crash interrupted. Resolves when each has ended or got stuck. */
  recover(): Promise<void>;
  /** No new operations; resolves when the running ones have ended, or after `ms`. */
  drain(ms: number): Promise<void>;
}

interface Live {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

const FORWARD_RETRY_MS = [500, 2_000];

function toFault(error: unknown): OperationFault {
  if (error instanceof BakeryError) {
    return { kind: error.kind, code: error.code, message: error.message, detail: error.detail };
  }
  return { kind: 'internal', code: 'internal', message: 'an internal error occurred', detail: describeError(error) };
}

function fromFault(fault: OperationFault | undefined): BakeryError {
  const { kind = 'internal', code = 'internal', message = 'the operation failed', detail } = fault ?? {};
  return new BakeryError(kind as ErrorKind, code, message, detail === undefined ? {} : { detail });
}

/** What the history says of a step: `succeeded` with its output, `started` (it may have acted), or `undone`. */
export function stepStates(events: readonly EventRecord[]): Map<string, { started: boolean; output?: unknown }> {
  const states = new Map<string, { started: boolean; output?: unknown }>();
  for (const event of events) {
    if (event.event === 'started') states.set(event.step, { started: true });
    if (event.event === 'succeeded') states.set(event.step, { started: true, output: event.output ?? null });
    if (event.event === 'undone') states.delete(event.step);
  }
  return states;
}

/** Builds the engine over the given kinds. */
export function createEngine(options: {
  db: Db;
  // Params are opaque to the engine; each kind parses its own back from the journal.
  kinds: readonly OperationKind<never>[];
  clock: Clock;
  log: Log;
}): Engine {
  const { db, clock, log } = options;
  const kinds = new Map(options.kinds.map((kind) => [kind.kind, kind as unknown as OperationKind<unknown>]));
  const live = new Map<OperationId, Live>();
  let draining = false;

  const kindOf = (name: string): OperationKind<unknown> => {
    const kind = kinds.get(name);
    if (!kind) throw new BakeryError('internal', 'operation-kind-unknown', `there is no operation ${name}`);
    return kind;
  };

  async function contextOf(
    kind: OperationKind<unknown>,
    operation: OperationRecord,
    signal: AbortSignal,
    attachment: unknown,
  ): Promise<StepContext<unknown>> {
    const outputs: Record<string, unknown> = {};
    for (const [step, state] of stepStates(await listEvents(db, operation.id))) {
      if (state.output !== undefined) outputs[step] = state.output;
    }
    return { operation: operation.id, params: kind.parse(operation.params), outputs, signal, attachment };
  }

  async function withTimeout<T>(
    step: Step<unknown>,
    context: StepContext<unknown>,
    run: (c: StepContext<unknown>) => Promise<T>,
  ) {
    const timeout = AbortSignal.timeout(step.timeoutMs);
    const signal = AbortSignal.any([context.signal, timeout]);
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => {
      // The step gets a moment to end by the signal itself, so that its effects are over when it is undone.
      setTimeout(() => aborted.reject(signal.reason), 5_000).unref();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([run({ ...context, signal }), aborted.promise]);
    } catch (error) {
      if (timeout.aborted) {
        throw new BakeryError('timeout', 'step-timeout', `the step ${step.name} took too long`, {
          detail: describeError(error),
          cause: error,
        });
      }
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async function doSteps(kind: OperationKind<unknown>, operation: OperationRecord, context: StepContext<unknown>) {
    const outputs = context.outputs as Record<string, unknown>;
    for (const step of kind.steps) {
      if (step.name in outputs) continue;
      context.signal.throwIfAborted();
      await addEvent(db, { operation: operation.id, step: step.name, event: 'started', now: clock.now() });
      for (let tries = 0; ; tries++) {
        try {
          const output = (await withTimeout(step, context, (c) => step.do(c))) ?? null;
          await addEvent(db, {
            operation: operation.id,
            step: step.name,
            event: 'succeeded',
            output,
            now: clock.now(),
          });
          outputs[step.name] = output;
          break;
        } catch (error) {
          await addEvent(db, {
            operation: operation.id,
            step: step.name,
            event: 'failed',
            output: toFault(error),
            now: clock.now(),
          });
          const delay = FORWARD_RETRY_MS[tries];
          if (kind.afterCrash !== 'forward' || delay === undefined) throw error;
          await clock.sleep(delay);
        }
      }
    }
  }

  async function commit(kind: OperationKind<unknown>, operation: OperationRecord, context: StepContext<unknown>) {
    await db.transaction().execute(async (trx) => {
      const ended = await setOperationState(trx, operation.id, { from: ['running'], to: 'done', now: clock.now() });
      // A cancel that came first has won: what was done is undone.
      if (!ended) throw new BakeryError('conflict', 'cancelled', 'the operation was cancelled');
      await kind.commit(trx, context);
      await releaseClaims(trx, operation.id);
    });
  }

  async function getStuck(
    kind: OperationKind<unknown>,
    operation: OperationRecord,
    context: StepContext<unknown>,
    error: unknown,
  ) {
    const fault = toFault(error);
    log.error({ operation: operation.id, kind: kind.kind, fault }, 'an operation is stuck and needs a person');
    await db.transaction().execute(async (trx) => {
      await setOperationState(trx, operation.id, {
        from: ['running', 'unwinding'],
        to: 'stuck',
        error: fault,
        now: clock.now(),
      });
      await kind.stuck?.(trx, context);
    });
  }

  async function unwind(kind: OperationKind<unknown>, operation: OperationRecord, context: StepContext<unknown>) {
    const states = stepStates(await listEvents(db, operation.id));
    const quiet: StepContext<unknown> = { ...context, signal: new AbortController().signal };
    for (const step of kind.steps.toReversed()) {
      if (!states.has(step.name)) continue;
      await addEvent(db, { operation: operation.id, step: step.name, event: 'undo-started', now: clock.now() });
      try {
        if (step.undo) await withTimeout(step, quiet, (c) => step.undo?.(c) ?? Promise.resolve());
      } catch (error) {
        await addEvent(db, {
          operation: operation.id,
          step: step.name,
          event: 'undo-failed',
          output: toFault(error),
          now: clock.now(),
        });
        await getStuck(kind, operation, quiet, error);
        return;
      }
      await addEvent(db, { operation: operation.id, step: step.name, event: 'undone', now: clock.now() });
    }
    await db.transaction().execute(async (trx) => {
      await setOperationState(trx, operation.id, { from: ['unwinding'], to: 'failed', now: clock.now() });
      await kind.unwound?.(trx, quiet);
      await releaseClaims(trx, operation.id);
    });
  }

  async function drive(operation: OperationRecord, signal: AbortSignal, attachment: unknown): Promise<void> {
    const kind = kindOf(operation.kind);
    const context = await contextOf(kind, operation, signal, attachment);
    if (operation.state === 'running') {
      try {
        await doSteps(kind, operation, context);
        await commit(kind, operation, context);
        log.info({ operation: operation.id, kind: kind.kind }, 'operation done');
        return;
      } catch (error) {
        if (kind.afterCrash === 'forward') {
          await getStuck(kind, operation, context, error);
          throw error;
        }
        const fault = toFault(error);
        log.warn({ operation: operation.id, kind: kind.kind, fault }, 'operation failed; undoing it');
        await setOperationState(db, operation.id, {
          from: ['running'],
          to: 'unwinding',
          error: fault,
          now: clock.now(),
        });
      }
    }
    await unwind(kind, operation, context);
    throw fromFault((await findOperation(db, operation.id))?.error);
  }

  function run(operation: OperationRecord, attachment?: unknown): Started {
    const abort = new AbortController();
    const done = drive(operation, abort.signal, attachment).finally(() => live.delete(operation.id));
    live.set(operation.id, { abort, done });
    // Whoever awaits `done` sees the fault; when nobody does, it is in the journal and the log.
    done.catch(() => undefined);
    return { id: operation.id, done };
  }

  return {
    async start<P>(name: string, params: P | ((trx: Executor) => Promise<P>), attachment?: unknown) {
      if (draining) throw new BakeryError('unavailable', 'stopping', 'the server is stopping');
      const kind = kindOf(name);
      const id = mintOperationId();
      await db.transaction().execute(async (trx) => {
        const given = typeof params === 'function' ? await (params as (trx: Executor) => Promise<P>)(trx) : params;
        const parsed = kind.parse(given);
        await addOperation(trx, { id, kind: name, version: kind.version, params: parsed, now: clock.now() });
        for (const claim of kind.claims(parsed, id)) await takeClaim(trx, id, claim);
        await kind.admit(trx, parsed, id);
      });
      const operation = await findOperation(db, id);
      if (!operation) throw new BakeryError('internal', 'internal', 'an internal error occurred');
      log.info({ operation: id, kind: name, params: operation.params }, 'operation started');
      return run(operation, attachment);
    },

    async cancel(id) {
      const error: OperationFault = { kind: 'conflict', code: 'cancelled', message: 'the operation was cancelled' };
      const open = await findOperation(db, id);
      if (!open || kindOf(open.kind).afterCrash === 'forward') return false;
      const cancelled = await setOperationState(db, id, {
        from: ['running'],
        to: 'unwinding',
        error,
        now: clock.now(),
      });
      if (cancelled) live.get(id)?.abort.abort(fromFault(error));
      return cancelled;
    },

    async retry(id) {
      const stuck = await findOperation(db, id);
      if (stuck?.state !== 'stuck') throw new BakeryError('conflict', 'not-stuck', 'that operation is not stuck');
      const kind = kindOf(stuck.kind);
      const context = await contextOf(kind, stuck, new AbortController().signal, undefined);
      const to = kind.afterCrash === 'forward' ? 'running' : 'unwinding';
      await db.transaction().execute(async (trx) => {
        await setOperationState(trx, id, { from: ['stuck'], to, now: clock.now() });
        await kind.retried?.(trx, context);
      });
      return run({ ...stuck, state: to });
    },

    async recover() {
      const ends: Promise<void>[] = [];
      for (const operation of await listOpenOperations(db)) {
        if (operation.state === 'stuck' || live.has(operation.id)) continue;
        const kind = kinds.get(operation.kind);
        if (!kind || kind.version !== operation.version) {
          const error: OperationFault = {
            kind: 'conflict',
            code: 'operation-version',
            message: `this operation was begun by another version of Bakery (${operation.kind} ${operation.version})`,
          };
          await setOperationState(db, operation.id, {
            from: ['running', 'unwinding'],
            to: 'stuck',
            error,
            now: clock.now(),
          });
          continue;
        }
        let state = operation.state;
        if (state === 'running' && kind.afterCrash === 'rollback') {
          const error: OperationFault = {
            kind: 'unavailable',
            code: 'interrupted',
            message: 'a restart interrupted it',
          };
          await setOperationState(db, operation.id, { from: ['running'], to: 'unwinding', error, now: clock.now() });
          state = 'unwinding';
        }
        log.info({ operation: operation.id, kind: operation.kind, state }, 'recovering an interrupted operation');
        ends.push(run({ ...operation, state }).done.catch(() => undefined));
      }
      await Promise.all(ends);
    },

    async drain(ms) {
      draining = true;
      const all = Promise.allSettled([...live.values()].map((operation) => operation.done));
      const enough = new AbortController();
      await Promise.race([all, clock.sleep(ms, enough.signal).catch(() => undefined)]);
      enough.abort();
    },
  };
}
