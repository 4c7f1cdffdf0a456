import type { z } from 'zod';
import type { Clock } from '../../../core/host/clock.ts';
import type { Log } from '../../../core/log.ts';

/** What a port gives. `unknown` is never the same as `off`. */
export type PortPower = 'on' | 'off' | 'unknown';

/** One port as its switch tells of it; what a switch cannot tell is left out. */
export interface PortReading {
  /** As the driver takes it in `set` and `query`, and as a Pi is bound to it. */
  readonly port: string;
  /** What people call it, from the switch. */
  readonly label?: string;
  /** Whether its power is switched on. */
  readonly power: PortPower;
  /** Something on it draws power (RFC 3621 pethPsePortDetectionStatus deliveringPower). */
  readonly delivers?: boolean;
  readonly milliwatts?: number;
  readonly link?: boolean;
  /** Station addresses learned on it, lower case with colons; at most 64. Several: there is another switch behind it. */
  readonly macs?: readonly string[];
}

/** Power that a switch has for all its ports, in mW. */
export interface PowerBudget {
  readonly limitMilliwatts: number;
  readonly usedMilliwatts: number;
}

/** Everything that a switch tells at once. */
export interface SwitchSurvey {
  /** What it says that it is: vendor, model, version. */
  readonly description: string;
  readonly ports: readonly PortReading[];
  readonly budget?: PowerBudget;
}

/**
 * One switch, reached with one set of settings. It translates a request, once: no retries, no waiting for an effect. The service
 * around it does those, and calls it at most once at a time (`survey` too). Every call ends soon after `signal` is aborted, with the
 * signal's reason, and throws only `PowerFault` otherwise: `fatal` for wrong credentials or a port that is not there, `retryable` for
 * what may work in a moment. No message carries a secret.
 */
export interface PowerSwitch {
  /** Switches ports, one or several (more than one only if the kind `batches`). Repeating it is a success, and interrupts nothing. */
  set(changes: ReadonlyMap<string, 'on' | 'off'>, signal: AbortSignal): Promise<void>;
  /** Reads back what these ports give; absent where the device cannot tell. A port left out of the answer is `unknown`. */
  query?(ports: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, PortPower>>;
  /** Asks for everything: the test of a connection. Absent where a device has no such question. */
  survey?(signal: AbortSignal): Promise<SwitchSurvey>;
  /** Lets go of sockets; nothing is called after it. */
  close?(): void;
}

/** What a switch is made with. */
export interface SwitchParts {
  readonly clock: Clock;
  readonly log: Log;
}

/** What a driver file describes. */
interface Described<Settings> {
  /** Its name in the API: `snmp-poe`. */
  readonly name: string;
  /** One line for operators: which devices these are. */
  readonly title: string;
  /** A flat object. */
  readonly settings: z.ZodObject & z.ZodType<Settings>;
  /** Settings that are sealed in the database and never shown again. */
  readonly secrets: readonly (keyof Settings & string)[];
  /**
   * Settings that say who gets what is secret, or whether anybody else can read it: host, port, scheme, certificate. Who changes one of them gives the
   * secrets again. Without this it is every setting that is not secret.
   */
  readonly address?: readonly (keyof Settings & string)[];
  /** Several ports can be set in one call, as cheaply as one. */
  readonly batches: boolean;
  /** How long its read-back may lag behind a change, in ms; 0 where it tells the truth at once. */
  readonly readBackMs: number;
  /** Makes one; does no I/O. */
  open(settings: Settings, parts: SwitchParts): PowerSwitch;
}

/** A kind of switch: one file beside this one, one line in kinds.ts. */
export interface SwitchKind extends Omit<Described<object>, 'settings' | 'secrets' | 'address' | 'open'> {
  readonly settings: z.ZodObject;
  readonly secrets: readonly string[];
  readonly address?: readonly string[] | undefined;
  /** Makes one of settings that are parsed first. @throws ZodError */
  open(settings: unknown, parts: SwitchParts): PowerSwitch;
}

/** A kind, with its settings checked by its own schema wherever they come from. */
export function defineSwitchKind<Settings>(kind: Described<Settings>): SwitchKind {
  return { ...kind, open: (settings, parts) => kind.open(kind.settings.parse(settings), parts) };
}

/** A switch in use. */
export interface OpenSwitch {
  /** The operator's name for it, as in a Pi's `port.switch`. */
  readonly name: string;
  readonly kind: Pick<SwitchKind, 'name' | 'batches' | 'readBackMs'>;
  readonly device: PowerSwitch;
}
