import type { ExportAccess, NfsExport } from '../backend.ts';
import { canonicalClient, parseClient } from '../client.ts';
import { requireExport } from '../servable.ts';
import { fsidOf, idOf } from './fsid.ts';

/** One path that one client may mount, as etab and exports(5) have it. */
export interface Entry {
  readonly path: string;
  readonly client: string;
  readonly options: readonly string[];
}

/** Octal escapes are of bytes; together with what is not escaped they make UTF-8. */
function fromOctal(text: string): string {
  const bytes = Buffer.from(text)
    .toString('latin1')
    .replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** exports(5): octal escapes for whatever the parser of exportfs may take as its own: blanks, quotes, `#`, backslashes. */
function toOctal(path: string): string {
  return [...Buffer.from(path)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9/._@+-]/.test(char) ? char : `\\${byte.toString(8).padStart(3, '0')}`;
    })
    .join('');
}

/** Entries of /var/lib/nfs/etab, where exportfs keeps what mountd serves: `path TAB client(option,…)` a line. What is no entry is left out. */
export function parseEtab(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    const [, path, client, options] = /^(\S+)\s+(\S+?)\((\S*)\)$/.exec(line) ?? [];
    if (path === undefined || client === undefined || options === undefined) return [];
    return [{ path: fromOctal(path), client: fromOctal(client), options: options.split(',') }];
  });
}

/** The id of Bakery's export that an entry is of; undefined for somebody else's. */
export function idOfEntry({ options }: Entry): number | undefined {
  const fsid = options.find((option) => option.startsWith('fsid='))?.slice('fsid='.length);
  return fsid === undefined ? undefined : idOf(fsid);
}

/** What an entry's options allow; undefined for options that Bakery never gives together. */
function accessOf({ options }: Entry): ExportAccess | undefined {
  const [rw, ro] = [options.includes('rw'), options.includes('ro')];
  const isOurs = ['no_root_squash', 'no_subtree_check', 'mountpoint', 'sync', 'secure', 'nocrossmnt'].every((word) =>
    options.includes(word),
  );
  if (!isOurs || rw === ro) return undefined;
  return rw ? 'rw' : 'ro';
}

/** The client that a set of entries means; what Bakery never writes comes back as one that nobody can want, and so is put right. */
function clientOf(entries: readonly Entry[], path: string): NfsExport['client'] {
  const clients = entries.map(({ client }) => parseClient(client));
  const [only, also] = clients;
  const isOnePath = entries.every((entry) => entry.path === path && accessOf(entry) !== undefined);
  const isOneAccess = new Set(entries.map(accessOf)).size === 1;
  if (isOnePath && isOneAccess && only && entries.length === 1) return only;
  if (isOnePath && isOneAccess && only?.kind === 'address' && also?.kind === 'address' && entries.length === 2)
    return { ...only, also: also.address };
  return {
    kind: 'subnet',
    cidr: entries.map(({ path: at, client, options }) => `${at} ${client} ${options}`).join(';'),
  };
}

/** Bakery's exports among the entries, by id. */
export function ownExports(entries: readonly Entry[]): NfsExport[] {
  const byId = Map.groupBy(entries, idOfEntry);
  const own = [...byId].flatMap(([id, of]) => {
    const [first] = of;
    if (id === undefined || id === 0 || !first) return [];
    return [{ id, path: first.path, client: clientOf(of, first.path), access: accessOf(first) ?? 'ro' }];
  });
  return own.toSorted((a, b) => a.id - b.id);
}

/** The clients that an export is given to, one call of exportfs each. @throws BakeryError `export-invalid` (invalid). */
export function clientsOf(wanted: NfsExport): readonly string[] {
  return requireExport(wanted).split(', ');
}

/**
 * Options of an export. `mountpoint`: where nothing is mounted mountd serves nothing, so that after a reboot a client waits for its volume
 * instead of writing into the bare folder. Never `crossmnt`: what is mounted below a volume is not the volume. `sec=sys` first, as etab repeats it.
 */
export function optionsOf(wanted: Pick<NfsExport, 'id' | 'access'>): string {
  const plain = ['sync', 'secure', 'no_subtree_check', 'no_root_squash', 'nocrossmnt', 'mountpoint'];
  return [wanted.access, ...plain, `fsid=${fsidOf(wanted.id)}`, 'sec=sys'].join(',');
}

/** Bakery's own file in /etc/exports.d: the same exports again for `exportfs -r`, whoever runs it, and for the next boot. */
export function renderExports(exports: readonly NfsExport[]): string {
  const lines = exports.flatMap((entry) => {
    if (canonicalClient(entry.client) === undefined) return [];
    const clients = clientsOf(entry).map((client) => `${client}(${optionsOf(entry)})`);
    return [`${toOctal(entry.path)} ${clients.join(' ')}\n`];
  });
  return `# Written by Bakery, which replaces it whenever an export changes.\n${lines.join('')}`;
}
