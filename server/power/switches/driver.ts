import { BakeryError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/host/clock.ts';
import type { PiId } from '../../../core/ids.ts';
import type { Pi, PiPort } from '../../../core/pi.ts';
import { PowerTimeout } from '../bounded.ts';
import { type PowerDriver, PowerFault } from '../driver.ts';
import { drawOf, inWatts, type Shortage, type SwitchedPort, shortageOf } from './budget.ts';
import { whyNotOurs } from './guard.ts';
import type { OpenSwitch, PortPower } from './kind.ts';
import { readBack } from './read-back.ts';
import type { SwitchSurveys } from './surveys.ts';
import type { SwitchWriter } from './writer.ts';

/**
 * How long a port that is on may take until something draws from it: detection, classification and start take less than 1 s, a
 * failed detection is repeated after 2 s (IEEE 802.3-2018, table 33-11).
 */
const DELIVERS_MS = 6_000;

/** What a port is refused for must have been seen less than this ago, in ms: cables are moved, and Pis bound anew. */
const REFUSES_MS = 10_000;

/** The same Pi's shortage is told again after so long, in ms. */
const TOLD_AGAIN_MS = 5 * 60_000;

/** A power-on for which its switch may have too little power left. It is tried all the same. */
export interface TightPower extends Shortage {
  readonly pi: PiId;
  readonly port: PiPort;
}

/** What the driver is made of. */
export interface SwitchDriverOptions {
  /** The port that a Pi is bound to; from memory. */
  readonly boundPort: (pi: PiId) => PiPort | undefined;
  readonly switches: { find(name: string): OpenSwitch | undefined };
  /** The one Pi that is bound to a port, as the inventory has it at this moment. */
  readonly owner: (port: PiPort) => Promise<Pick<Pi, 'id' | 'mac' | 'revision'> | undefined>;
  readonly writer: SwitchWriter;
  readonly surveys: Pick<SwitchSurveys, 'last' | 'take'>;
  /** The driver of the environment: of Pis that are bound to no port of a switch. */
  readonly fallback: PowerDriver;
  readonly onTight: (told: TightPower) => Promise<void>;
  readonly clock: Clock;
}

interface Bound {
  readonly pi: PiId;
  readonly port: PiPort;
  readonly on: OpenSwitch;
}

/**
 * Switches Pis through the ports that they are bound to; all others by `fallback`. A Pi whose switch is not there is out of reach,
 * unless the fallback has a port for it, by a configuration of its own.
 *
 * Its calls bound themselves: each of a switch by the writer, and the read-back by the kind's `readBackMs`.
 */
export function createSwitchDriver(options: SwitchDriverOptions): PowerDriver {
  const { boundPort, switches, owner, writer, surveys, fallback, onTight, clock } = options;
  /** What was switched by us, by switch and port. */
  const switched = new Map<string, Map<string, SwitchedPort>>();
  const toldAt = new Map<PiId, number>();

  function boundOf(pi: PiId): Bound | undefined {
    const port = boundPort(pi);
    const on = port && switches.find(port.switch);
    return on && { pi, port, on };
  }

  /** Whether its switch is not there, and nothing else has a port for it. */
  function isLost(pi: PiId): boolean {
    return boundPort(pi) !== undefined && !boundOf(pi) && fallback.reach(pi) !== 'port';
  }

  async function whyNot({ pi, port }: Bound): Promise<string | undefined> {
    const reading = surveys.last(port.switch)?.survey.ports.find((one) => one.port === port.port);
    return whyNotOurs({ pi, port, owner: await owner(port), reading });
  }

  async function guard(bound: Bound): Promise<void> {
    const why = await whyNot(bound);
    if (why) throw new BakeryError('conflict', 'port-not-ours', why);
  }

  /** Looks again before a port is refused for what was seen on it a while ago. */
  async function lookAgain(bound: Bound, signal: AbortSignal): Promise<void> {
    const last = surveys.last(bound.port.switch);
    if (!last || clock.monotonic() < last.at + REFUSES_MS || !(await whyNot(bound))) return;
    await surveys.take(bound.port.switch, signal).catch((error) => {
      // Then what is known stands.
      if (!(error instanceof PowerFault)) throw error;
    });
  }

  async function change(bound: Bound, to: 'on' | 'off', draws: number, signal: AbortSignal) {
    const { port, on } = bound;
    await lookAgain(bound, signal);
    const mayGo = () => guard(bound);
    const ports = switched.get(port.switch) ?? new Map<string, SwitchedPort>();
    switched.set(port.switch, ports);
    // Before the call: of what goes on at the same time each must count the others.
    ports.set(port.port, { to, at: clock.monotonic(), draws });
    await writer.set(port.switch, port.port, { to, mayGo }, signal);
    const ask = () => writer.query(port.switch, port.port, signal);
    return readBack({ ask, wanted: to, forMs: on.kind.readBackMs, clock, signal });
  }

  /** A switch that has no power left may leave a port on and give nothing. */
  async function requireDelivery({ port, on }: Bound, signal: AbortSignal): Promise<void> {
    const ask = async (): Promise<PortPower | undefined> => {
      const survey = await surveys.take(port.switch, signal).catch((error) => {
        // The port is on; only what cannot be asked is not known.
        if (error instanceof PowerFault) return undefined;
        throw error;
      });
      const delivers = survey?.ports.find((one) => one.port === port.port)?.delivers;
      return delivers === undefined ? undefined : delivers ? 'on' : 'off';
    };
    const forMs = Math.max(on.kind.readBackMs, DELIVERS_MS);
    await readBack({ ask, wanted: 'on', forMs, clock, signal });
  }

  /** Once for all tries of a power-on. */
  async function tell(tight: TightPower): Promise<void> {
    const last = toldAt.get(tight.pi);
    if (last !== undefined && clock.monotonic() < last + TOLD_AGAIN_MS) return;
    toldAt.set(tight.pi, clock.monotonic());
    await onTight(tight);
  }

  async function switchOn(bound: Bound, signal: AbortSignal): Promise<void> {
    const { pi, port } = bound;
    const needsMilliwatts = drawOf((await owner(port))?.revision);
    const shortage = shortageOf({
      port: port.port,
      needsMilliwatts,
      last: surveys.last(port.switch),
      switched: switched.get(port.switch) ?? new Map(),
    });
    if (shortage) await tell({ pi, port, ...shortage });
    try {
      await change(bound, 'on', needsMilliwatts, signal);
      if (shortage) await requireDelivery(bound, signal);
    } catch (error) {
      throw shortage ? withShortage(error, shortage) : error;
    }
  }

  return {
    name: fallback.name,
    reach(pi) {
      if (boundOf(pi)) return 'port';
      return isLost(pi) ? 'none' : fallback.reach(pi);
    },
    whyNone(pi) {
      const port = boundPort(pi);
      if (!port || !isLost(pi)) return undefined;
      return `Pi ${pi} is bound to port ${port.port} of the switch ${port.switch}, and there is no such switch in use`;
    },
    mannersOf(pi) {
      const bound = boundOf(pi);
      return bound ? { name: bound.on.kind.name, selfPaced: true } : undefined;
    },
    queueOf(pi) {
      const bound = boundOf(pi);
      return bound ? `switch ${bound.port.switch}` : fallback.queueOf(pi);
    },
    async on(pi, signal) {
      const bound = boundOf(pi);
      return bound ? switchOn(bound, signal) : fallback.on(pi, signal);
    },
    async off(pi, signal) {
      const bound = boundOf(pi);
      if (!bound) return fallback.off(pi, signal);
      return (await change(bound, 'off', 0, signal)) === 'unknown' ? 'unconfirmed' : 'off';
    },
    async query(pi, signal) {
      const bound = boundOf(pi);
      if (!bound) return fallback.query?.(pi, signal);
      return writer.query(bound.port.switch, bound.port.port, signal);
    },
  };
}

/** Says with a failure that the switch had too little power left: that may be why. */
function withShortage(error: unknown, { leftMilliwatts, needsMilliwatts }: Shortage): unknown {
  if (!(error instanceof PowerFault) || error instanceof PowerTimeout) return error;
  const told = [
    error.told,
    `its switch had ${inWatts(leftMilliwatts)} left, and it may draw ${inWatts(needsMilliwatts)}`,
  ];
  const text = told.filter(Boolean).join('; ');
  return new PowerFault(error.severity, error.message, { cause: error, told: text });
}
