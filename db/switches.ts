import type { Selectable } from 'kysely';
import { BakeryError } from '../core/errors.ts';
import type { PiId } from '../core/ids.ts';
import type { PiPort } from '../core/pi.ts';
import { addFeedEvent } from './events.ts';
import { atomically, type Executor } from './open.ts';
import { findPi, patchPi, setMovedTo } from './pis.ts';
import type { Schema } from './schema.ts';
import { addTold, listTold, removeTold } from './told.ts';
import { setUnlisted } from './unlisted.ts';

/** Each is asked again and again, and is a device in memory. */
const MOST_SWITCHES = 200;

/** What is told of a switch, and still is so. */
const UNREACHABLE = 'switch-unreachable';

/** Settings of a switch by their names, as they were entered: defaults are the matter of its kind. */
export type SwitchSettings = Readonly<Record<string, string | number | boolean | null>>;

/** A switch whose ports Pis hang on, as an operator entered it. */
export interface SwitchRecord {
  readonly name: string;
  readonly kind: string;
  readonly notes: string;
  /** Without what is secret. */
  readonly settings: SwitchSettings;
  /** What is secret, sealed for this name. */
  readonly sealed: Uint8Array | undefined;
  readonly createdAt: number;
}

function toSwitch(row: Selectable<Schema['switches']>): SwitchRecord {
  return {
    name: row.name,
    kind: row.kind,
    notes: row.notes,
    settings: JSON.parse(row.settings),
    sealed: row.secrets ?? undefined,
    createdAt: row.created_at,
  };
}

/** All switches, by name. */
export async function listSwitches(ex: Executor): Promise<SwitchRecord[]> {
  return (await ex.selectFrom('switches').selectAll().orderBy('name').execute()).map(toSwitch);
}

/** The switch of that name; throws `switch-unknown` (not-found). */
export async function requireSwitch(ex: Executor, name: string): Promise<SwitchRecord> {
  const row = await ex.selectFrom('switches').selectAll().where('name', '=', name).executeTakeFirst();
  if (!row) throw new BakeryError('not-found', 'switch-unknown', 'there is no such switch');
  return toSwitch(row);
}

/**
 * Enters a switch.
 * @throws BakeryError `switch-exists`, `too-many-switches` (conflict).
 */
export async function addSwitch(ex: Executor, record: SwitchRecord): Promise<void> {
  await atomically(ex, async (trx) => {
    const all = await listSwitches(trx);
    if (all.some(({ name }) => name === record.name)) {
      throw new BakeryError('conflict', 'switch-exists', `there is a switch ${record.name} already`);
    }
    if (all.length >= MOST_SWITCHES) {
      throw new BakeryError('conflict', 'too-many-switches', `there are ${MOST_SWITCHES} switches already`);
    }
    const { name, kind, notes, settings, sealed, createdAt } = record;
    const row = { name, kind, notes, settings: JSON.stringify(settings), secrets: sealed ?? null };
    await trx
      .insertInto('switches')
      .values({ ...row, created_at: createdAt })
      .execute();
    await addFeedEvent(trx, { type: 'switch.created', data: { switch: name, kind } }, createdAt);
  });
}

/** Puts other notes and settings in the place of those it had. `changed`: the names of settings that are others, to be told. */
export async function changeSwitch(
  ex: Executor,
  after: Pick<SwitchRecord, 'name' | 'notes' | 'settings' | 'sealed'>,
  { changed, now }: { changed: readonly string[]; now: number },
): Promise<void> {
  const { name, notes, settings, sealed } = after;
  await atomically(ex, async (trx) => {
    const before = await requireSwitch(trx, name);
    await trx
      .updateTable('switches')
      .set({ notes, settings: JSON.stringify(settings), secrets: sealed ?? null })
      .where('name', '=', name)
      .execute();
    if (changed.length === 0 && notes === before.notes) return;
    const data = { switch: name, kind: before.kind, settings: changed, notes: notes !== before.notes };
    await addFeedEvent(trx, { type: 'switch.changed', data }, now);
  });
}

/** Notes that a switch answered, or with an error that it did not; told when that is a change, also after a restart. */
export async function setReached(
  ex: Executor,
  name: string,
  { error, now }: { error: Pick<BakeryError, 'code' | 'message'> | undefined; now: number },
): Promise<void> {
  await atomically(ex, async (trx) => {
    if ((await listTold(trx, UNREACHABLE)).has(name) === (error !== undefined)) return;
    if (!(await trx.selectFrom('switches').select('name').where('name', '=', name).executeTakeFirst())) return;
    if (error) {
      const { code, message } = error;
      await addTold(trx, UNREACHABLE, name);
      await addFeedEvent(trx, { type: 'switch.unreachable', data: { switch: name, error: { code, message } } }, now);
    } else {
      await removeTold(trx, UNREACHABLE, name);
      await addFeedEvent(trx, { type: 'switch.answers', data: { switch: name } }, now);
    }
  });
}

/**
 * Forgets a switch; it is fine when there is none. With `unbind` the Pis that are bound to its ports are bound to none.
 * @throws BakeryError `switch-in-use` (conflict) when there are such Pis, without `unbind`.
 */
export async function removeSwitch(
  ex: Executor,
  name: string,
  options: { unbind: boolean; now: number },
): Promise<void> {
  await atomically(ex, async (trx) => {
    const bound = [...(await listBoundPorts(trx))].filter(([, port]) => port.switch === name);
    const [first] = bound;
    if (first && !options.unbind) {
      const more = bound.length > 1 ? `, and ${bound.length - 1} more are to others` : '';
      const message = `Pi ${first[0]} is bound to port ${first[1].port} of that switch${more}`;
      throw new BakeryError('conflict', 'switch-in-use', message);
    }
    for (const [pi] of bound) await bindPort(trx, pi, null, options.now);
    const { numDeletedRows } = await trx.deleteFrom('switches').where('name', '=', name).executeTakeFirst();
    await removeTold(trx, UNREACHABLE, name);
    if (numDeletedRows > 0n) await addFeedEvent(trx, { type: 'switch.deleted', data: { switch: name } }, options.now);
  });
}

/** Compares what Pis are bound to with the ports that their switch lists. */
export async function judgePorts(ex: Executor, name: string, listed: ReadonlySet<string>, now: number): Promise<void> {
  for (const [id, port] of await listBoundPorts(ex)) {
    if (port.switch === name) await setUnlisted(ex, { id, port }, !listed.has(port.port), now);
  }
}

/** The port that each Pi is bound to, of those that are bound. */
export async function listBoundPorts(ex: Executor): Promise<Map<PiId, PiPort>> {
  const rows = await ex.selectFrom('pis').select(['id', 'switch', 'port']).where('switch', 'is not', null).execute();
  return new Map(
    rows.flatMap(({ id, switch: name, port }) =>
      name === null || port === null ? [] : [[id as PiId, { switch: name, port }]],
    ),
  );
}

/** Binds a Pi to a port, or with null to none. What was found of it at another port is over then, and that is told. */
export async function bindPort(ex: Executor, id: PiId, port: PiPort | null, now: number): Promise<void> {
  await atomically(ex, async (trx) => {
    const pi = await findPi(trx, id);
    if (!pi) return;
    await setUnlisted(trx, pi, false, now);
    await setMovedTo(trx, id, null, now);
    await patchPi(trx, id, { port });
  });
}
