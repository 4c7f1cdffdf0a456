import type { NfsExport } from '../backend.ts';
import { clientsOf, type Entry, idOfEntry, optionsOf, ownExports } from './table.ts';

/** One call of exportfs: its arguments. */
export type Call = readonly string[];

/** What has to be called, in this order, and what is in etab then of Bakery's. */
export interface Plan {
  readonly calls: readonly Call[];
  readonly own: readonly NfsExport[];
}

/** Arguments that end one entry. */
function unexport({ client, path }: Pick<Entry, 'client' | 'path'>): Call {
  return ['-u', `${client}:${path}`];
}

/** Somebody else's entry, or another export of ours, that has the path of `wanted`; undefined when none has. */
export function rivalOf(wanted: NfsExport, entries: readonly Entry[]): Entry | undefined {
  return entries.find((entry) => entry.path === wanted.path && idOfEntry(entry) !== wanted.id);
}

/** Options as etab has them hold all that was asked for, and are not of the other access. */
function isSame({ options }: Entry, wanted: NfsExport): boolean {
  const has = new Set(options);
  return (
    optionsOf(wanted)
      .split(',')
      .every((option) => has.has(option)) && !has.has(wanted.access === 'rw' ? 'ro' : 'rw')
  );
}

/**
 * Calls that make etab serve `wanted`: its id's entries at another path end first, since both would have one fsid; then what is asked for;
 * at last the entries of other clients, so that a client that stays is never without. None for what is served so already.
 * @throws BakeryError `export-invalid` (invalid).
 */
export function planServe(wanted: NfsExport, entries: readonly Entry[]): Plan {
  const clients = clientsOf(wanted);
  const now = entries.filter((entry) => idOfEntry(entry) === wanted.id);
  const here = now.filter(({ path }) => path === wanted.path);
  const missing = clients.filter((client) => !here.some((entry) => entry.client === client && isSame(entry, wanted)));
  const calls = [
    ...now.filter(({ path }) => path !== wanted.path).map(unexport),
    ...missing.map((client) => ['-o', optionsOf(wanted), `${client}:${wanted.path}`]),
    ...here.filter(({ client }) => !clients.includes(client)).map(unexport),
  ];
  const others = ownExports(entries).filter(({ id }) => id !== wanted.id);
  return { calls, own: [...others, wanted].toSorted((a, b) => a.id - b.id) };
}

/** Calls that end the export of an id. */
export function planRemove(id: number, entries: readonly Entry[]): Plan {
  const calls = entries.filter((entry) => idOfEntry(entry) === id).map(unexport);
  return { calls, own: ownExports(entries).filter((entry) => entry.id !== id) };
}

/** True for an export of another Bakery that lives: it is at another root, and its volume is mounted. One of a root that was moved is left over. */
export function isAnothers({ path }: NfsExport, root: string, mounted: ReadonlySet<string>): boolean {
  return !path.startsWith(`${root}/`) && mounted.has(path);
}
