import { lookup } from 'node:dns/promises';
import {
  Authentication,
  AuthProtocols,
  createSession,
  createV3Session,
  ObjectType,
  PrivProtocols,
  SecurityLevel,
  type Session,
  type Varbind,
  Version2c,
  Version3,
} from 'net-snmp';
import { toFault } from './faults.ts';
import { mayBeAnswer } from './guard.ts';
import type { SnmpSettings } from './settings.ts';
import { connectTo, sessionSocket } from './socket.ts';
import { type Column, type WalkStep, walkStep } from './walk.ts';

/**
 * Objects of one GET or SET: with them a message stays near the 484 bytes that every agent takes (RFC 3417 section 3.2), and what is
 * in one SET is set at once or not at all (RFC 3416 section 4.2.5).
 */
export const MAX_VARBINDS = 16;
/** How often a datagram is sent, in all. */
const SENDINGS = 3;
/** Objects of one answer to a GETBULK. */
const BULK = 40;
/** Keys that the library keeps in memory: two for each engine, which anybody who answers can name anew. */
const MAX_KEPT_KEYS = 256;

/** A table, by index: its columns in the order asked for, `undefined` where a row has none. */
export interface Table {
  readonly rows: ReadonlyMap<string, readonly unknown[]>;
  /** False when there were more rows than allowed; the rest was not asked for. */
  readonly isWhole: boolean;
}

/** Requests to one switch, one after the other. Each throws `PowerFault`. */
export interface Conversation {
  /** The values, in order; undefined for what is not there. */
  get(oids: readonly string[]): Promise<readonly unknown[]>;
  /** Sets at most MAX_VARBINDS integers. The names of those that the switch does not have, although it has answered with no error. */
  set(values: ReadonlyMap<string, number>): Promise<readonly string[]>;
  walk(columns: readonly string[], maxRows: number): Promise<Table>;
}

function openSession(
  settings: SnmpSettings,
  dgramModule: { createSocket(): ReturnType<typeof sessionSocket> },
): Session {
  const options = {
    version: settings.version === '2c' ? Version2c : Version3,
    port: settings.port,
    retries: SENDINGS - 1,
    timeout: Math.ceil(settings.timeoutMs / SENDINGS),
    context: settings.context,
    dgramModule,
  };
  if (settings.version === '2c') return createSession(settings.host, settings.community ?? '', options);
  if (Object.keys(Authentication.authToKeyCache).length > MAX_KEPT_KEYS) Authentication.authToKeyCache = {};
  const user = {
    name: settings.user ?? '',
    level: SecurityLevel[settings.level],
    authProtocol: AuthProtocols[settings.authProtocol],
    authKey: settings.authKey ?? '',
    privProtocol: PrivProtocols[settings.privProtocol],
    privKey: settings.privKey ?? '',
  };
  return createV3Session(settings.host, user, options);
}

/** Turns a call with a callback into a promise. */
function answerOf<Answer>(ask: (answered: (error: Error | null, answer: Answer) => void) => void): Promise<Answer> {
  return new Promise((resolve, reject) => ask((error, answer) => (error ? reject(error) : resolve(answer))));
}

const isThere = ({ type }: Varbind) => type < 0x80;

function conversationBy(session: Session): Conversation {
  return {
    async get(oids) {
      const values: unknown[] = [];
      for (let from = 0; from < oids.length; from += MAX_VARBINDS) {
        const part = oids.slice(from, from + MAX_VARBINDS);
        const answer = await answerOf<readonly Varbind[]>((answered) => session.get(part, answered));
        const known = new Map(answer.filter(isThere).map(({ oid, value }) => [oid, value]));
        values.push(...part.map((oid) => known.get(oid)));
      }
      return values;
    },
    async set(values) {
      const varbinds = [...values].map(([oid, value]) => ({ oid, type: ObjectType.Integer, value }));
      const answer = await answerOf<readonly Varbind[]>((answered) => session.set(varbinds, answered));
      return answer.filter((varbind) => !isThere(varbind)).map(({ oid }) => oid);
    },
    async walk(oids, maxRows) {
      const rows = new Map<string, unknown[]>();
      let columns: readonly Column[] = oids.map((oid, place) => ({ oid, place, last: oid }));
      while (columns.length > 0) {
        const asked = columns.map(({ last }) => last);
        const repetitions = Math.floor(BULK / columns.length);
        const answer = await answerOf<WalkStep>((answered) => session.getBulk(asked, 0, repetitions, answered));
        columns = walkStep(columns, answer, rows);
        if (rows.size > maxRows) return { rows: new Map([...rows].slice(0, maxRows)), isWhole: false };
      }
      return { rows, isWhole: true };
    },
  };
}

/**
 * Opens a socket, talks and closes it. Each conversation of version 3 asks the switch for its engine and its time anew (RFC 3414
 * section 4), so a switch that has restarted is not met with those of before.
 * @throws PowerFault, or the signal's reason soon after it is aborted.
 */
export async function converse<T>(
  settings: SnmpSettings,
  signal: AbortSignal,
  talk: (conversation: Conversation) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const end = Promise.withResolvers<never>();
  end.promise.catch(() => {});
  const onAbort = () => end.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const sawStrange = { is: false };
  const onStrange = () => {
    sawStrange.is = true;
  };
  let session: Session | undefined;
  try {
    // A name that is being looked up cannot be given up, only left alone.
    const address = await Promise.race([end.promise, lookup(settings.host)]);
    const socket = await connectTo(address, settings.port, signal);
    const admits = (datagram: Buffer) => mayBeAnswer(datagram, settings);
    const adapted = sessionSocket(socket, admits, { onFailure: end.reject, onStrange });
    session = openSession(settings, { createSocket: () => adapted });
    session.on('error', onStrange);
    return await Promise.race([end.promise, talk(conversationBy(session))]);
  } catch (error) {
    signal.throwIfAborted();
    throw toFault(error, settings, sawStrange);
  } finally {
    signal.removeEventListener('abort', onAbort);
    session?.close();
  }
}
