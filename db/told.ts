import type { Executor } from './open.ts';
import { removeSetting, writeSetting } from './settings.ts';

const key = (kind: string, thing: string) => `told/${kind}/${thing}`;

/** What was told of already and still is so, by kind: a restart does not tell it again. */
export async function listTold(ex: Executor, kind: string): Promise<Set<string>> {
  const prefix = key(kind, '');
  const rows = await ex
    .selectFrom('settings')
    .select('key')
    .where('key', '>=', prefix)
    // '0' is the character after '/'.
    .where('key', '<', `${prefix.slice(0, -1)}0`)
    .execute();
  return new Set(rows.map((row) => row.key.slice(prefix.length)));
}

/** Notes that it was told; in the transaction that tells it. */
export async function addTold(ex: Executor, kind: string, thing: string): Promise<void> {
  await writeSetting(ex, key(kind, thing), '');
}

/** It is so no more; the next time it is told again. */
export async function removeTold(ex: Executor, kind: string, thing: string): Promise<void> {
  await removeSetting(ex, key(kind, thing));
}
