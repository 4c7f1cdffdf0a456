import type { Selectable } from 'kysely';
import { BakeryError } from '../core/errors.ts';
import {
  type BakeformName,
  type DiskId,
  type Ipv4,
  type Mac,
  type PiId,
  type PiName,
  parsePiName,
  piIdOfSerial,
  requirePiId,
} from '../core/ids.ts';
import { nextPiState, type Pi, type PiEvent, type PiPort, type PiState } from '../core/pi.ts';
import { addFeedEvent } from './events.ts';
import { atomically, type Executor } from './open.ts';
import type { Schema } from './schema.ts';

type Row = Selectable<Schema['pis']>;

const portOf = (name: string | null, port: string | null): PiPort | undefined =>
  name === null || port === null ? undefined : { switch: name, port };

function toPi(row: Row, disks: readonly DiskId[]): Pi {
  return {
    id: row.id as PiId,
    state: row.state as PiState,
    bakeform: (row.bakeform ?? undefined) as BakeformName | undefined,
    bakeformVolume: row.bakeform_volume ?? undefined,
    disks,
    mac: (row.mac ?? undefined) as Mac | undefined,
    address: (row.address ?? undefined) as Ipv4 | undefined,
    previousAddress: (row.previous_address ?? undefined) as Ipv4 | undefined,
    addressSeenAt: row.address_seen_at ?? undefined,
    bootExpectedUntil: row.boot_expected_until ?? undefined,
    desiredPower: (row.desired_power ?? undefined) as 'on' | 'off' | undefined,
    maintenance: row.maintenance === 1,
    manageDisks: row.manage_disks === 1,
    quarantine: row.quarantine === 1,
    awaitOff: row.await_off === 1,
    fault: row.fault ?? undefined,
    name: (row.name ?? undefined) as PiName | undefined,
    tags: JSON.parse(row.tags),
    notes: row.notes,
    port: portOf(row.switch, row.port),
    movedTo: portOf(row.moved_switch, row.moved_port),
    revision: row.revision ?? undefined,
  };
}

async function withDisks(ex: Executor, rows: readonly Row[]): Promise<Pi[]> {
  const [first] = rows;
  if (!first) return [];
  const onPis = ex.selectFrom('disks').select(['id', 'pi', 'state']);
  // Each step of an operation looks at its Pi: not at the disks of all others.
  const disks = await (rows.length === 1 ? onPis.where('pi', '=', first.id) : onPis.where('pi', 'is not', null))
    .where((eb) => eb.or([eb('state', '=', 'ready'), eb.and([eb('state', '=', 'removing'), eb('position', '=', 0)])]))
    .orderBy('position')
    .execute();
  const byPi = Map.groupBy(disks, (disk) => disk.pi);
  return rows.map((row) =>
    toPi(
      row,
      // While a Pi gets another root, the old one keeps its place in the list: clients take all but the first for data.
      (byPi.get(row.id) ?? [])
        .filter(({ state }) => state === 'ready' || row.state === 'baking')
        .map((disk) => disk.id as DiskId),
    ),
  );
}

/** The Pi with that id, or undefined. */
export async function findPi(ex: Executor, id: PiId): Promise<Pi | undefined> {
  const rows = await ex.selectFrom('pis').selectAll().where('id', '=', id).execute();
  return (await withDisks(ex, rows))[0];
}

/** The Pi with that id; throws `pi-unknown` (not-found). */
export async function requirePi(ex: Executor, id: PiId): Promise<Pi> {
  const pi = await findPi(ex, id);
  if (!pi) throw new BakeryError('not-found', 'pi-unknown', `there is no Pi ${id}`);
  return pi;
}

/** The Pi of that id, serial or name. @throws BakeryError `bad-pi-id` (invalid), `pi-unknown` (not-found). */
export async function requirePiCalled(ex: Executor, text: string): Promise<Pi> {
  const name = parsePiName(text);
  if (!name) return requirePi(ex, piIdOfSerial(text) ?? requirePiId(text));
  const pi = await findPiBy(ex, 'name', name);
  if (!pi) throw new BakeryError('not-found', 'pi-unknown', `there is no Pi called ${name}`);
  return pi;
}

/** All Pis, by id. */
export async function listPis(ex: Executor): Promise<Pi[]> {
  return withDisks(ex, await ex.selectFrom('pis').selectAll().orderBy('id').execute());
}

/** The Pi bound to that MAC, that owns that address, or that is called so. */
export async function findPiBy(
  ex: Executor,
  column: 'mac' | 'address' | 'name',
  value: Mac | Ipv4 | PiName,
): Promise<Pi | undefined> {
  const rows = await ex.selectFrom('pis').selectAll().where(column, '=', value).execute();
  return (await withDisks(ex, rows))[0];
}

/** Adds a Pi to the fridge; it is fine when it is there. */
export async function addPi(
  ex: Executor,
  pi: { id: PiId; quarantine: boolean; confirmed: boolean; now: number },
): Promise<void> {
  await ex
    .insertInto('pis')
    .values({
      id: pi.id,
      state: 'fridge',
      quarantine: pi.quarantine ? 1 : 0,
      confirmed: pi.confirmed ? 1 : 0,
      created_at: pi.now,
    })
    .onConflict((c) => c.doNothing())
    .execute();
}

/** Forgets the oldest Pis that were never confirmed, so that at most `keep` of them stay. @returns their ids. */
export async function dropUnconfirmed(ex: Executor, keep: number): Promise<PiId[]> {
  const rows = await ex
    .selectFrom('pis')
    .select('id')
    .where('confirmed', '=', 0)
    .where('state', '=', 'fridge')
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute();
  const dropped = rows.slice(keep).map((row) => row.id as PiId);
  if (dropped.length > 0) await ex.deleteFrom('pis').where('id', 'in', dropped).execute();
  return dropped;
}

/**
 * Moves a Pi along the transition table.
 * @throws BakeryError `pi-state` (conflict) when the table has no such move.
 */
export async function movePi(ex: Executor, id: PiId, event: PiEvent): Promise<PiState> {
  const pi = await requirePi(ex, id);
  const next = nextPiState(pi.state, event);
  if (!next) throw new BakeryError('conflict', 'pi-state', `Pi ${id} is ${pi.state}: ${event} is not possible`);
  const confirmed = event === 'bake' ? { confirmed: 1 } : {};
  await ex
    .updateTable('pis')
    .set({ state: next, ...confirmed })
    .where('id', '=', id)
    .execute();
  return next;
}

/** What may be changed of a Pi's row beside its state. `null` clears a member. */
export interface PiPatch {
  /** Without one its disks are nobody's to manage. */
  readonly bakeform?: { readonly name: BakeformName; readonly volume: string } | null;
  readonly mac?: Mac;
  /** Without one it has no previous one either. */
  readonly address?: Ipv4 | null;
  readonly previousAddress?: Ipv4 | null;
  readonly addressSeenAt?: number;
  readonly bootExpectedUntil?: number | null;
  readonly desiredPower?: 'on' | 'off';
  readonly awaitOff?: boolean;
  readonly fault?: string | null;
  readonly maintenance?: boolean;
  readonly manageDisks?: boolean;
  readonly quarantine?: false;
  readonly name?: PiName | null;
  readonly tags?: readonly string[];
  readonly notes?: string;
  readonly port?: PiPort | null;
  readonly movedTo?: PiPort | null;
  readonly revision?: number | null;
}

/** Changes what `patch` names and nothing else. */
export async function patchPi(ex: Executor, id: PiId, patch: PiPatch): Promise<void> {
  await ex
    .updateTable('pis')
    .set({
      ...(patch.bakeform === undefined
        ? {}
        : { bakeform: patch.bakeform?.name ?? null, bakeform_volume: patch.bakeform?.volume ?? null }),
      ...(patch.bakeform === null ? { manage_disks: 0 } : {}),
      ...(patch.mac === undefined ? {} : { mac: patch.mac }),
      ...(patch.address === undefined ? {} : { address: patch.address }),
      ...(patch.address === null ? { previous_address: null } : {}),
      ...(patch.previousAddress === undefined ? {} : { previous_address: patch.previousAddress }),
      ...(patch.addressSeenAt === undefined ? {} : { address_seen_at: patch.addressSeenAt }),
      ...(patch.bootExpectedUntil === undefined ? {} : { boot_expected_until: patch.bootExpectedUntil }),
      ...(patch.desiredPower === undefined ? {} : { desired_power: patch.desiredPower }),
      ...(patch.awaitOff === undefined ? {} : { await_off: patch.awaitOff ? 1 : 0 }),
      ...(patch.fault === undefined ? {} : { fault: patch.fault }),
      ...(patch.maintenance === undefined ? {} : { maintenance: patch.maintenance ? 1 : 0 }),
      ...(patch.manageDisks === undefined ? {} : { manage_disks: patch.manageDisks ? 1 : 0 }),
      // Whom a person admits is dropped for no stranger.
      ...(patch.quarantine === undefined ? {} : { quarantine: 0, confirmed: 1 }),
      ...(patch.name === undefined ? {} : { name: patch.name }),
      ...(patch.tags === undefined ? {} : { tags: JSON.stringify(patch.tags) }),
      ...(patch.notes === undefined ? {} : { notes: patch.notes }),
      ...(patch.port === undefined ? {} : { switch: patch.port?.switch ?? null, port: patch.port?.port ?? null }),
      // Bound by a person, it is dropped for no stranger either.
      ...(patch.port ? { confirmed: 1 } : {}),
      ...(patch.movedTo === undefined
        ? {}
        : { moved_switch: patch.movedTo?.switch ?? null, moved_port: patch.movedTo?.port ?? null }),
      ...(patch.revision === undefined ? {} : { revision: patch.revision }),
      // A patch may name nothing; SQL wants one assignment.
      id,
    })
    .where('id', '=', id)
    .execute();
}

/** Takes `address` from every other Pi that is leaving it. */
export async function endLeavingOf(ex: Executor, address: Ipv4, owner: PiId): Promise<void> {
  await ex
    .updateTable('pis')
    .set({ previous_address: null })
    .where('previous_address', '=', address)
    .where('id', '!=', owner)
    .execute();
}

/**
 * Says that a Pi was found on another port than it is bound to, or with null that it is where it belongs, or bound nowhere; told when that is a
 * change.
 */
export async function setMovedTo(ex: Executor, id: PiId, movedTo: PiPort | null, now: number): Promise<void> {
  await atomically(ex, async (trx) => {
    const before = await findPi(trx, id);
    const isSame = before?.movedTo?.switch === movedTo?.switch && before?.movedTo?.port === movedTo?.port;
    if (!before || isSame) return;
    await patchPi(trx, id, { movedTo });
    const data = { ...(before.port ? { boundTo: before.port } : {}), foundAt: movedTo ?? before.movedTo };
    if (movedTo !== null) await addFeedEvent(trx, { type: 'pi.moved-port', pi: id, data }, now);
    else await addFeedEvent(trx, { type: 'pi.moved-port-cleared', pi: id, data }, now);
  });
}

/** Says what the machine found wrong with a Pi, or with null that it is mended; told when that is a change. */
export async function setFault(ex: Executor, id: PiId, fault: string | null, now: number): Promise<void> {
  await atomically(ex, async (trx) => {
    const before = await findPi(trx, id);
    if (!before || before.fault === (fault ?? undefined)) return;
    await patchPi(trx, id, { fault });
    if (fault !== null) await addFeedEvent(trx, { type: 'pi.fault', pi: id, data: { fault } }, now);
    else await addFeedEvent(trx, { type: 'pi.fault-cleared', pi: id, data: { fault: before.fault } }, now);
  });
}
