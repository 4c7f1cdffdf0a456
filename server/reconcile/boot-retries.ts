import { BakeryError, describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { Pi } from '../../core/pi.ts';
import { addFeedEvent } from '../../db/events.ts';
import type { Db } from '../../db/open.ts';
import { listPis, setFault } from '../../db/pis.ts';
import { decideRetry, type RetryDecision, type RetryLimits } from '../../netboot/boots/retry.ts';
import type { Engine } from '../operations/engine.ts';
import type { PiPower } from '../operations/ports.ts';
import { planPower } from '../operations/power.ts';

/** With these words begins the fault of a Pi that was given up. */
const FAULT = 'it does not boot';

/** The newest boot of a Pi whose power was not taken since. */
export interface NewestBoot {
  readonly id: string;
  readonly state: 'under-way' | 'up' | 'stopped';
  /** It has its firmware: what it does from here on a server may miss, one that restarts for example. */
  readonly hasFirmware: boolean;
}

/** Cycles Pis that gave up booting. */
export interface BootRetries {
  /** One round over all Pis. */
  round(): Promise<void>;
}

interface History {
  readonly tries: number;
  lastTryAt: number;
  givenUpOn: string | undefined;
  isRunning: boolean;
}

/**
 * Builds it. A cycle is an operation like a person's: it holds the Pi, and waits for its turn to boot. What was tried is remembered in
 * memory alone: a new server begins with the boots that it knows of, and with all tries.
 */
export function createBootRetries(options: {
  db: Db;
  engine: Pick<Engine, 'start'>;
  power: Pick<PiPower, 'controls' | 'reach' | 'whyNone' | 'cycleWaitMs'>;
  newestBoot(pi: PiId): NewestBoot | undefined;
  /** Which of these addresses answer now, and as which board. */
  answering(addresses: readonly Ipv4[]): Promise<ReadonlyMap<Ipv4, Mac>>;
  limits: RetryLimits;
  clock: Clock;
  log: Log;
}): BootRetries {
  const { db, engine, power, newestBoot, limits, clock, log } = options;
  const histories = new Map<PiId, History>();

  function isWanted(pi: Pi): boolean {
    const isFree = !pi.maintenance && !pi.quarantine && !pi.awaitOff;
    return pi.state === 'baked' && pi.desiredPower === 'on' && isFree && power.controls(pi.id);
  }

  function decide(pi: Pi, mayRun: boolean): RetryDecision {
    const { tries = 0, lastTryAt, givenUpOn } = histories.get(pi.id) ?? {};
    const facts = { boot: newestBoot(pi.id), isWanted: isWanted(pi), mayRun, tries, lastTryAt, givenUpOn };
    return decideRetry(facts, limits, clock.monotonic());
  }

  async function cycle(pi: PiId): Promise<void> {
    const tries = (histories.get(pi)?.tries ?? 0) + 1;
    const told = { boot: newestBoot(pi)?.id, try: tries, of: limits.tries };
    const history: History = { tries, lastTryAt: clock.monotonic(), givenUpOn: undefined, isRunning: true };
    try {
      const started = await engine.start('power', async (trx) => {
        const params = await planPower(trx, { pi, action: 'cycle', power });
        await addFeedEvent(trx, { type: 'boot.retried', pi, data: told }, clock.now());
        return params;
      });
      histories.set(pi, history);
      log.warn({ pi, ...told }, 'a Pi gave up booting; cycling its power');
      // A switch that fails is a fault of the Pi. The wait for its turn is no pause.
      const ended = () => Object.assign(history, { isRunning: false, lastTryAt: clock.monotonic() });
      started.done.then(ended, ended);
    } catch (error) {
      // Another operation has it, and says what becomes of it. One that was cycled too often waits.
      if (error instanceof BakeryError && ['busy', 'stopping', 'pi-unknown', 'too-many-cycles'].includes(error.code))
        return;
      log.error({ pi, error: describeError(error) }, 'a Pi that gave up booting could not be cycled');
    }
  }

  async function giveUp(pi: PiId): Promise<void> {
    const boot = newestBoot(pi)?.id;
    const history = histories.get(pi);
    if (history) history.givenUpOn = boot;
    log.error({ pi, boot, tries: limits.tries }, 'a Pi does not boot, however often it is cycled');
    await db.transaction().execute(async (trx) => {
      await addFeedEvent(trx, { type: 'boot.given-up', pi, data: { boot, tries: limits.tries } }, clock.now());
      await setFault(trx, pi, `${FAULT}: given up after ${limits.tries} power-cycles`, clock.now());
    });
  }

  async function forget(pi: Pi): Promise<void> {
    histories.delete(pi.id);
    const isUp = newestBoot(pi.id)?.state === 'up';
    if (isUp && pi.fault?.startsWith(FAULT)) await setFault(db, pi.id, null, clock.now());
  }

  /** Those of `pis` that may run, whatever was not heard of them. */
  async function running(pis: readonly Pi[]): Promise<Set<PiId>> {
    const answers = await options.answering(pis.flatMap(({ address }) => address ?? []));
    const may = ({ id, address, mac }: Pi) =>
      address ? answers.has(address) && answers.get(address) === mac : newestBoot(id)?.hasFirmware === true;
    return new Set(pis.filter(may).map(({ id }) => id));
  }

  return {
    async round() {
      if (limits.tries === 0) return;
      const pis = await listPis(db);
      const idle = pis.filter(({ id }) => !histories.get(id)?.isRunning);
      const isDue = (pi: Pi) => ['cycle', 'give-up'].includes(decide(pi, false));
      for (const pi of idle.filter((one) => decide(one, false) === 'forget')) await forget(pi);
      const due = idle.filter(isDue);
      const mayRun = await running(due);
      for (const pi of due) {
        // It may have come up while it was asked.
        const decision = decide(pi, mayRun.has(pi.id));
        if (decision === 'cycle') await cycle(pi.id);
        else if (decision === 'give-up') await giveUp(pi.id);
      }
      const known = new Set(pis.map(({ id }) => id));
      for (const id of histories.keys()) if (!known.has(id)) histories.delete(id);
    },
  };
}
