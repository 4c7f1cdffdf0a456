import { randomBytes } from 'node:crypto';
import { Authentication, AuthProtocols, Encryption, type EngineTime, PrivProtocols } from 'net-snmp';
import { readTlv, readTlvs, type Tlv } from '../../../server/power/switches/snmp/tlv.ts';
import { integer, octets, readInteger, sequence, TAG, tlv } from './ber.ts';
import { PDU, type Pdu, readPdu, writePdu } from './snmp-pdu.ts';

/** Who may ask in version 3. Without `privKey` no more than authNoPriv. */
export interface SnmpUser {
  readonly name: string;
  readonly authProtocol: keyof typeof AuthProtocols;
  readonly authKey: string;
  readonly privProtocol?: keyof typeof PrivProtocols;
  readonly privKey?: string;
  readonly mayWrite: boolean;
}

/** usmStats of RFC 3414 section 5. */
const STATS = { levels: 1, times: 2, users: 3, engines: 4, digests: 5, decryptions: 6 } as const;
const AUTHENTICATED = 1;
const ENCRYPTED = 2;
/** RFC 3414 section 3.2 step 7, in s. */
const TIME_WINDOW = 150;

/** A message that was let in; `wrap` makes the datagram that answers it. */
export interface Incoming {
  readonly user: SnmpUser;
  readonly pdu: Pdu;
  wrap(pdu: Pdu): Buffer;
}

/** An engine that is the authority (RFC 3414 section 3.2): reads messages of version 3, and reports what is wrong with them. */
export function usmEngine(users: readonly SnmpUser[]) {
  const engineID = Buffer.concat([Buffer.from('8000000005', 'hex'), randomBytes(8)]);
  let engineBoots = 1;
  let started = performance.now();
  const now = (): EngineTime => ({
    engineID,
    engineBoots,
    engineTime: Math.floor((performance.now() - started) / 1000),
  });

  return {
    /** It begins to count its time anew. */
    restart() {
      engineBoots += 1;
      started = performance.now();
    },
    /** What a datagram says, or the datagram that reports why it was not let in. @throws Error for what is no message */
    receive(datagram: Buffer): Incoming | Buffer {
      const [message] = readTlvs(datagram, 1) ?? [];
      const [, header, security, scoped] = readTlvs(message?.value ?? Buffer.alloc(0), 4) ?? [];
      const [id, , flagBytes] = readTlvs(header?.value ?? Buffer.alloc(0), 4) ?? [];
      const parameters = readTlvs(readTlv(security?.value ?? Buffer.alloc(0), 0)?.value ?? Buffer.alloc(0), 6) ?? [];
      const [engine, boots, time, name, digest, salt] = parameters;
      if (!scoped || !id || !flagBytes || !engine || !boots || !time || !name || !digest || !salt)
        throw new Error('no message');
      const flags = flagBytes.value.readUInt8();
      const messageId = readInteger(id);
      const report = (stat: number, user?: SnmpUser) => {
        const bound = [{ name: `1.3.6.1.6.3.15.1.1.${stat}.0`, value: integer(1, TAG.counter) }];
        const pdu = { type: PDU.report, id: 0, numbers: [0, 0] as const, bound };
        return writeMessage({ pdu, messageId, flags: user ? AUTHENTICATED : 0, user, engine: now() });
      };
      const user = users.find((one) => one.name === name.value.toString('utf8'));
      if (!engine.value.equals(engineID)) return report(STATS.engines);
      if (!user) return report(STATS.users);
      const wanted = user.privKey === undefined ? AUTHENTICATED : AUTHENTICATED | ENCRYPTED;
      if ((flags & 3) !== wanted) return report(STATS.levels);
      const protocol = AuthProtocols[user.authProtocol];
      if (!Authentication.isAuthentic(datagram, protocol, user.authKey, engineID, digest.value))
        return report(STATS.digests);
      const { engineBoots: mine, engineTime } = now();
      if (readInteger(boots) !== mine || Math.abs(readInteger(time) - engineTime) > TIME_WINDOW)
        return report(STATS.times, user);
      const sent = { engineID, engineBoots: readInteger(boots), engineTime: readInteger(time) };
      const plain = decrypted(scoped, user, salt.value, sent);
      const pdu = plain && readTlvs(plain.value, 3)?.[2];
      if (!pdu) return report(STATS.decryptions);
      return {
        user,
        pdu: readPdu(pdu),
        wrap: (answer) => writeMessage({ pdu: answer, messageId, flags: flags & 3, user, engine: now() }),
      };
    },
  };
}

function decrypted(scoped: Tlv, user: SnmpUser, salt: Buffer, engine: EngineTime): Tlv | undefined {
  if (user.privKey === undefined || user.privProtocol === undefined) return scoped;
  const protocol = PrivProtocols[user.privProtocol];
  try {
    const plain = Encryption.decryptPdu(
      protocol,
      scoped.value,
      salt,
      user.privKey,
      AuthProtocols[user.authProtocol],
      engine,
    );
    const found = readTlv(Buffer.from(plain), 0);
    return found?.tag === TAG.sequence ? found : undefined;
  } catch {
    return undefined;
  }
}

interface Outgoing {
  readonly pdu: Pdu;
  readonly messageId: number;
  readonly flags: number;
  readonly user: SnmpUser | undefined;
  readonly engine: EngineTime;
}

function writeMessage({ pdu, messageId, flags, user, engine }: Outgoing): Buffer {
  const plain = sequence(octets(engine.engineID), octets(''), writePdu(pdu));
  let [body, salt]: readonly Uint8Array[] = [plain, Buffer.alloc(0)];
  if (flags & ENCRYPTED && user?.privProtocol !== undefined && user.privKey !== undefined) {
    const protocol = PrivProtocols[user.privProtocol];
    const sealed = Encryption.encryptPdu(protocol, plain, user.privKey, AuthProtocols[user.authProtocol], engine);
    body = tlv(TAG.octets, sealed.encryptedPdu);
    salt = sealed.msgPrivacyParameters;
  }
  const protocol = user && flags & AUTHENTICATED ? AuthProtocols[user.authProtocol] : undefined;
  const room = Buffer.alloc(protocol === undefined ? 0 : Authentication.getParametersLength(protocol));
  const security = sequence(
    octets(engine.engineID),
    integer(engine.engineBoots),
    integer(engine.engineTime),
    octets(protocol === undefined ? '' : (user?.name ?? '')),
    octets(room),
    octets(salt ?? ''),
  );
  const header = sequence(integer(messageId), integer(65_507), octets(Buffer.from([flags])), integer(3));
  const datagram = sequence(integer(3), header, octets(security), body ?? plain);
  if (protocol === undefined || !user) return datagram;
  const digest = Authentication.calculateDigest(datagram, protocol, user.authKey, Buffer.from(engine.engineID));
  digestOf(datagram)?.set(digest.subarray(0, room.length));
  return datagram;
}

/** The place of the digest in a message. */
function digestOf(datagram: Buffer): Buffer | undefined {
  const security = readTlvs(readTlv(datagram, 0)?.value ?? Buffer.alloc(0), 3)?.[2];
  return readTlvs(readTlv(security?.value ?? Buffer.alloc(0), 0)?.value ?? Buffer.alloc(0), 5)?.[4]?.value;
}
