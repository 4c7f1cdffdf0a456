import type { Executor } from './open.ts';

/** A single value that survives restarts; undefined when it was never written. */
export async function readSetting(ex: Executor, key: string): Promise<string | undefined> {
  return (await ex.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst())?.value;
}

/** Keeps a single value. */
export async function writeSetting(ex: Executor, key: string, value: string): Promise<void> {
  await ex
    .insertInto('settings')
    .values({ key, value })
    .onConflict((c) => c.column('key').doUpdateSet({ value }))
    .execute();
}

/** Forgets it; it is fine when it was never written. */
export async function removeSetting(ex: Executor, key: string): Promise<void> {
  await ex.deleteFrom('settings').where('key', '=', key).execute();
}
