import { BakeryError, describeError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/host/clock.ts';
import type { Log } from '../../../core/log.ts';
import { bounded, DEFAULT_CALL_LIMITS } from '../bounded.ts';
import { PowerFault } from '../driver.ts';
import { unlessAborted } from '../queues.ts';
import type { OpenSwitch, PortPower, PowerSwitch, SwitchSurvey } from './kind.ts';
import type { SwitchNews } from './news.ts';
import type { OpenSwitches } from './open.ts';
import type { DatedSurvey, SwitchSurveys } from './surveys.ts';
import { tidySurvey } from './tidy.ts';
import { plainWords } from './words.ts';
import type { SwitchWriter } from './writer.ts';

/** For how long a switch is asked, the wait for its turn counted in. */
const ASK_MS = 10_000;

/** What a switch told of itself, in its bounds, and when it was asked (ms since the epoch). */
export interface TakenSurvey extends SwitchSurvey {
  readonly at: number;
}

/**
 * What people, and rounds, ask switches. Each call throws the reason of `signal`, and BakeryError
 * - `switch-unknown` (not-found): there is none of that name;
 * - `switch-unusable` (conflict): it has a fault that only new settings can mend;
 * - `switch-cannot-tell` (conflict): its kind has no such question;
 * - `switch-refused` (conflict): it will say so again, most often for its credentials;
 * - `switch-failed` (unavailable): it may work in a moment; `switch-timeout` (timeout): no answer within 10 s.
 */
export interface SwitchQuestions {
  /** Asks for everything, now. */
  survey(name: string, signal?: AbortSignal): Promise<TakenSurvey>;
  /** The last survey when it is no older than `maxAgeMs`, else a new one, which all who ask meanwhile share. */
  recent(name: string, maxAgeMs: number): Promise<TakenSurvey>;
  /** The last one that this switch told since it has these settings. */
  last(name: string): TakenSurvey | undefined;
  /** When that was, ms since the epoch. Cheap, as `last` is not. */
  surveyedAt(name: string): number | undefined;
  /** The ports of that survey; undefined where there is none, or it has no ports, which says nothing of any. */
  listed(name: string): ReadonlySet<string> | undefined;
  /** Why the last try failed, in plain words; undefined when it did not. */
  failure(name: string): string | undefined;
  /** Asks what one port gives. */
  port(name: string, port: string): Promise<PortPower>;
  /** Ends what is under way; nothing is asked any more. */
  stop(): void;
}

interface Failure {
  /** Whose it is: with other settings it may work. */
  readonly device: PowerSwitch;
  readonly words: string;
  /** By the clock that nobody can set. */
  readonly at: number;
}

/** Builds it. It remembers the last failure of each switch. */
export function createSwitchQuestions(parts: {
  switches: Pick<OpenSwitches, 'find' | 'state'>;
  surveys: SwitchSurveys;
  turn: SwitchWriter['turn'];
  news: SwitchNews;
  clock: Clock;
  log: Log;
}): SwitchQuestions {
  const { switches, surveys, turn, news, clock, log } = parts;
  const failures = new Map<string, Failure>();
  const underWay = new Map<string, Promise<TakenSurvey>>();
  const end = new AbortController();

  function usable(name: string): OpenSwitch {
    const found = switches.find(name);
    if (found) return found;
    const state = switches.state(name);
    if (!state) throw new BakeryError('not-found', 'switch-unknown', 'there is no such switch');
    throw new BakeryError('conflict', 'switch-unusable', `switch ${name} cannot be used: ${state.fault}`);
  }

  /** One question, ended at its limit whether its turn has come or not. */
  async function inTime<T>(
    name: string,
    question: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const late = new AbortController();
    const timers = new AbortController();
    const limit = AbortSignal.any([late.signal, end.signal, ...(signal ? [signal] : [])]);
    limit.throwIfAborted();
    clock.sleep(ASK_MS, timers.signal).then(
      () => late.abort(new BakeryError('timeout', 'switch-timeout', `switch ${name} did not answer within 10 s`)),
      () => undefined,
    );
    try {
      return await unlessAborted(question(limit), limit);
    } catch (error) {
      if (!limit.aborted) throw toProblem(name, error);
      throw limit.reason;
    } finally {
      timers.abort();
    }
  }

  /** The error a client sees. What the switch said, word for word, is for the log. */
  function toProblem(name: string, error: unknown): BakeryError {
    if (error instanceof BakeryError) return error;
    const said = describeError(error);
    const isFinal = error instanceof PowerFault && error.severity === 'fatal';
    const words = error instanceof PowerFault ? plainWords(said, []) : 'its driver failed; the log says how';
    return isFinal
      ? new BakeryError('conflict', 'switch-refused', `switch ${name} refuses: ${words}`, { detail: said })
      : new BakeryError('unavailable', 'switch-failed', `switch ${name} could not be asked: ${words}`, {
          detail: said,
        });
  }

  const atOf = (dated: DatedSurvey) => Math.round(clock.now() - (clock.monotonic() - dated.at));

  /** The last survey with its age. */
  function lastOf(name: string): { survey: TakenSurvey; ageMs: number } | undefined {
    const dated = surveys.last(name);
    if (!dated) return undefined;
    return { survey: { ...tidySurvey(dated.survey), at: atOf(dated) }, ageMs: clock.monotonic() - dated.at };
  }

  function surveyedAt(name: string): number | undefined {
    const dated = surveys.last(name);
    return dated && atOf(dated);
  }

  function failure(name: string): string | undefined {
    const last = failures.get(name);
    const isOfThis = last !== undefined && last.device === switches.find(name)?.device;
    // What it told since is better news.
    return isOfThis && (surveys.last(name)?.at ?? Number.NEGATIVE_INFINITY) < last.at ? last.words : undefined;
  }

  function listed(name: string): ReadonlySet<string> | undefined {
    const ports = surveys.last(name)?.survey.ports ?? [];
    return ports.length === 0 ? undefined : new Set(ports.map(({ port }) => port));
  }

  async function noteFailure(name: string, device: PowerSwitch, error: unknown): Promise<void> {
    for (const one of failures.keys()) if (!switches.state(one)) failures.delete(one);
    failures.set(name, { device, words: describeMessage(error), at: clock.monotonic() });
    log.warn({ switch: name, error: describeError(error) }, 'a switch could not be asked what is on its ports');
    // What its old settings did says nothing of it.
    const isOfThis = switches.find(name)?.device === device;
    if (isOfThis && error instanceof BakeryError) await news.surveyed(name, { error });
  }

  async function survey(name: string, signal?: AbortSignal): Promise<TakenSurvey> {
    const { device } = usable(name);
    if (!device.survey) throw cannotTell(name, 'a list of its ports');
    try {
      await inTime(name, (limit) => surveys.take(name, limit), signal);
    } catch (error) {
      if (!signal?.aborted && !end.signal.aborted) await noteFailure(name, device, error);
      throw error;
    }
    const taken = lastOf(name);
    // It was given other settings, or is gone, since.
    if (!taken)
      throw new BakeryError('unavailable', 'switch-failed', `switch ${name} was changed meanwhile; ask again`);
    await news.surveyed(name, { listed: listed(name) });
    return taken.survey;
  }

  return {
    survey,
    async recent(name, maxAgeMs) {
      const last = lastOf(name);
      if (last && last.ageMs <= maxAgeMs && failure(name) === undefined) return last.survey;
      const shared = underWay.get(name);
      if (shared) return shared;
      const taking = survey(name).finally(() => underWay.delete(name));
      underWay.set(name, taking);
      return taking;
    },
    last: (name) => lastOf(name)?.survey,
    surveyedAt,
    listed,
    failure,
    async port(name, port) {
      if (!usable(name).device.query) throw cannotTell(name, 'the power of a port');
      const query = async (signal: AbortSignal) => usable(name).device.query?.([port], signal);
      const ask = (limit: AbortSignal) =>
        turn(name, () => bounded(query, { ...DEFAULT_CALL_LIMITS, clock, signal: limit }), limit);
      return (await inTime(name, ask, undefined))?.get(port) ?? 'unknown';
    },
    stop: () => end.abort(new BakeryError('unavailable', 'stopping', 'the server is stopping')),
  };
}

const describeMessage = (error: unknown) => (error instanceof Error ? error.message : String(error));

function cannotTell(name: string, what: string): BakeryError {
  return new BakeryError('conflict', 'switch-cannot-tell', `switch ${name} is of a kind that cannot tell ${what}`);
}
