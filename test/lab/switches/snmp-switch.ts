import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readTlvs } from '../../../server/power/switches/snmp/tlv.ts';
import type { FarEnd } from '../../contract/switch-bench.ts';
import { integer, octets, readInteger, sequence } from './ber.ts';
import { type PoeBox, type PoeBoxOptions, poeBox } from './poe-box.ts';
import { type MibOptions, poeMib } from './poe-mib.ts';
import { answer, PDU, type Pdu, readPdu, refusal, STATUS, writePdu } from './snmp-pdu.ts';
import { type SnmpUser, usmEngine } from './snmp-usm.ts';

export interface SnmpSwitchOptions extends Partial<PoeBoxOptions> {
  readonly address?: string;
  /** 0 for any that is free. */
  readonly port?: number;
  readonly communities?: readonly { readonly name: string; readonly mayWrite: boolean }[];
  readonly users?: readonly SnmpUser[];
  readonly mib?: Partial<Pick<MibOptions, 'description' | 'interfaceName' | 'ifIndex' | 'stations'>>;
}

/** A PoE switch that is asked by SNMP 2c and 3, on a real socket. */
export interface SnmpSwitch {
  readonly box: PoeBox;
  readonly port: number;
  /** Every change that came in, as `on 1.3`. */
  readonly changes: readonly string[];
  /** Datagrams that came in. */
  readonly asked: number;
  behave(behaviour: FarEnd): Promise<void>;
  close(): Promise<void>;
}

/** What this switch can do. */
export const SNMP_SWITCH_BEHAVIOURS: readonly FarEnd[] = [
  'works',
  'silent',
  'half-dead',
  'refusing',
  'busy',
  'broken',
  'forgets',
  'lags',
  'ignores',
];

const VERSION_2C = 1;
const VERSION_3 = 3;

/** Starts one. Its community is `private` and it has no users, unless told. */
export async function startSnmpSwitch(options: SnmpSwitchOptions = {}): Promise<SnmpSwitch> {
  const { address = '127.0.0.1', communities = [{ name: 'private', mayWrite: true }], users = [] } = options;
  const { groups = 1, portsOfGroup = 8, budget = 60, onPower } = options;
  const box = poeBox({ groups, portsOfGroup, budget, ...(onPower ? { onPower } : {}) });
  const engine = usmEngine(users);
  const changes: string[] = [];
  let behaviour: FarEnd = 'works';
  let asked = 0;
  /** What the read-back says while it lags. */
  let frozen: ReadonlyMap<string, boolean> | undefined;

  const objects = () =>
    poeMib(box, {
      description: 'Bakery lab switch, 802.3at',
      stations: 'q-bridge',
      ...options.mib,
      isEnabled: (port) => frozen?.get(port.name) ?? port.isEnabled,
      enable(port, power) {
        changes.push(`${power} ${port}`);
        if (behaviour !== 'ignores') box.enable(port, power);
      },
    });

  function respond(request: Pdu, mayWrite: boolean): Pdu {
    if (behaviour === 'busy')
      return refusal(request, request.type === PDU.set ? STATUS.resourceUnavailable : STATUS.genErr);
    return answer(request, objects(), { mayWrite });
  }

  /** The datagram that answers; undefined where an agent is silent. @throws Error for what is no message */
  function answerTo(datagram: Buffer): Buffer | undefined {
    const [version, community, pdu] = readTlvs(readTlvs(datagram, 1)?.[0]?.value ?? Buffer.alloc(0), 3) ?? [];
    if (!version || !community || !pdu) return undefined;
    if (readInteger(version) === VERSION_3) {
      const incoming = engine.receive(datagram);
      if (Buffer.isBuffer(incoming)) return incoming;
      return incoming.wrap(respond(incoming.pdu, incoming.user.mayWrite));
    }
    const known = communities.find(({ name }) => name === community.value.toString('utf8'));
    if (!known || readInteger(version) !== VERSION_2C) return undefined;
    return sequence(integer(VERSION_2C), octets(community.value), writePdu(respond(readPdu(pdu), known.mayWrite)));
  }

  function onMessage(socket: Socket, datagram: Buffer, from: RemoteInfo): void {
    asked += 1;
    if (behaviour === 'silent' || behaviour === 'half-dead') return;
    const answered = behaviour === 'broken' ? Buffer.from('HTTP/1.1 400 Bad Request') : answerOrNone(datagram);
    if (answered) socket.send(answered, from.port, from.address);
  }

  function answerOrNone(datagram: Buffer): Buffer | undefined {
    try {
      return answerTo(datagram);
    } catch {
      return undefined;
    }
  }

  async function listen(port: number): Promise<Socket> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (datagram, from) => onMessage(socket, datagram, from));
    socket.bind(port, address);
    await once(socket, 'listening');
    return socket;
  }

  async function hangUp(): Promise<void> {
    const open = socket;
    socket = undefined;
    if (!open) return;
    open.close();
    await once(open, 'close');
  }

  let socket: Socket | undefined = await listen(options.port ?? 0);
  const { port } = socket.address();
  return {
    box,
    port,
    changes,
    get asked() {
      return asked;
    },
    async behave(next) {
      behaviour = next;
      frozen = next === 'lags' ? new Map(box.ports.map(({ name, isEnabled }) => [name, isEnabled])) : undefined;
      if (next === 'forgets') engine.restart();
      if (next === 'refusing') await hangUp();
      else socket ??= await listen(port);
    },
    close: hangUp,
  };
}
