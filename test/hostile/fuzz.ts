import fc from 'fast-check';
import type { RunningBakery } from '../lab/bakery.ts';
import type { Chance } from '../lab/seed.ts';
import { faultOf, type Secrets } from './judge.ts';
import type { ApiDocument, Operation } from './operations.ts';
import { type Request, requestsFor, toBytes } from './requests.ts';
import { type Outcome, openWire, type Wire } from './wire.ts';
import type { FuzzWorld } from './world.ts';

const CLIENTS = 24;
/**
 * An operation's cases are shared out in portions of so many: most answers come at once, and some are waited for for seconds; one client
 * alone would take hours for those.
 */
const PORTION = 100;
/** Of those that are heavy some wait for 8 s each: a client that had all of one would be the last by far. */
const HEAVY_PORTION = 3;
/** The cases come in so many goes, so that each operation meets what the others have left behind. */
const GOES = 4;
/** How often the world is tended. */
const TEND_EVERY = 250;
/** A case that costs less than this gets no more cases for it. */
const CHEAP_MS = 10;

/** What was done, and what came of it. */
export interface FuzzReport {
  readonly cases: number;
  /** How often each operation had each status. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<number | 'closed', number>>;
  /** What should not have happened, each with the request as it was sent, made as small as it goes. */
  readonly faults: readonly string[];
}

interface Wires {
  readonly admin: Wire;
  readonly stranger: Wire;
}

function describe(fault: string, sent: Buffer, outcome: Outcome): string {
  const said = outcome === 'closed' ? '' : outcome.body.toString('utf8').slice(0, 600);
  const text = JSON.stringify(sent.toString('latin1').slice(0, 3_000));
  return `${fault}\n  said: ${said}\n  sent, in Latin-1: ${text} (${sent.length} bytes)`;
}

/** What an error says, and why: a fetch that fails says that in its cause only. */
function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${said(error.cause)})`;
}

/**
 * Sends made-up requests to every operation: at least `perRoute` to each and `cases` in all, most of them to those that answer
 * fast. Some clients at once, each with connections that it keeps. A failing request is made smaller, and told.
 */
export async function fuzz(options: {
  api: ApiDocument;
  world: FuzzWorld;
  bakery: RunningBakery;
  chance: Chance;
  secrets: Secrets;
  cases: number;
  perRoute: number;
}): Promise<FuzzReport> {
  const { api, world, bakery, chance, secrets } = options;
  const port = Number(new URL(bakery.base).port);
  const counts = new Map(api.operations.map(({ id }) => [id, new Map<number | 'closed', number>()]));
  const costs = new Map(api.operations.map(({ id }) => [id, { cases: 0, ms: 0 }]));
  const faults: string[] = [];
  let cases = 0;

  async function tryOne(operation: Operation, request: Request, wires: Wires): Promise<void> {
    if (++cases % TEND_EVERY === 0) await world.tend();
    const outcome = await wires[request.who].send({
      bytes: toBytes(request, bakery.token),
      isHead: request.method === 'HEAD',
      isLast: request.isBroken,
      ...(request.framing === 'cut-off' ? { patienceMs: 50 } : {}),
    });
    const status = outcome === 'closed' ? outcome : outcome.status;
    const own = counts.get(operation.id);
    own?.set(status, (own.get(status) ?? 0) + 1);
    const fault = faultOf(outcome, { api, operation, request, secrets });
    if (fault !== undefined) throw new Error(describe(fault, toBytes(request, 'TOKEN'), outcome));
  }

  async function go(runs: ReadonlyMap<string, number>): Promise<void> {
    const portions = api.operations.flatMap((operation) => {
      const all = runs.get(operation.id) ?? 1;
      const most = operation.isHeavy ? HEAVY_PORTION : PORTION;
      const requests = requestsFor(api, operation, { known: world.known, fit: operation.isHeavy ? 8 : 30 });
      return Array.from({ length: Math.ceil(all / most) }, (_, i) => ({
        operation,
        requests,
        numRuns: Math.min(most, all - i * most),
      }));
    });
    const queue = chance
      .shuffled(portions)
      .map((portion) => ({ ...portion, seed: chance.below(2 ** 31) }))
      .values();
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const wires = { admin: openWire(port), stranger: openWire(port, '127.0.0.9') };
        for (const { operation, requests, seed, numRuns } of queue) {
          // What comes after the end of the server tells nothing.
          if (faults.some((fault) => fault.includes('ECONNREFUSED'))) break;
          const began = performance.now();
          const property = fc.asyncProperty(requests, (request) => tryOne(operation, request, wires));
          const { failed, errorInstance } = await fc.check(property, { seed, numRuns });
          const cost = costs.get(operation.id);
          if (cost) [cost.cases, cost.ms] = [cost.cases + numRuns, cost.ms + performance.now() - began];
          if (failed) faults.push(`${operation.id}: ${said(errorInstance)}`);
        }
        wires.admin.close();
        wires.stranger.close();
      }),
    );
  }

  /** So many of each operation that all of them take about as long, where they are not very fast. */
  function shares(count: number): Map<string, number> {
    const rates = [...costs].map(([id, cost]) => [id, 1 / Math.max(CHEAP_MS, cost.ms / cost.cases)] as const);
    const all = rates.reduce((sum, [, rate]) => sum + rate, 0);
    return new Map(rates.map(([id, rate]) => [id, Math.ceil((count * rate) / all)]));
  }

  await go(new Map(api.operations.map(({ id }) => [id, options.perRoute])));
  for (let left = GOES - 1; left > 0; left--) await go(shares(Math.max(0, options.cases - cases) / left));
  return { cases, counts, faults };
}
