import type { Selectable } from 'kysely';
import type { Bakeform } from '../core/bakeform.ts';
import { BakeryError } from '../core/errors.ts';
import type { BakeformName } from '../core/ids.ts';
import type { Executor } from './open.ts';
import type { Schema } from './schema.ts';

function toBakeform(row: Selectable<Schema['bakeforms']>): Bakeform {
  return {
    name: row.name as BakeformName,
    state: row.state as Bakeform['state'],
    volumeId: row.volume_id,
    sha256: row.sha256 ?? undefined,
    bytes: row.bytes,
    bootFolder: row.boot_folder,
    notes: JSON.parse(row.notes),
    lint: JSON.parse(row.lint),
    root: { usedBytes: row.root_bytes, sizeBytes: row.root_size },
    createdAt: row.created_at,
  };
}

/** The bakeform with that name in whatever state, or undefined. */
export async function findBakeform(ex: Executor, name: BakeformName): Promise<Bakeform | undefined> {
  const row = await ex.selectFrom('bakeforms').selectAll().where('name', '=', name).executeTakeFirst();
  return row && toBakeform(row);
}

/** The bakeform with that name in whatever state; throws `bakeform-unknown` (not-found). */
export async function requireBakeform(ex: Executor, name: BakeformName): Promise<Bakeform> {
  const bakeform = await findBakeform(ex, name);
  if (!bakeform) throw new BakeryError('not-found', 'bakeform-unknown', `there is no bakeform ${name}`);
  return bakeform;
}

/** The bakeform with that name, if it is ready; throws `bakeform-unknown` of the given kind. */
export async function requireReadyBakeform(
  ex: Executor,
  name: BakeformName,
  kind: 'not-found' | 'invalid',
): Promise<Bakeform> {
  const bakeform = await findBakeform(ex, name);
  if (bakeform?.state !== 'ready') throw new BakeryError(kind, 'bakeform-unknown', `there is no bakeform ${name}`);
  return bakeform;
}

/** All bakeforms in whatever state, by name. */
export async function listBakeforms(ex: Executor): Promise<Bakeform[]> {
  return (await ex.selectFrom('bakeforms').selectAll().orderBy('name').execute()).map(toBakeform);
}

/** How many Pis are baked, or being baked, from a golden volume. */
export async function countBakedFrom(ex: Executor, volumeId: string): Promise<number> {
  const { count } = await ex
    .selectFrom('pis')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('bakeform_volume', '=', volumeId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Adds a bakeform that is being received. */
export async function addBakeform(
  ex: Executor,
  bakeform: { name: BakeformName; volumeId: string; now: number },
): Promise<void> {
  await ex
    .insertInto('bakeforms')
    .values({
      name: bakeform.name,
      state: 'making',
      volume_id: bakeform.volumeId,
      bytes: 0,
      boot_folder: '',
      notes: '[]',
      created_at: bakeform.now,
    })
    .execute();
}

/** Makes a bakeform usable. */
export async function finishBakeform(
  ex: Executor,
  name: BakeformName,
  facts: Pick<Bakeform, 'bytes' | 'bootFolder' | 'notes' | 'lint' | 'root'> & { readonly sha256: string },
): Promise<void> {
  await ex
    .updateTable('bakeforms')
    .set({
      state: 'ready',
      sha256: facts.sha256,
      bytes: facts.bytes,
      boot_folder: facts.bootFolder,
      notes: JSON.stringify(facts.notes),
      lint: JSON.stringify(facts.lint),
      root_bytes: facts.root.usedBytes,
      root_size: facts.root.sizeBytes,
    })
    .where('name', '=', name)
    .execute();
}

/** Puts a bakeform into another state. */
export async function setBakeformState(ex: Executor, name: BakeformName, state: Bakeform['state']): Promise<void> {
  await ex.updateTable('bakeforms').set({ state }).where('name', '=', name).execute();
}

/** Removes a bakeform's row; it is fine when there is none. */
export async function removeBakeform(ex: Executor, name: BakeformName): Promise<void> {
  await ex.deleteFrom('bakeforms').where('name', '=', name).execute();
}
