import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import { mintOperationId, type PiId } from '../../core/ids.ts';
import { isMeant, type PiFilter } from '../../core/pi-filter.ts';
import {
  addBulkItems,
  type BulkItem,
  type BulkItemState,
  listBulkItems,
  moveBulkItem,
  skipBulkItems,
} from '../../db/bulk.ts';
import { findOperation, type Requester } from '../../db/journal.ts';
import type { Executor } from '../../db/open.ts';
import { listPis, requirePiCalled } from '../../db/pis.ts';
import { type BulkAction, BulkWish, bulkActions } from './bulk-actions.ts';
import type { OperationKind, StepContext } from './kind.ts';
import type { OperationPorts } from './ports.ts';
import { toFault } from './runner.ts';

/** Pis at most in one bulk. */
export const MAX_BULK = 1_000;
/** For so long something short (an attach, say) may hold a Pi before that is a failure. */
const PATIENCE_MS = 10_000;
const PATIENCE_STEP_MS = 100;
/** A bulk goes on for as long as it takes. */
const LONGEST_MS = 7 * 24 * 3_600_000;

const Params = z.object({
  wish: BulkWish,
  pis: z.array(z.string().transform((id) => id as PiId)),
  atATime: z.number(),
  stopAtFirstFailure: z.boolean(),
});
/** Many Pis and what is done to each. */
export type BulkParams = z.output<typeof Params>;

/** Which Pis, by id or name, or by what is so of them. */
export type BulkTargets = { readonly pis: readonly string[] } | { readonly select: PiFilter };

/**
 * Finds the Pis that are meant. Runs in the admitting transaction. Those in quarantine are meant only where that is asked for.
 * @throws BakeryError `bad-pi-id` (invalid), `pi-unknown` (not-found), `no-pi-meant`, `too-many-pis` (invalid).
 */
export async function planBulk(
  trx: Executor,
  wish: Omit<BulkParams, 'pis'> & { readonly targets: BulkTargets },
): Promise<BulkParams> {
  const { targets, ...rest } = wish;
  const pis = new Set<PiId>();
  if ('pis' in targets) for (const text of targets.pis) pis.add((await requirePiCalled(trx, text)).id);
  else {
    const filter = { quarantine: false, ...targets.select };
    for (const pi of await listPis(trx)) if (isMeant(pi, filter)) pis.add(pi.id);
  }
  if (pis.size === 0) throw new BakeryError('invalid', 'no-pi-meant', 'there is no Pi of which all of that is so');
  if (pis.size > MAX_BULK) {
    const message = `that means ${pis.size} Pis; at most ${MAX_BULK} are worked on at once`;
    throw new BakeryError('invalid', 'too-many-pis', message);
  }
  return { ...rest, pis: [...pis] };
}

/** What was about to be admitted is not. */
class NotBegun extends Error {
  readonly why: 'nothing to do' | 'not wanted';

  constructor(why: 'nothing to do' | 'not wanted') {
    super(why);
    this.why = why;
  }
}

/** What the items of a bulk are worked on with. */
interface Work {
  readonly context: StepContext<BulkParams>;
  readonly by: Requester | undefined;
  /** False once no more are begun. */
  isWanted(): boolean;
}

/**
 * Does one thing to many Pis, a few at a time, each by an operation of its own that lives and ends by itself. What was done stays
 * done when others fail or the bulk is cancelled: that only begins no more.
 */
export function bulkKind(ports: OperationPorts): OperationKind<BulkParams> {
  const { db, clock } = ports;
  const actions = bulkActions(ports);

  /** Begins an item once: that it runs, or is done, is noted in the transaction that admits its operation, or does it. */
  async function begin(item: BulkItem, { context, by, isWanted }: Work): Promise<BulkItemState> {
    const { operation: bulk, params, others, signal } = context;
    const { kind, plan } = actions[params.wish.action] as BulkAction<unknown>;
    const started = kind === undefined ? 'done' : 'running';
    async function planned(trx: Executor): Promise<object> {
      const isOurs = await moveBulkItem(trx, { bulk, ...item }, { from: 'waiting', to: started });
      if (!isOurs) throw new NotBegun('not wanted');
      const wished = await plan(trx, item.pi, params.wish);
      if (wished === undefined && kind !== undefined) throw new NotBegun('nothing to do');
      return wished ?? {};
    }
    const until = clock.monotonic() + PATIENCE_MS;
    while (isWanted()) {
      try {
        if (kind === undefined) await db.transaction().execute(planned);
        else await others.start(kind, planned, { id: item.operation, by });
        return started;
      } catch (error) {
        const code = error instanceof BakeryError ? error.code : undefined;
        // The next start of the server goes on here, and this one does not wait for it.
        if (code === 'stopping') await new Promise(() => undefined);
        if (code !== 'busy' || clock.monotonic() >= until) throw error;
      }
      await clock.sleep(PATIENCE_STEP_MS, signal);
    }
    throw new NotBegun('not wanted');
  }

  /** Waits for a running item's operation, and notes how it ended. */
  async function finish(item: BulkItem, { operation: bulk, others }: Work['context']): Promise<BulkItemState> {
    const ended = await others.ended(item.operation);
    const to = ended?.state === 'done' || ended?.state === 'stuck' ? ended.state : 'failed';
    await moveBulkItem(db, { bulk, ...item }, { from: 'running', to, error: ended?.error });
    return to;
  }

  /** @returns where it stands then. */
  async function workOn(item: BulkItem, work: Work): Promise<BulkItemState> {
    let state = item.state;
    try {
      if (state === 'waiting') state = await begin(item, work);
    } catch (error) {
      if (work.context.signal.aborted || (error instanceof NotBegun && error.why === 'not wanted')) return state;
      const [to, fault] = error instanceof NotBegun ? (['done'] as const) : (['failed', toFault(error)] as const);
      await moveBulkItem(db, { bulk: work.context.operation, ...item }, { from: 'waiting', to, error: fault });
      return to;
    }
    return state === 'running' ? finish(item, work.context) : state;
  }

  async function run(context: StepContext<BulkParams>): Promise<void> {
    const { operation: bulk, params, signal, report } = context;
    const items = await listBulkItems(db, bulk);
    const states = items.map(({ state }) => state);
    const count = (test: (state: BulkItemState) => boolean) => states.filter(test).length;
    const tell = () => report({ done: count(isOver), total: items.length, unit: 'pis' });
    const work: Work = {
      context,
      by: (await findOperation(db, bulk))?.by,
      isWanted: () => !signal.aborted && !(params.stopAtFirstFailure && count(isFailed) > 0),
    };
    // What ran before a crash has its place first: no more than `atATime` are worked on.
    const queue = [
      ...items.filter(({ state }) => state === 'running'),
      ...items.filter(({ state }) => state === 'waiting'),
    ];
    const next = queue.values();
    async function worker(): Promise<void> {
      for (const item of next) {
        states[item.position] = await workOn(item, work);
        tell();
      }
    }
    tell();
    // An error of one is told when all have ended: the step must be over when it is over.
    const workers = await Promise.allSettled(Array.from({ length: params.atATime }, worker));
    signal.throwIfAborted();
    for (const ended of workers) if (ended.status === 'rejected') throw ended.reason;
    const [failed, over] = [count(isFailed), count(isOver)];
    if (failed === 0) return;
    const rest = over === items.length ? '' : `; ${items.length - over} were not begun`;
    throw new BakeryError('conflict', 'bulk-incomplete', `${failed} of ${items.length} Pis failed${rest}`);
  }

  return {
    kind: 'bulk',
    version: 1,
    afterCrash: 'resume',
    onlyWaits: true,
    parse: (params) => Params.parse(params),
    // Each operation holds its own Pi.
    claims: () => [],
    admit: (trx, { pis }, bulk) =>
      addBulkItems(
        trx,
        bulk,
        pis.map((pi) => ({ pi, operation: mintOperationId() })),
      ),
    steps: [
      {
        name: 'run',
        timeoutMs: LONGEST_MS,
        do: run,
        async undo(context) {
          await skipBulkItems(db, context.operation);
          const items = await listBulkItems(db, context.operation);
          const running = items.filter(({ state }) => state === 'running');
          await Promise.all(running.map((item) => finish(item, context)));
        },
      },
    ],
    commit: async () => undefined,
  };
}

function isFailed(state: BulkItemState): boolean {
  return state === 'failed' || state === 'stuck';
}

function isOver(state: BulkItemState): boolean {
  return state !== 'waiting' && state !== 'running';
}
