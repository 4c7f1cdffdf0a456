import type { Varbind } from 'net-snmp';
import { PowerFault } from '../../driver.ts';

/** A column that is being walked. */
export interface Column {
  readonly oid: string;
  /** Its place among the columns asked for. */
  readonly place: number;
  /** What was read last; what follows is asked for. */
  readonly last: string;
}

/** An answer to a GETBULK: for each column what follows, perhaps cut short. */
export type WalkStep = readonly (readonly Varbind[])[];

/** Whether `oid` comes after `other`, as RFC 3416 section 4.2.2 orders names. */
export function comesAfter(oid: string, other: string): boolean {
  const [a, b] = [oid.split('.').map(Number), other.split('.').map(Number)];
  const at = a.findIndex((number, place) => number !== b[place]);
  if (at < 0) return false;
  return b[at] === undefined || (a[at] ?? 0) > b[at];
}

/**
 * Puts an answer into `rows`, and says which columns go on. A column ends with the first name outside it.
 * @throws PowerFault retryable when names do not grow, or nothing came: such a walk would never end.
 */
export function walkStep(
  columns: readonly Column[],
  answer: WalkStep,
  rows: Map<string, unknown[]>,
): readonly Column[] {
  if (!answer.some((part) => part.length > 0))
    throw new PowerFault('retryable', 'the switch answers a walk with nothing');
  return columns.flatMap((column, at) => {
    let { last } = column;
    for (const { oid, type, value } of answer[at] ?? []) {
      if (type >= 0x80 || !oid.startsWith(`${column.oid}.`)) return [];
      if (!comesAfter(oid, last)) throw new PowerFault('retryable', `the switch repeats itself: ${oid} after ${last}`);
      const index = oid.slice(column.oid.length + 1);
      const row = rows.get(index) ?? [];
      row[column.place] = value;
      rows.set(index, row);
      last = oid;
    }
    return [{ ...column, last }];
  });
}
