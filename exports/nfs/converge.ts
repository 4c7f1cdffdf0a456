import { BakeryError, describeError } from '../../core/errors.ts';
import type { NfsBackend, NfsExport } from './backend.ts';
import { canonicalClient } from './client.ts';

/** What has to be done to make a server serve what is wanted. */
export interface ExportPlan {
  readonly remove: readonly number[];
  readonly update: readonly NfsExport[];
  readonly add: readonly NfsExport[];
}

function sameContent(a: NfsExport, b: NfsExport): boolean {
  const client = canonicalClient(a.client);
  return a.path === b.path && a.access === b.access && client !== undefined && client === canonicalClient(b.client);
}

/** A wanted set in which two exports share an id or a path cannot be served; which of them is right is not ours to guess. */
function refuseDuplicates(desired: readonly NfsExport[]): void {
  const ids = new Set<number>();
  const paths = new Set<string>();
  for (const { id, path } of desired) {
    if (ids.has(id) || paths.has(path)) {
      throw new BakeryError('internal', 'export-duplicate', 'two exports have the same id or path', {
        detail: `id ${id}, path ${path}`,
      });
    }
    ids.add(id);
    paths.add(path);
  }
}

/**
 * Plans the way from `actual` to `desired`; applied in the order remove, update, add. An id whose path changes is
 * removed and added: its file handles name another file system. An export of an unwanted id is removed first, so that
 * its path is free for another id.
 * @throws BakeryError `export-duplicate` (internal) when `desired` contradicts itself.
 */
export function planExports(desired: readonly NfsExport[], actual: readonly NfsExport[]): ExportPlan {
  refuseDuplicates(desired);
  const wanted = new Map(desired.map((entry) => [entry.id, entry]));
  const kept = new Map<number, NfsExport>();
  const remove: number[] = [];
  for (const entry of actual) {
    if (wanted.get(entry.id)?.path === entry.path) kept.set(entry.id, entry);
    else remove.push(entry.id);
  }
  const update: NfsExport[] = [];
  const add: NfsExport[] = [];
  for (const entry of desired) {
    const now = kept.get(entry.id);
    if (!now) add.push(entry);
    else if (!sameContent(entry, now)) update.push(entry);
  }
  return { remove, update, add };
}

/** What somebody else did to the exports of a server, by their ids. */
export interface ExportDrift {
  readonly missing: readonly number[];
  readonly changed: readonly number[];
  readonly foreign: readonly number[];
}

/** What differs between what was left served and what is served now; undefined when nothing does. */
export function exportDrift(left: readonly NfsExport[], actual: readonly NfsExport[]): ExportDrift | undefined {
  const now = new Map(actual.map((entry) => [entry.id, entry]));
  const ours = new Set(left.map(({ id }) => id));
  const missing = left.filter(({ id }) => !now.has(id)).map(({ id }) => id);
  const isChanged = (entry: NfsExport) => {
    const other = now.get(entry.id);
    return other !== undefined && !sameContent(entry, other);
  };
  const changed = left.filter(isChanged).map(({ id }) => id);
  const foreign = actual.filter(({ id }) => !ours.has(id)).map(({ id }) => id);
  return missing.length + changed.length + foreign.length > 0 ? { missing, changed, foreign } : undefined;
}

/** True when a server serves what was left served, as far as ids and paths tell. */
export function isSameOutline(left: readonly NfsExport[], outline: readonly Pick<NfsExport, 'id' | 'path'>[]): boolean {
  const now = new Map(outline.map(({ id, path }) => [id, path]));
  return now.size === left.length && left.every(({ id, path }) => now.get(id) === path);
}

/** What a convergence did, and what failed with which words. */
export interface ConvergeResult {
  readonly removed: readonly number[];
  readonly updated: readonly number[];
  readonly added: readonly number[];
  readonly failed: readonly { readonly id: number; readonly error: unknown }[];
}

/**
 * Makes `backend` serve exactly `desired`. One export that fails (its volume is not mounted, say) does not keep the others
 * from being served; it is in `failed`, and the next convergence tries it again.
 * `actual` is what it serves, when the caller has just asked it.
 * @throws BakeryError `nfs-unavailable` when the server does not answer; `export-duplicate`.
 */
export async function convergeExports(
  backend: NfsBackend,
  desired: readonly NfsExport[],
  actual?: readonly NfsExport[],
): Promise<ConvergeResult> {
  const plan = planExports(desired, actual ?? (await backend.list()));
  const failed: { id: number; error: unknown }[] = [];
  const attempt = async (id: number, act: () => Promise<void>, done: number[]): Promise<void> => {
    try {
      await act();
      done.push(id);
    } catch (error) {
      if (error instanceof BakeryError && error.code === 'nfs-unavailable') throw error;
      failed.push({ id, error });
    }
  };
  const removed: number[] = [];
  const updated: number[] = [];
  const added: number[] = [];
  for (const id of plan.remove) await attempt(id, () => backend.remove(id), removed);
  for (const entry of plan.update) await attempt(entry.id, () => backend.update(entry), updated);
  for (const entry of plan.add) await attempt(entry.id, () => backend.add(entry), added);
  return { removed, updated, added, failed };
}

/** One line for the log: what failed and why. */
export function describeFailures(result: ConvergeResult): string {
  return result.failed.map(({ id, error }) => `export ${id}: ${describeError(error)}`).join('; ');
}
