import type { SnmpSettings } from './settings.ts';
import { readTlvs } from './tlv.ts';

const INTEGER = 0x02;
const OCTETS = 0x04;
const SEQUENCE = 0x30;
const RESPONSE = 0xa2;
const REPORT = 0xa8;

const AUTHENTICATED = 1;
const ENCRYPTED = 2;

/** version-1 of RFC 1901, and SNMPv3 of RFC 3412. */
const VERSIONS = { '2c': 1, '3': 3 };

/**
 * Whether a datagram may be an answer at all. The library looks only at what a message says of itself: it would take an answer without
 * a digest from a user who has a key, and one of version 3 in a session of version 2c would end the process. A response must have the
 * security level of its request (RFC 3412 section 7.2 step 11); only a report may have less, since whoever sends it may not know us.
 */
export function mayBeAnswer(datagram: Buffer, { version, level }: Pick<SnmpSettings, 'version' | 'level'>): boolean {
  const [message] = readTlvs(datagram, 1) ?? [];
  if (message?.tag !== SEQUENCE) return false;
  const [number, header, parameters, scoped] = readTlvs(message.value, 4) ?? [];
  if (number?.tag !== INTEGER || number.value.length !== 1 || number.value[0] !== VERSIONS[version]) return false;
  if (version === '2c') return header?.tag === OCTETS && parameters?.tag === RESPONSE;
  if (header?.tag !== SEQUENCE || parameters?.tag !== OCTETS || !scoped) return false;
  const flags = readTlvs(header.value, 3)?.[2];
  if (flags?.tag !== OCTETS || flags.value.length !== 1) return false;
  const said = flags.value.readUInt8() & (AUTHENTICATED | ENCRYPTED);
  if (scoped.tag === OCTETS) return level === 'authPriv' && said === (AUTHENTICATED | ENCRYPTED);
  if (scoped.tag !== SEQUENCE || said > AUTHENTICATED) return false;
  const pdu = readTlvs(scoped.value, 3)?.[2];
  return pdu?.tag === REPORT || (pdu?.tag === RESPONSE && level === 'authNoPriv' && said === AUTHENTICATED);
}
