import { BakeryError, describeError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/host/clock.ts';
import type { Seal } from '../../../core/host/sealed.ts';
import type { PiId } from '../../../core/ids.ts';
import type { Log } from '../../../core/log.ts';
import type { PiPort } from '../../../core/pi.ts';
import type { Db } from '../../../db/open.ts';
import { listBoundPorts, listSwitches, type SwitchRecord, type SwitchSettings } from '../../../db/switches.ts';
import { createQueues } from '../queues.ts';
import { type CallCounts, countCalls, noCalls } from './counted.ts';
import { keepSecrets } from './discreet.ts';
import type { OpenSwitch, SwitchKind } from './kind.ts';
import { findSwitchKind } from './kinds.ts';
import { CREDENTIALS_LOST, openSecrets, secretTexts } from './settings.ts';
import { hideSecrets } from './words.ts';
import type { SwitchWriter } from './writer.ts';

/** How a switch of the database can be used. */
export interface SwitchState {
  /** Why it cannot, in plain words. */
  readonly fault: string | undefined;
  /** The names of the secrets it has. */
  readonly secrets: readonly string[];
}

/** The switches of the database as devices, and which Pi hangs on which port: all of it from memory. */
export interface OpenSwitches {
  /** The switch of that name; undefined when there is none, or it has a fault. Ask in your turn: it may be another by then. */
  find(name: string): OpenSwitch | undefined;
  /** The port that a Pi is bound to; its switch may be none of these. */
  boundPort(pi: PiId): PiPort | undefined;
  /** All of them, those with a fault too, each with its calls since the start. */
  list(): readonly { readonly name: string; readonly kind: string; readonly calls: CallCounts }[];
  /** Undefined when there is no switch of that name. */
  state(name: string): SwitchState | undefined;
  /** Takes over what the database says. To be called after each change of a switch or a binding, before that is answered. */
  refresh(): Promise<void>;
  /** Lets go of every device, each in its turn. */
  close(): Promise<void>;
}

interface Held {
  /** What it was opened from. */
  readonly source: string;
  readonly kind: string;
  readonly open: OpenSwitch | undefined;
  readonly fault: string | undefined;
  readonly secrets: readonly string[];
}

const sourceOf = ({ kind, settings, sealed }: SwitchRecord) =>
  JSON.stringify([kind, settings, sealed && Buffer.from(sealed).toString('base64')]);

/** Builds it; `refresh` reads the database for the first time. */
export function createOpenSwitches(parts: {
  db: Db;
  kinds: readonly SwitchKind[];
  seal: Seal;
  turn: SwitchWriter['turn'];
  clock: Clock;
  log: Log;
}): OpenSwitches {
  const { db, kinds, seal, turn, clock, log } = parts;
  let held: ReadonlyMap<string, Held> = new Map();
  let bound: ReadonlyMap<PiId, PiPort> = new Map();
  let isClosed = false;
  /** By name: other settings are the same switch. */
  const calls = new Map<string, CallCounts>();
  /** Two that read at once could finish in the wrong order. */
  const refreshes = createQueues();
  const leaving = new Set<Promise<void>>();

  /** Its calls end first, and those that wait for their turn already. */
  function letGo({ name, device }: OpenSwitch): void {
    const gone = turn(name, async () => device.close?.())
      .catch((error) => log.warn({ switch: name, error: describeError(error) }, 'a switch could not be let go of'))
      .finally(() => leaving.delete(gone));
    leaving.add(gone);
  }

  function callsOf(name: string): CallCounts {
    const counts = calls.get(name) ?? noCalls();
    calls.set(name, counts);
    return counts;
  }

  async function open(record: SwitchRecord): Promise<Held> {
    const { name } = record;
    const source = sourceOf(record);
    const broken = (fault: string, detail: string): Held => {
      if (held.get(name)?.fault !== fault) log.warn({ switch: name, fault, detail }, 'a switch cannot be used');
      return { source, kind: record.kind, open: undefined, fault, secrets: [] };
    };
    const kind = findSwitchKind(record.kind, kinds);
    if (!kind) return broken(`this server has no kind ${record.kind} of switches`, '');
    let secret: SwitchSettings;
    try {
      secret = await openSecrets(record, seal);
    } catch (error) {
      const isLost = error instanceof BakeryError && error.code === 'seal-broken';
      return broken(isLost ? CREDENTIALS_LOST : 'its credentials cannot be read now', describeError(error));
    }
    const texts = secretTexts(secret);
    try {
      const opened = kind.open({ ...record.settings, ...secret }, { clock, log });
      const device = countCalls(keepSecrets(opened, texts), callsOf(name));
      return {
        source,
        kind: record.kind,
        open: { name, kind, device },
        fault: undefined,
        secrets: Object.keys(secret),
      };
    } catch (error) {
      const detail = hideSecrets(describeError(error), texts);
      return { ...broken('its kind does not take its settings any more', detail), secrets: Object.keys(secret) };
    }
  }

  async function reload(): Promise<void> {
    const [records, ports] = await db
      .transaction()
      .execute(async (trx) => [await listSwitches(trx), await listBoundPorts(trx)] as const);
    const next = new Map<string, Held>();
    for (const record of records) {
      const before = held.get(record.name);
      // What has a fault is tried again: its key may have been put back.
      const isSame = before?.open !== undefined && before.source === sourceOf(record);
      next.set(record.name, isSame ? before : await open(record));
    }
    if (isClosed) return;
    const replaced = [...held.values()].flatMap(({ open: one }) =>
      one && next.get(one.name)?.open !== one ? [one] : [],
    );
    held = next;
    bound = ports;
    for (const name of calls.keys()) if (!next.has(name)) calls.delete(name);
    for (const one of replaced) letGo(one);
  }

  return {
    find: (name) => held.get(name)?.open,
    boundPort: (pi) => bound.get(pi),
    list: () => [...held].map(([name, { kind }]) => ({ name, kind, calls: callsOf(name) })),
    state(name) {
      const one = held.get(name);
      return one && { fault: one.fault, secrets: one.secrets };
    },
    refresh: () => refreshes.run('', reload),
    async close() {
      isClosed = true;
      await refreshes.run('', async () => undefined);
      for (const { open: one } of held.values()) if (one) letGo(one);
      held = new Map();
      await Promise.all(leaving);
    },
  };
}
