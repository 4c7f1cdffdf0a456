import { BakeryError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import { mintOperationId, type OperationId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import {
  addOperation,
  findOperation,
  listOpenOperations,
  type OperationFault,
  type OperationRecord,
  setOperationState,
  takeClaim,
} from '../../db/journal.ts';
import type { Db, Executor } from '../../db/open.ts';
import type { OperationKind } from './kind.ts';
import { createRunner, fromFault } from './runner.ts';

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

  const runner = createRunner({ db, kindOf, clock, log });

  function run(operation: OperationRecord, attachment?: unknown): Started {
    const abort = new AbortController();
    const done = runner.drive(operation, abort.signal, attachment).finally(() => live.delete(operation.id));
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
      const context = await runner.contextOf(stuck, new AbortController().signal, undefined);
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
