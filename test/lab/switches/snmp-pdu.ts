import { readTlvs, type Tlv } from '../../../server/power/switches/snmp/tlv.ts';
import { comesAfter } from '../../../server/power/switches/snmp/walk.ts';
import { integer, nothing, oid, readInteger, readOid, sequence, TAG, tlv } from './ber.ts';

/** PDUs of RFC 3416 section 3. */
export const PDU = { get: 0xa0, getNext: 0xa1, response: 0xa2, set: 0xa3, getBulk: 0xa5, report: 0xa8 } as const;

/** error-status of RFC 3416. */
export const STATUS = {
  noError: 0,
  genErr: 5,
  noAccess: 6,
  wrongType: 7,
  wrongValue: 10,
  noCreation: 11,
  resourceUnavailable: 13,
  authorizationError: 16,
  notWritable: 17,
} as const;

/** A name with a value, encoded. */
export interface Bound {
  readonly name: string;
  readonly value: Buffer;
}

export interface Pdu {
  readonly type: number;
  readonly id: number;
  /** error-status and error-index; non-repeaters and max-repetitions in a GETBULK. */
  readonly numbers: readonly [number, number];
  readonly bound: readonly Bound[];
}

/** One instance of an object that an agent has. */
export interface Managed {
  readonly name: string;
  /** Encoded. */
  read(): Buffer;
  /** For an integer that may be written: whether it takes the value, and taking it. */
  readonly write?: { takes(value: number): boolean; put(value: number): void };
}

/** Room for the names and values of an answer to a GETBULK, as little as agents have; the rest is cut off (RFC 3416 section 4.2.3). */
const MAX_BULK_BYTES = 400;

/** @throws Error for what is no PDU */
export function readPdu({ tag, value }: Tlv): Pdu {
  const [id, first, second, list] = readTlvs(value, 4) ?? [];
  if (!id || !first || !second || list?.tag !== TAG.sequence) throw new Error('no PDU');
  const bound = (readTlvs(list.value, 1000) ?? []).map((pair) => {
    const [name, content] = readTlvs(pair.value, 2) ?? [];
    if (!name || !content) throw new Error('no pair');
    return { name: readOid(name), value: tlv(content.tag, content.value) };
  });
  return { type: tag, id: readInteger(id), numbers: [readInteger(first), readInteger(second)], bound };
}

const pairOf = ({ name, value }: Bound) => sequence(oid(name), value);

export function writePdu({ type, id, numbers, bound }: Pdu): Buffer {
  const pairs = sequence(...bound.map(pairOf));
  return tlv(type, integer(id), integer(numbers[0]), integer(numbers[1]), pairs);
}

/** The answer that says only what went wrong, with the place (from 1) of what is to blame. */
export function refusal(request: Pdu, status: number, at = 0): Pdu {
  return { ...request, type: PDU.response, numbers: [status, at] };
}

/** Answers a request as RFC 3416 section 4.2 says. `objects` are in the order of their names. */
export function answer(request: Pdu, objects: readonly Managed[], { mayWrite }: { readonly mayWrite: boolean }): Pdu {
  const answered = (bound: readonly Bound[]): Pdu => ({ ...request, type: PDU.response, numbers: [0, 0], bound });
  switch (request.type) {
    case PDU.get:
      return answered(request.bound.map(({ name }) => getOf(name, objects)));
    case PDU.getNext:
      return answered(request.bound.map(({ name }) => nextOf(name, objects)));
    case PDU.getBulk:
      return answered(bulk(request, objects));
    case PDU.set:
      return mayWrite ? set(request, objects) : refusal(request, STATUS.noAccess, 1);
    default:
      throw new Error('nothing that is asked of an agent');
  }
}

function getOf(name: string, objects: readonly Managed[]): Bound {
  const found = objects.find((one) => one.name === name);
  return { name, value: found?.read() ?? nothing(TAG.noSuchInstance) };
}

function nextOf(name: string, objects: readonly Managed[]): Bound {
  const found = objects.find((one) => comesAfter(one.name, name));
  return found ? { name: found.name, value: found.read() } : { name, value: nothing(TAG.endOfMibView) };
}

function bulk({ bound, numbers: [nonRepeaters, repetitions] }: Pdu, objects: readonly Managed[]): readonly Bound[] {
  const found = bound.slice(0, nonRepeaters).map(({ name }) => nextOf(name, objects));
  let names = bound.slice(nonRepeaters).map(({ name }) => name);
  let bytes = 0;
  for (let time = 0; time < repetitions && names.length > 0; time += 1) {
    const row = names.map((name) => nextOf(name, objects));
    for (const one of row) {
      bytes += pairOf(one).length;
      if (bytes > MAX_BULK_BYTES) return found;
      found.push(one);
    }
    if (row.every(({ value }) => value[0] === TAG.endOfMibView)) break;
    names = row.map(({ name }) => name);
  }
  return found;
}

/** All of it or nothing: what is wrong is found before the first value is put. */
function set(request: Pdu, objects: readonly Managed[]): Pdu {
  const puts: (() => void)[] = [];
  for (const [at, { name, value }] of request.bound.entries()) {
    const found = objects.find((one) => one.name === name);
    if (!found) return refusal(request, STATUS.noCreation, at + 1);
    const { write } = found;
    if (!write) return refusal(request, STATUS.notWritable, at + 1);
    const [content] = readTlvs(value, 1) ?? [];
    if (content?.tag !== TAG.integer) return refusal(request, STATUS.wrongType, at + 1);
    const wished = readInteger(content);
    if (!write.takes(wished)) return refusal(request, STATUS.wrongValue, at + 1);
    puts.push(() => write.put(wished));
  }
  for (const put of puts) put();
  return { ...request, type: PDU.response, numbers: [0, 0] };
}
