import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BakeryError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/host/files.ts';
import { importState, isLegacyFile, listImports } from '../../db/legacy.ts';
import { openDatabase } from '../../db/open.ts';
import { readMounts } from '../../exports/volumes/mountinfo.ts';
import { listLeftovers, removeLeftovers } from './clean.ts';
import { reportFile } from './import.ts';
import { importReport } from './report.ts';

/** Folders of the original that may be a file system of their own: mounted there by a person, not by a server. */
const OF_THE_OPERATOR = ['nfs', 'bakeforms', 'boot'];

async function refuseMounts(root: string): Promise<void> {
  const own = new Set(OF_THE_OPERATOR.map((name) => join(root, name)));
  const mounts = (await readMounts()).map(({ mountPoint }) => mountPoint);
  const below = mounts.filter((at) => at.startsWith(`${root}/`) && !own.has(at));
  if (below.length === 0) return;
  throw new BakeryError(
    'conflict',
    'still-mounted',
    'volumes are mounted below the root; end them first: npm start -- stop',
    {
      detail: below.slice(0, 3).join(', '),
    },
  );
}

function nothing(): BakeryError {
  return new BakeryError(
    'not-found',
    'nothing-imported',
    'this database has taken nothing over from the original Bakery',
  );
}

/**
 * `npm start -- import-clean`: deletes the old folders and images that were taken over, or only lists them. The caller holds the
 * lock of the root: no server runs.
 * @throws BakeryError `still-mounted` (conflict), `nothing-imported` (not-found).
 */
export async function cleanImport(options: {
  root: string;
  file: string;
  really: boolean;
  now: number;
  print(line: string): void;
}): Promise<void> {
  const { root, file, print } = options;
  await refuseMounts(root);
  if (!existsSync(file) || isLegacyFile(file)) throw nothing();
  const db = await openDatabase(file);
  try {
    const records = await listImports(db);
    if (records.length === 0) throw nothing();
    const leftovers = await listLeftovers(db, root);
    for (const { source, record } of leftovers) print(`${join(root, source)}  (${record.item.replace(':', ' ')})`);
    const open = records.filter(({ outcome }) => outcome === 'problem');
    const isOpen = open.length > 0 && (await importState(db)) === 'open';
    if (isOpen) print(`${open.length} things were not taken over: they stay, and will not be tried again after this`);
    if (!options.really) {
      print(`${leftovers.length} to delete. Nothing was deleted: that needs --yes`);
      return;
    }
    await removeLeftovers(db, root, options.now);
    await writeFileAtomic(reportFile(root), importReport(await listImports(db)), 0o600);
    print(`${leftovers.length} deleted`);
  } finally {
    await db.destroy();
  }
}
