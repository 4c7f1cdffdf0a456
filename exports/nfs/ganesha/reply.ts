import { BakeryError } from '../../../core/errors.ts';
import { parseIpv4 } from '../../../core/ids.ts';
import type { ExportAccess, NfsClient, NfsExport, NfsOperations } from '../backend.ts';
import { parseClient } from '../client.ts';
import type { DbusValue } from './dbus-message.ts';

/** The refusal of an answer that is not as ganesha 4.3 answers. */
export function unreadable(what: string): BakeryError {
  return new BakeryError('internal', 'nfs-reply-unreadable', 'the NFS server answered something unexpected', {
    detail: what.slice(0, 500),
  });
}

type Values = readonly DbusValue[];
const odd = (reply: Values) => unreadable(JSON.stringify(reply));

/** Ids and paths out of a ShowExports reply. Id 0 is ganesha's own pseudo root and no export of ours. */
export function parseShowExports(reply: Values): readonly { readonly id: number; readonly path: string }[] {
  const [, exports] = reply;
  if (!Array.isArray(exports)) throw odd(reply);
  return (exports as Values)
    .map((entry) => {
      const [id, path] = Array.isArray(entry) ? (entry as Values) : [];
      if (typeof id !== 'number' || typeof path !== 'string') throw odd(reply);
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
export function parseDisplayExport(reply: Values): NfsExport {
  const [id, path, , , clients] = reply;
  if (typeof id !== 'number' || typeof path !== 'string' || !Array.isArray(clients)) throw odd(reply);
  const rules = (clients as Values).map((rule) => {
    const [client, , , , , , , , options] = Array.isArray(rule) ? (rule as Values) : [];
    if (typeof client !== 'string' || typeof options !== 'number') throw odd(reply);
    return { client, access: ACCESS.get(options & ACCESS_BITS) };
  });
  const [only, also] = rules;
  if (rules.length === 1 && only?.access) return { id, path, client: parseClient(only.client), access: only.access };
  if (rules.length === 2 && only?.access && only.access === also?.access) {
    const [one, other] = [parseClient(only.client), parseClient(also.client)];
    if (one.kind === 'address' && other.kind === 'address')
      return { id, path, client: { ...one, also: other.address }, access: only.access };
  }
  const told = rules.map((rule) => `${rule.client}=${rule.access ?? 'other'}`).join(',');
  return { id, path, client: { kind: 'subnet', cidr: told || 'nobody' }, access: 'ro' };
}

/**
 * Who has asked for something, out of a ShowClients reply: address, protocols, and behind all else when last, in s and ns. 6.5 has what a client
 * holds open in front of that, 4.3 has not (both measured).
 */
export function parseShowClients(reply: Values): readonly NfsClient[] {
  const [, clients] = reply;
  if (!Array.isArray(clients)) throw odd(reply);
  return (clients as Values).flatMap((entry) => {
    const members = Array.isArray(entry) ? (entry as Values) : [];
    const [name, time] = [members[0], members.at(-1)];
    const [seconds, nanoseconds] = Array.isArray(time) ? (time as Values) : [];
    if (typeof name !== 'string' || typeof seconds !== 'number' || typeof nanoseconds !== 'number') throw odd(reply);
    const address = parseIpv4(name.replace(/^::ffff:/, ''));
    return address ? [{ address, heardAt: seconds * 1_000 + nanoseconds / 1e6 }] : [];
  });
}

/**
 * What a client has asked for, out of a GetClientIOops reply: whether it worked, words, a time; then for each of NFSv3, 4.0, 4.1 and 4.2
 * whether there was any, and if so structs whose first member counts operations, the last one with those that failed (4.3, measured).
 */
export function parseClientOperations(reply: Values): NfsOperations {
  const [isKnown, , , ...rest] = reply;
  const counts = { v3: 0, v4: 0, v4Failed: 0 };
  if (isKnown !== true) return counts;
  let version = -1;
  for (const [i, value] of rest.entries()) {
    if (typeof value === 'boolean') version++;
    else {
      const [operations, failed] = Array.isArray(value) ? (value as Values) : [];
      if (typeof operations !== 'number') throw odd(reply);
      const isLast = !Array.isArray(rest[i + 1]);
      if (version === 0) counts.v3 += operations;
      else counts.v4 += operations;
      if (version > 0 && isLast && typeof failed === 'number') counts.v4Failed += failed;
    }
  }
  return counts;
}
