import type { Executor } from './open.ts';

/** Everything that operations hold, as `disk:<id>`, `pi:<id>`, `bakeform:<name>`; a bakeform's readers hold it too. */
export async function listClaimed(ex: Executor): Promise<Set<string>> {
  const rows = await ex.selectFrom('claims').select('resource').execute();
  return new Set(rows.map(({ resource }) => resource.split('/')[0] ?? resource));
}
