import { BakeryError, describeError, type ErrorKind } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Log, LogScope } from '../../core/log.ts';
import {
  addEvent,
  type EventRecord,
  findOperation,
  listEvents,
  type OperationFault,
  type OperationRecord,
  releaseClaims,
  type StepEvent,
  setOperationState,
} from '../../db/journal.ts';
import type { Db, Executor } from '../../db/open.ts';
import { holdOperation } from './hold.ts';
import type { OperationKind, Others, Progress, Step, StepContext } from './kind.ts';
import type { WorkWatch } from './watch.ts';

/** How long an aborted step may take to end by itself before it is taken for lost. */
const ABORT_GRACE_MS = 3_000;

/** Pauses before a step that has no way back is tried again. */
const FORWARD_RETRY_MS = [500, 2_000];

/** Anything thrown, as it is kept in the journal. */
export function toFault(error: unknown): OperationFault {
  if (error instanceof BakeryError) {
    return { kind: error.kind, code: error.code, message: error.message, detail: error.detail };
  }
  return { kind: 'internal', code: 'internal', message: 'an internal error occurred', detail: describeError(error) };
}

function cancelled(): BakeryError {
  return new BakeryError('conflict', 'cancelled', 'the operation was cancelled');
}

/** The error that a kept fault was. */
export function fromFault(fault: OperationFault | undefined): BakeryError {
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

/** True when nothing may be undone: of a whole kind, or since a step of it has begun. */
export function isPastReturn(kind: OperationKind<unknown>, begun: { has(step: string): boolean }): boolean {
  return kind.afterCrash === 'forward' || kind.steps.some((step) => step.noWayBack && begun.has(step.name));
}

/** A running operation's surroundings that the journal does not keep. */
export interface Run {
  /** Aborted by a cancel. */
  readonly signal: AbortSignal;
  readonly attachment: unknown;
  onProgress(progress: Progress | undefined): void;
}

/** Drives one admitted operation to its end: its steps, or their undoing. */
export interface Runner {
  /** Resolves when it is done; rejects with its fault when it failed (everything undone) or got stuck. */
  drive(operation: OperationRecord, run: Run): Promise<void>;
  /** What the journal knows of it. */
  contextOf(operation: OperationRecord, run: Run): Promise<StepContext<unknown>>;
}

/**
 * Called before and after every commit to the journal with the point's name, `<kind>/<step>/<event>:before` or `:after`. A test
 * holds the process there to kill it from outside; nothing else uses it.
 */
export type JournalGate = (point: string) => void;

/** Every point of one kind's life without mishap at which the gate is called, in their order. */
export function journalPoints(kind: OperationKind<never>): string[] {
  const events = ['admit', ...kind.steps.flatMap(({ name }) => [`${name}/started`, `${name}/succeeded`]), 'commit'];
  return events.flatMap((event) => [`${kind.kind}/${event}:before`, `${kind.kind}/${event}:after`]);
}

/** Its steps that can be undone. */
export function undoable(kind: OperationKind<never>): readonly { readonly name: string }[] {
  if (kind.afterCrash === 'forward') return [];
  const last = kind.steps.findIndex((step) => step.noWayBack);
  return last < 0 ? kind.steps : kind.steps.slice(0, last);
}

/** The same of its undoing, after the last step that can be undone has failed. */
export function undoPoints(kind: OperationKind<never>): string[] {
  const steps = undoable(kind);
  if (steps.length === 0) return [];
  const events = steps.toReversed().flatMap(({ name }) => [`${name}/undo-started`, `${name}/undone`]);
  return ['unwinding', ...events, 'unwound'].flatMap((event) => [
    `${kind.kind}/${event}:before`,
    `${kind.kind}/${event}:after`,
  ]);
}

/** Builds a runner; it keeps nothing in memory that the journal does not have. */
export function createRunner(options: {
  db: Db;
  kindOf: (name: string) => OperationKind<unknown>;
  others: Others;
  clock: Clock;
  log: Log;
  gate?: JournalGate | undefined;
  scope?: LogScope | undefined;
  watch?: WorkWatch | undefined;
}): Runner {
  const { db, kindOf, others, clock, log, gate = () => undefined, watch } = options;
  const within: LogScope['within'] = options.scope?.within ?? ((_fields, act) => act());

  async function gated(point: string, commit: () => Promise<unknown>): Promise<void> {
    gate(`${point}:before`);
    await commit();
    gate(`${point}:after`);
  }

  /** Appends to the operation's history. */
  async function record(operation: OperationRecord, step: string, event: StepEvent, output?: unknown): Promise<void> {
    await gated(`${operation.kind}/${step}/${event}`, () =>
      addEvent(db, { operation: operation.id, step, event, output, now: clock.now() }),
    );
  }

  /**
   * Its end, and the beginning of the one after it: a commit waits for the disk, and nobody else is served meanwhile. A step that was only
   * about to begin is one that may have acted, as ever.
   */
  async function recordEnd(operation: OperationRecord, step: string, output: unknown, next: Step<unknown> | undefined) {
    const of = { operation: operation.id, now: clock.now() };
    const inventory = async (trx: Executor) => {
      await addEvent(trx, { ...of, step, event: 'succeeded', output });
      if (next) await addEvent(trx, { ...of, step: next.name, event: 'started' });
    };
    await gated(`${operation.kind}/${step}/succeeded`, () => db.transaction().execute(inventory));
  }

  /** A cancel that came first has won; one that comes later is too late. */
  async function passReturn(operation: OperationRecord, step: string): Promise<void> {
    await gated(`${operation.kind}/${step}/started`, () =>
      db.transaction().execute(async (trx) => {
        if ((await findOperation(trx, operation.id))?.state !== 'running') throw cancelled();
        await addEvent(trx, { operation: operation.id, step, event: 'started', now: clock.now() });
      }),
    );
  }

  async function contextOf(operation: OperationRecord, run: Run): Promise<StepContext<unknown>> {
    const outputs: Record<string, unknown> = {};
    for (const [step, state] of stepStates(await listEvents(db, operation.id))) {
      if (state.output !== undefined) outputs[step] = state.output;
    }
    return {
      operation: operation.id,
      params: kindOf(operation.kind).parse(operation.params),
      outputs,
      signal: run.signal,
      attachment: run.attachment,
      others,
      report: (progress) => run.onProgress(progress),
    };
  }

  async function withTimeout<T>(
    step: Step<unknown>,
    context: StepContext<unknown>,
    run: (c: StepContext<unknown>) => Promise<T>,
  ) {
    const timeout = AbortSignal.timeout(step.timeoutMs);
    const signal = AbortSignal.any([context.signal, timeout]);
    const late = Promise.withResolvers<never>();
    const onLate = () => {
      // The step gets a moment to end by the signal itself, so that its effects are over when it is undone. A cancel waits for that as
      // long as the step may take: it must not be undone while it works.
      setTimeout(() => late.reject(timeout.reason), ABORT_GRACE_MS);
    };
    timeout.addEventListener('abort', onLate, { once: true });
    try {
      return await Promise.race([run({ ...context, signal }), late.promise]);
    } catch (error) {
      if (timeout.aborted) {
        throw new BakeryError('timeout', 'step-timeout', `the step ${step.name} took too long`, {
          detail: describeError(error),
          cause: error,
        });
      }
      throw error;
    } finally {
      timeout.removeEventListener('abort', onLate);
    }
  }

  /** One attempt at a step or at undoing it: its lines in the log have its name, and its time is told. */
  async function attempt<T>(
    { kind }: OperationRecord,
    step: string,
    outcomes: readonly ['done', 'failed'] | readonly ['undone', 'undo-failed'],
    act: () => Promise<T>,
  ): Promise<T> {
    const began = clock.monotonic();
    const ended = (outcome: (typeof outcomes)[number], fields: object) => {
      const ms = Math.round(clock.monotonic() - began);
      watch?.step({ kind, step, outcome, seconds: ms / 1_000 });
      log.debug({ ...fields, ms }, `step ${outcome}`);
    };
    return within({ step }, async () => {
      try {
        const output = await act();
        ended(outcomes[0], {});
        return output;
      } catch (error) {
        ended(outcomes[1], { fault: toFault(error) });
        throw error;
      }
    });
  }

  async function doSteps(
    kind: OperationKind<unknown>,
    operation: OperationRecord,
    context: StepContext<unknown>,
    run: Run,
  ) {
    const outputs = context.outputs as Record<string, unknown>;
    const begun = new Set(Object.keys(outputs));
    const following = (i: number) => {
      const step = kind.steps[i + 1];
      return step && !step.noWayBack && !(step.name in outputs) && !context.signal.aborted ? step : undefined;
    };
    /** Whose beginning is in the journal already. */
    let next: Step<unknown> | undefined;
    for (const [i, step] of kind.steps.entries()) {
      if (step.name in outputs) continue;
      context.signal.throwIfAborted();
      run.onProgress(undefined);
      if (step.noWayBack) await passReturn(operation, step.name);
      else if (step === next) await gated(`${operation.kind}/${step.name}/started`, () => Promise.resolve());
      else await record(operation, step.name, 'started');
      begun.add(step.name);
      for (let tries = 0; ; tries++) {
        try {
          const act = () => withTimeout(step, context, (c) => step.do(c));
          const output = (await attempt(operation, step.name, ['done', 'failed'], act)) ?? null;
          next = following(i);
          await recordEnd(operation, step.name, output, next);
          outputs[step.name] = output;
          break;
        } catch (error) {
          await record(operation, step.name, 'failed', toFault(error));
          const delay = FORWARD_RETRY_MS[tries];
          if (!isPastReturn(kind, begun) || delay === undefined) throw error;
          await clock.sleep(delay);
        }
      }
    }
  }

  async function commit(kind: OperationKind<unknown>, operation: OperationRecord, context: StepContext<unknown>) {
    const inventory = async (trx: Executor) => {
      const ended = await setOperationState(trx, operation.id, { from: ['running'], to: 'done', now: clock.now() });
      // A cancel that came first has won: what was done is undone.
      if (!ended) throw cancelled();
      await kind.commit(trx, context);
      await releaseClaims(trx, operation.id);
    };
    await gated(`${kind.kind}/commit`, () => db.transaction().execute(inventory));
  }

  async function getStuck(operation: OperationRecord, error: unknown) {
    const fault = toFault(error);
    log.error({ fault }, 'an operation is stuck and needs a person');
    await gated(`${operation.kind}/stuck`, () =>
      db.transaction().execute((trx) => holdOperation(trx, operation.id, fault, clock.now())),
    );
  }

  async function unwind(kind: OperationKind<unknown>, operation: OperationRecord, context: StepContext<unknown>) {
    const states = stepStates(await listEvents(db, operation.id));
    const quiet: StepContext<unknown> = { ...context, signal: new AbortController().signal };
    for (const step of kind.steps.toReversed()) {
      if (!states.has(step.name)) continue;
      await record(operation, step.name, 'undo-started');
      try {
        const act = () => withTimeout(step, quiet, (c) => step.undo?.(c) ?? Promise.resolve());
        if (step.undo) await attempt(operation, step.name, ['undone', 'undo-failed'], act);
      } catch (error) {
        await record(operation, step.name, 'undo-failed', toFault(error));
        await getStuck(operation, error);
        return;
      }
      await record(operation, step.name, 'undone');
    }
    const inventory = async (trx: Executor) => {
      await setOperationState(trx, operation.id, { from: ['unwinding'], to: 'failed', now: clock.now() });
      await kind.unwound?.(trx, quiet);
      await releaseClaims(trx, operation.id);
    };
    await gated(`${kind.kind}/unwound`, () => db.transaction().execute(inventory));
  }

  async function work(operation: OperationRecord, run: Run): Promise<void> {
    const kind = kindOf(operation.kind);
    const context = await contextOf(operation, run);
    if (operation.state === 'running') {
      try {
        await doSteps(kind, operation, context, run);
        await commit(kind, operation, context);
        log.info({}, 'operation done');
        return;
      } catch (error) {
        if (isPastReturn(kind, stepStates(await listEvents(db, operation.id)))) {
          await getStuck(operation, error);
          throw error;
        }
        const fault = toFault(error);
        log.warn({ fault }, 'operation failed; undoing it');
        await gated(`${kind.kind}/unwinding`, () =>
          setOperationState(db, operation.id, { from: ['running'], to: 'unwinding', error: fault, now: clock.now() }),
        );
      }
    }
    await unwind(kind, operation, context);
    throw fromFault((await findOperation(db, operation.id))?.error);
  }

  /** Tells how it ended. A server that cannot write its journal, or is stopped, has not ended anything. */
  async function tellEnd({ id, kind }: OperationRecord, began: number): Promise<void> {
    const state = watch && (await findOperation(db, id).catch(() => undefined))?.state;
    if (state !== 'done' && state !== 'failed' && state !== 'stuck') return;
    watch?.operation({ kind, outcome: state, seconds: (clock.monotonic() - began) / 1_000 });
  }

  async function drive(operation: OperationRecord, run: Run): Promise<void> {
    const began = clock.monotonic();
    const { id, kind, by } = operation;
    await within({ operation: id, kind, ...by }, () => work(operation, run).finally(() => tellEnd(operation, began)));
  }

  return { drive, contextOf };
}
