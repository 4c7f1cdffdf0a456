import { BakeryError } from '../../../core/errors.ts';
import { parseIpv4 } from '../../../core/ids.ts';
import type { ExportAccess, NfsClient, NfsExport, NfsOperations } from '../backend.ts';
import { parseClient } from '../client.ts';

/** A D-Bus value as `dbus-send --print-reply` prints it; arrays and structs become arrays. */
export type DbusValue = string | number | boolean | readonly DbusValue[];

function unreadable(text: string): BakeryError {
  return new BakeryError('internal', 'nfs-reply-unreadable', 'the NFS server answered something unexpected', {
    detail: text.slice(0, 500),
  });
}

/**
 * Reads what `dbus-send --print-reply` wrote: one value a line below the header. dbus-send does not escape strings; Bakery
 * serves no path with a quote or a line break in it, so a string ends with its line.
 * @throws BakeryError `nfs-reply-unreadable` (internal).
 */
export function parseReply(text: string): readonly DbusValue[] {
  const [header = '', ...lines] = text.split('\n');
  if (!header.startsWith('method return ')) throw unreadable(text);
  const root: DbusValue[] = [];
  const open: DbusValue[][] = [root];
  for (const raw of lines) {
    const line = raw.trim();
    if (line === '') continue;
    const target = open.at(-1);
    if (!target) throw unreadable(text);
    const scalar = /^(u?int(?:16|32|64)|byte|double|boolean|string) (.*)$/.exec(line);
    if (line === 'struct {' || line === 'array [') {
      const value: DbusValue[] = [];
      target.push(value);
      open.push(value);
    } else if (line === '}' || line === ']') {
      if (open.length < 2) throw unreadable(text);
      open.pop();
    } else if (scalar) {
      target.push(scalarValue(scalar[1] ?? '', scalar[2] ?? '', text));
    } else throw unreadable(text);
  }
  if (open.length !== 1) throw unreadable(text);
  return root;
}

function scalarValue(type: string, text: string, reply: string): DbusValue {
  if (type === 'boolean') return text === 'true';
  if (type !== 'string') return Number(text);
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) throw unreadable(reply);
  return text.slice(1, -1);
}

/** Ids and paths out of a ShowExports reply. Id 0 is ganesha's own pseudo root and no export of ours. */
export function parseShowExports(text: string): readonly { readonly id: number; readonly path: string }[] {
  const [, exports] = parseReply(text);
  if (!Array.isArray(exports)) throw unreadable(text);
  return (exports as readonly DbusValue[])
    .map((entry) => {
      const [id, path] = Array.isArray(entry) ? (entry as readonly DbusValue[]) : [];
      if (typeof id !== 'number' || typeof path !== 'string') throw unreadable(text);
      return { id, path };
    })
    .filter(({ id }) => id !== 0);
}

// Bits of export_perms.options (include/export_mgr.h: READ, WRITE, MD_READ, MD_WRITE) as 4.3 has them, measured. Other
// releases number them otherwise: the contract suite fails there, and every convergence would update every export.
const ACCESS_BITS = 0x1e0;
const ACCESS: ReadonlyMap<number, ExportAccess> = new Map([
  [0x1e0, 'rw'],
  [0x0a0, 'ro'],
]);

/**
 * One export out of a DisplayExport reply (id, path, pseudo path, tag, clients): who may do what is read from the server,
 * not from what was once asked of it. Anything that Bakery does not write itself (three clients, metadata only) comes back
 * with a client that nobody can want, so that the next convergence puts it right.
 */
export function parseDisplayExport(text: string): NfsExport {
  const [id, path, , , clients] = parseReply(text);
  if (typeof id !== 'number' || typeof path !== 'string' || !Array.isArray(clients)) throw unreadable(text);
  const rules = (clients as readonly DbusValue[]).map((rule) => {
    const [client, , , , , , , , options] = Array.isArray(rule) ? (rule as readonly DbusValue[]) : [];
    if (typeof client !== 'string' || typeof options !== 'number') throw unreadable(text);
    return { client, access: ACCESS.get(options & ACCESS_BITS) };
  });
  const [only, also] = rules;
  if (rules.length === 1 && only?.access) return { id, path, client: parseClient(only.client), access: only.access };
  if (rules.length === 2 && only?.access && only.access === also?.access) {
    const [one, other] = [parseClient(only.client), parseClient(also.client)];
    if (one.kind === 'address' && other.kind === 'address')
      return { id, path, client: { ...one, also: other.address }, access: only.access };
  }
  const odd = rules.map((rule) => `${rule.client}=${rule.access ?? 'other'}`).join(',');
  return { id, path, client: { kind: 'subnet', cidr: odd || 'nobody' }, access: 'ro' };
}

/**
 * Who has asked for something, out of a ShowClients reply: address, protocols, and behind all else when last, in s and ns. 6.5 has what a client
 * holds open in front of that, 4.3 has not (both measured).
 */
export function parseShowClients(text: string): readonly NfsClient[] {
  const [, clients] = parseReply(text);
  if (!Array.isArray(clients)) throw unreadable(text);
  return (clients as readonly DbusValue[]).flatMap((entry) => {
    const members = Array.isArray(entry) ? (entry as readonly DbusValue[]) : [];
    const [name, time] = [members[0], members.at(-1)];
    const [seconds, nanoseconds] = Array.isArray(time) ? (time as readonly DbusValue[]) : [];
    if (typeof name !== 'string' || typeof seconds !== 'number' || typeof nanoseconds !== 'number')
      throw unreadable(text);
    const address = parseIpv4(name.replace(/^::ffff:/, ''));
    return address ? [{ address, heardAt: seconds * 1_000 + nanoseconds / 1e6 }] : [];
  });
}

/**
 * What a client has asked for, out of a GetClientIOops reply: whether it worked, words, a time; then for each of NFSv3, 4.0, 4.1 and 4.2
 * whether there was any, and if so structs whose first member counts operations, the last one with those that failed (4.3, measured).
 */
export function parseClientOperations(text: string): NfsOperations {
  const [isKnown, , , ...rest] = parseReply(text);
  const counts = { v3: 0, v4: 0, v4Failed: 0 };
  if (isKnown !== true) return counts;
  let version = -1;
  for (const [i, value] of rest.entries()) {
    if (typeof value === 'boolean') version++;
    else {
      const [operations, failed] = Array.isArray(value) ? (value as readonly DbusValue[]) : [];
      if (typeof operations !== 'number') throw unreadable(text);
      const isLast = !Array.isArray(rest[i + 1]);
      if (version === 0) counts.v3 += operations;
      else counts.v4 += operations;
      if (version > 0 && isLast && typeof failed === 'number') counts.v4Failed += failed;
    }
  }
  return counts;
}
