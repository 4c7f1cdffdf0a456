import { BakeryError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import { mintOperationId, type OperationId, type PiId } from '../../core/ids.ts';
import type { Log, LogScope } from '../../core/log.ts';
import { addKey, findKeyed, type IdempotencyKey, type KeyedOperation } from '../../db/idempotency.ts';
import {
  addOperation,
  findOperation,
  listEvents,
  listOpenOperations,
  type OperationFault,
  type OperationRecord,
  type Requester,
  setOperationState,
  takeClaim,
  withoutSecrets,
} from '../../db/journal.ts';
import type { Db, Executor } from '../../db/open.ts';
import { holdOperation } from './hold.ts';
import type { OperationKind, Others, Progress } from './kind.ts';
import { createRunner, fromFault, isPastReturn, type JournalGate, type Run, stepStates } from './runner.ts';
import type { WorkWatch } from './watch.ts';

/** An operation that was admitted. */
export interface Started {
  readonly id: OperationId;
  /** Resolves when it is done; rejects with its fault when it failed (everything undone) or got stuck. */
  readonly done: Promise<void>;
  /** The answer that was given when this request came first; undefined when it is new, or was never answered. */
  readonly answered?: KeyedOperation['answer'];
}

/** Who asked, and what goes with it. */
export interface StartOptions {
  /** Its id, where that was minted before; else a new one is. */
  readonly id?: OperationId;
  /** What a crash cannot bring back (an upload's body). */
  readonly attachment?: unknown;
  readonly by?: Requester | undefined;
  /** When there is an operation for this key already, nothing new is begun: that one is the answer. */
  readonly key?: IdempotencyKey | undefined;
}

/** Runs durable operations through the journal (design §4). */
export interface Engine {
  /**
   * Admits an operation in one transaction (row, claims, key, transitions) and runs it. `params`, when a function, runs first
   * in that transaction: so "pick a free Pi and claim it" is one step for everybody else.
   * @throws BakeryError `busy`, `idempotency-mismatch` (conflict), `stopping` (unavailable), and what the kind's `admit` throws.
   */
  start<P>(kind: string, params: P | ((trx: Executor) => Promise<P>), options?: StartOptions): Promise<Started>;
  /** Asks a running operation to stop and undo itself; durable, with `why`, when it resolves. False when it is past that. */
  cancel(id: OperationId, why?: BakeryError): Promise<boolean>;
  /** Sets a stuck operation going again, from where it stands. @throws BakeryError `not-stuck`, `operation-version` (conflict). */
  retry(id: OperationId): Promise<Started>;
  /**
   * Continues or unwinds what nobody runs: after a start what a crash interrupted, later what was given up because its journal
   * could not be written. Resolves when each has ended or got stuck. After a restored
   * backup the journal is older than the world, and nothing of it may be continued or undone: all is held for a person.
   */
  recover(since?: 'crash' | 'restore'): Promise<void>;
  /** How far the running step of an operation is; undefined when it does not say. */
  progress(id: OperationId): Progress | undefined;
  /** The steps of a kind of operation, in their order; none for a kind that this version does not know. */
  stepsOf(kind: string): readonly string[];
  /**
   * No new operations; resolves when those that do something have ended, or after `ms`. `waits`: that Pi waits to be switched on, and
   * what it waits in goes on after the next start.
   */
  drain(ms: number, waits?: (pi: PiId) => boolean): Promise<void>;
}

interface Live {
  readonly kind: string;
  readonly pi: PiId | undefined;
  readonly abort: AbortController;
  readonly done: Promise<void>;
  progress: Progress | undefined;
}

/** How often a server that stops looks whether what it waits for only waits itself. */
const DRAIN_LOOK_MS = 100;

const RESTORED: OperationFault = {
  kind: 'conflict',
  code: 'journal-restored',
  message: 'the database was restored from a backup in which this operation had not ended',
};

function otherVersion({ kind, version }: OperationRecord): OperationFault {
  const message = `this operation was begun by another version of Bakery (${kind} ${version})`;
  return { kind: 'conflict', code: 'operation-version', message };
}

/** Builds the engine over the given kinds. */
export function createEngine(options: {
  db: Db;
  // Params are opaque to the engine; each kind parses its own back from the journal.
  kinds: readonly OperationKind<never>[];
  clock: Clock;
  log: Log;
  gate?: JournalGate | undefined;
  /** Where lines of the log get the operation and request that they belong to. */
  scope?: LogScope | undefined;
  /** Told of every step and operation that ended. */
  watch?: WorkWatch | undefined;
}): Engine {
  const { db, clock, log, gate, scope, watch } = options;
  const kinds = new Map(options.kinds.map((kind) => [kind.kind, kind as unknown as OperationKind<unknown>]));
  const live = new Map<OperationId, Live>();
  /** Admitted, and about to be run: nobody lost these. */
  const starting = new Set<OperationId>();
  let draining = false;

  const kindOf = (name: string): OperationKind<unknown> => {
    const kind = kinds.get(name);
    if (!kind) throw new BakeryError('internal', 'operation-kind-unknown', `there is no operation ${name}`);
    return kind;
  };

  /** True when nothing of it may be undone any more. */
  async function isPast(ex: Executor, { kind, id }: OperationRecord): Promise<boolean> {
    return isPastReturn(kindOf(kind), stepStates(await listEvents(ex, id)));
  }

  const others: Others = { start: (kind, params, wish) => engine.start(kind, params, wish), ended };
  const runner = createRunner({ db, kindOf, others, clock, log, gate, scope, watch });

  function run(operation: OperationRecord, attachment?: unknown): Started {
    const abort = new AbortController();
    const entry: { -readonly [K in keyof Live]: Live[K] } = {
      kind: operation.kind,
      pi: operation.pi,
      abort,
      done: Promise.resolve(),
      progress: undefined,
    };
    live.set(operation.id, entry);
    const surroundings: Run = {
      signal: abort.signal,
      attachment,
      onProgress: (progress) => {
        entry.progress = progress;
      },
    };
    entry.done = runner.drive(operation, surroundings).finally(() => live.delete(operation.id));
    // Whoever awaits `done` sees the fault; when nobody does, it is in the journal and the log.
    entry.done.catch(() => undefined);
    return { id: operation.id, done: entry.done };
  }

  /** What runs it now, or what it came to. Who is admitted by another request at this moment runs soon. */
  async function findRun(id: OperationId): Promise<{ run: Live } | { record: OperationRecord | undefined }> {
    for (;;) {
      const run = live.get(id);
      if (run) return { run };
      const record = await findOperation(db, id);
      if (record?.state !== 'running' && record?.state !== 'unwinding') return { record };
      await clock.sleep(10);
    }
  }

  async function ended(id: OperationId): Promise<OperationRecord | undefined> {
    for (;;) {
      const found = await findRun(id);
      if ('record' in found) return found.record;
      await found.run.done.catch(() => undefined);
    }
  }

  /** The operation that was begun for a key before, as if it had just been started. */
  async function again({ operation: id, answer }: KeyedOperation): Promise<Started> {
    const found = await findRun(id);
    if ('run' in found) return { id, done: found.run.done, answered: answer };
    const { record } = found;
    const done = record?.state === 'done' ? Promise.resolve() : Promise.reject(fromFault(record?.error));
    done.catch(() => undefined);
    return { id, done, answered: answer };
  }

  const engine: Engine = {
    async start<P>(name: string, params: P | ((trx: Executor) => Promise<P>), given: StartOptions = {}) {
      const { attachment, by, key } = given;
      if (draining) throw new BakeryError('unavailable', 'stopping', 'the server is stopping');
      const kind = kindOf(name);
      const id = given.id ?? mintOperationId();
      starting.add(id);
      try {
        gate?.(`${name}/admit:before`);
        const before = await db.transaction().execute(async (trx) => {
          const keyed = key && (await findKeyed(trx, key));
          if (keyed) return keyed;
          const wished = typeof params === 'function' ? await (params as (trx: Executor) => Promise<P>)(trx) : params;
          const parsed = kind.parse(wished);
          const claims = kind.claims(parsed, id);
          await addOperation(trx, {
            id,
            kind: name,
            version: kind.version,
            params: parsed,
            claims,
            by,
            now: clock.now(),
          });
          for (const claim of claims) await takeClaim(trx, id, claim);
          if (key) await addKey(trx, { ...key, operation: id, now: clock.now() });
          await kind.admit(trx, parsed, id);
          return undefined;
        });
        if (before) return again(before);
        gate?.(`${name}/admit:after`);
        const operation = await findOperation(db, id);
        if (!operation) throw new BakeryError('internal', 'internal', 'an internal error occurred');
        log.info({ operation: id, kind: name, params: withoutSecrets(operation.params), ...by }, 'operation started');
        return run(operation, attachment);
      } finally {
        starting.delete(id);
      }
    },

    async cancel(id, why = new BakeryError('conflict', 'cancelled', 'the operation was cancelled')) {
      const error: OperationFault = { kind: why.kind, code: why.code, message: why.message };
      const open = await findOperation(db, id);
      if (!open) return false;
      const cancelled = await db.transaction().execute(async (trx) => {
        if (await isPast(trx, open)) return false;
        return setOperationState(trx, id, { from: ['running'], to: 'unwinding', error, now: clock.now() });
      });
      if (cancelled) live.get(id)?.abort.abort(fromFault(error));
      return cancelled;
    },

    async retry(id) {
      const stuck = await findOperation(db, id);
      if (stuck?.state !== 'stuck') throw new BakeryError('conflict', 'not-stuck', 'that operation is not stuck');
      const kind = kinds.get(stuck.kind);
      if (kind?.version !== stuck.version) throw fromFault(otherVersion(stuck));
      const context = await runner.contextOf(stuck, {
        signal: new AbortController().signal,
        attachment: undefined,
        onProgress: () => undefined,
      });
      const to = (await isPast(db, stuck)) ? 'running' : 'unwinding';
      starting.add(id);
      try {
        await db.transaction().execute(async (trx) => {
          const changed = await setOperationState(trx, id, { from: ['stuck'], to, now: clock.now() });
          // Two persons may press the button at once.
          if (!changed) throw new BakeryError('conflict', 'not-stuck', 'that operation is not stuck');
          await kind.retried?.(trx, context);
        });
        return run({ ...stuck, state: to });
      } finally {
        starting.delete(id);
      }
    },

    progress: (id) => live.get(id)?.progress,

    stepsOf: (kind) => kinds.get(kind)?.steps.map(({ name }) => name) ?? [],

    async recover(since = 'crash') {
      const ends: Promise<void>[] = [];
      const isOurs = (id: OperationId) => live.has(id) || starting.has(id);
      for (const listed of await listOpenOperations(db)) {
        if (listed.state === 'stuck' || isOurs(listed.id)) continue;
        // It may have been running when the list was read, and be done by now: to undo it then would take away what it made.
        const operation = await findOperation(db, listed.id);
        if (operation?.state !== listed.state || isOurs(listed.id)) continue;
        const kind = kinds.get(operation.kind);
        const held =
          since === 'restore' ? RESTORED : kind?.version === operation.version ? undefined : otherVersion(operation);
        if (!kind || held) {
          const fault = held ?? otherVersion(operation);
          log.error({ operation: operation.id, kind: operation.kind, fault }, 'an operation needs a person');
          await db.transaction().execute((trx) => holdOperation(trx, operation.id, fault, clock.now()));
          continue;
        }
        let state = operation.state;
        if (state === 'running' && kind.afterCrash === 'rollback' && !(await isPast(db, operation))) {
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

    async drain(ms, waits = () => false) {
      draining = true;
      const acts = ({ kind, pi }: Live) => !(kindOf(kind).onlyWaits || (pi && waits(pi)));
      for (const until = clock.monotonic() + ms; clock.monotonic() < until; ) {
        const acting = [...live.values()].filter(acts);
        if (acting.length === 0) return;
        const all = Promise.allSettled(acting.map((operation) => operation.done));
        // One of them may come to wait meanwhile.
        const enough = new AbortController();
        await Promise.race([all, clock.sleep(DRAIN_LOOK_MS, enough.signal).catch(() => undefined)]);
        enough.abort();
      }
    },
  };
  return engine;
}
