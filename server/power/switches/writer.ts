import type { Clock } from '../../../core/host/clock.ts';
import { bounded, type CallLimits } from '../bounded.ts';
import { PowerFault } from '../driver.ts';
import { createQueues } from '../queues.ts';
import { createGathering, type Gathered } from './gather.ts';
import type { OpenSwitch, PortPower, PowerSwitch } from './kind.ts';

/** As many ports as go in one call: the largest switches have 52. */
const MOST_AT_ONCE = 52;
/** After so many ports that were refused one by one, and none that was taken, it is the switch and not a port. */
const MOST_REFUSED = 3;

/** A wish for one port. */
interface Change {
  readonly to: 'on' | 'off';
  /** Asked right before the call, in the switch's turn; throws what keeps the port from being switched. */
  mayGo(): Promise<void>;
}

/**
 * The one who calls switches: each at most once at a time. Each call of a switch is bounded; the wait for its turn ends when the
 * caller's signal is aborted.
 */
export interface SwitchWriter {
  /** Switches a port, together with others that wait for the same switch. @throws PowerFault, and what `mayGo` throws. */
  set(switchName: string, port: string, change: Change, signal: AbortSignal): Promise<void>;
  /** What a port gives; undefined where the switch cannot tell. @throws PowerFault */
  query(switchName: string, port: string, signal: AbortSignal): Promise<PortPower | undefined>;
  /** Runs `task` when nothing else is asked of that switch. It must bound itself. */
  turn<T>(switchName: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** What it is made of. */
export interface SwitchWriterOptions {
  readonly find: (switchName: string) => OpenSwitch | undefined;
  readonly limits: CallLimits;
  readonly clock: Clock;
}

type Sent<Ask, Answer> = readonly Gathered<Ask, Answer>[];

/** Makes the writer of all switches. */
export function createSwitchWriter({ find, limits, clock }: SwitchWriterOptions): SwitchWriter {
  const queues = createQueues();

  /** One bounded call for all of `batch`, given up when none of them waits any more. */
  function call<T>(batch: Sent<unknown, never>, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const nobody = new AbortController();
    const stop = new AbortController();
    const leave = () => {
      if (batch.every(({ signal }) => signal.aborted)) nobody.abort(batch[0]?.signal.reason);
    };
    for (const { signal } of batch) signal.addEventListener('abort', leave, { signal: stop.signal });
    leave();
    return bounded(act, { ...limits, clock, signal: nobody.signal }).finally(() => stop.abort());
  }

  /** Those of `batch` that may go now; the others are told why not. */
  async function permitted(batch: Sent<Change, void>): Promise<Gathered<Change, void>[]> {
    const may = await Promise.all(
      batch.map(async (one) => {
        try {
          await one.ask.mayGo();
          return !one.signal.aborted;
        } catch (error) {
          one.refuse(error);
          return false;
        }
      }),
    );
    return batch.filter((_, i) => may[i]);
  }

  async function setOnce(device: PowerSwitch, batch: Sent<Change, void>): Promise<void> {
    const changes = new Map(batch.map(({ port, ask }) => [port, ask.to]));
    await call(batch, (signal) => device.set(changes, signal));
    for (const one of batch) one.answer();
  }

  /** One bad port must not fail the others; but a switch that refuses everything is not asked for each of its ports. */
  async function setEach(device: PowerSwitch, batch: Sent<Change, void>): Promise<void> {
    let refused = 0;
    let isTaken = false;
    for (const [i, one] of batch.entries()) {
      try {
        await setOnce(device, [one]);
        isTaken = true;
      } catch (error) {
        one.refuse(error);
        refused += 1;
        if (isTaken || refused < MOST_REFUSED) continue;
        for (const other of batch.slice(i + 1)) other.refuse(error);
        return;
      }
    }
  }

  const sets = createGathering<Change, void>({
    queues,
    most: (name) => (find(name)?.kind.batches ? MOST_AT_ONCE : 1),
    async send(name, waiting) {
      const device = find(name)?.device;
      if (!device) return refuseAll(waiting, gone(name));
      const batch = await permitted(waiting);
      if (batch.length === 0) return;
      try {
        await setOnce(device, batch);
      } catch (error) {
        const isFinal = !(error instanceof PowerFault) || error.severity === 'fatal';
        if (batch.length > 1 && isFinal) await setEach(device, batch);
        else refuseAll(batch, error);
      }
    },
  });

  const queries = createGathering<undefined, PortPower | undefined>({
    queues,
    most: () => MOST_AT_ONCE,
    async send(name, batch) {
      const device = find(name)?.device;
      if (!device) return refuseAll(batch, gone(name));
      try {
        const ports = batch.map(({ port }) => port);
        const told = await call(batch, async (signal) => device.query?.(ports, signal));
        for (const { port, answer } of batch) answer(told === undefined ? undefined : (told.get(port) ?? 'unknown'));
      } catch (error) {
        refuseAll(batch, error);
      }
    },
  });

  return {
    set: (name, port, change, signal) => sets.add(name, port, change, signal),
    query: (name, port, signal) => queries.add(name, port, undefined, signal),
    turn: (name, task, signal) => queues.run(name, task, signal),
  };
}

function refuseAll(batch: Sent<unknown, never>, error: unknown): void {
  for (const { refuse } of batch) refuse(error);
}

function gone(name: string): PowerFault {
  return new PowerFault('fatal', `the switch ${name} is not there any more`, {
    told: `the switch ${name} is not there any more`,
  });
}
