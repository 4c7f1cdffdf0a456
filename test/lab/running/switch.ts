import { randomBytes } from 'node:crypto';
import { startSnmpSwitch } from '../switches/snmp-switch.ts';
import type { LabBoard } from './boards.ts';
import type { LabPi } from './pi.ts';
import type { LabServer } from './server.ts';

/** What the lab's Pis have their power from. */
export interface LabSwitch {
  /** What it is, for people. */
  readonly title: string;
  /** Tells a server of it; a server that knew it is told where it is now. */
  enter(server: LabServer): Promise<void>;
  /** The port of a Pi, as the API takes it. */
  portOf(board: LabBoard): { readonly switch: string; readonly port: string };
  /** Switches a port on by hand, as the switch's own panel does. */
  feed(board: LabBoard): void;
  close(): Promise<void>;
}

const NAME = 'lab';
/** What a Pi takes of a port, and what the switch has for each: a Pi 4 that works, and class 3 (IEEE 802.3af). */
const [PI_WATTS, PORT_WATTS] = [5, 15];

/** A PoE switch with a port for each Pi, that is asked and told by SNMP (`snmp-poe`). `tell` is called with what goes wrong. */
export async function startPoeSwitch(pis: readonly LabPi[], tell: (error: unknown) => void): Promise<LabSwitch> {
  const community = randomBytes(12).toString('hex');
  const portOf = (board: LabBoard) => `1.${pis.findIndex((pi) => pi.board === board) + 1}`;
  const snmp = await startSnmpSwitch({
    communities: [{ name: community, mayWrite: true }],
    portsOfGroup: pis.length,
    budget: PORT_WATTS * pis.length,
    onPower(port, power) {
      const pi = pis.find(({ board }) => portOf(board) === port);
      pi?.[power]().catch(tell);
    },
  });
  for (const { board } of pis) {
    snmp.box.plug(portOf(board), PI_WATTS);
    snmp.box.describe(portOf(board), { alias: board.name, macs: [board.mac] });
  }
  const settings = { host: '127.0.0.1', port: snmp.port, version: '2c', community };
  return {
    title: `PoE switch ${NAME} with ${pis.length} ports, by SNMP`,
    async enter(server) {
      const { status } = await server.call('POST', '/switches', { name: NAME, kind: 'snmp-poe', settings });
      const entered = status === 409 ? await server.call('PATCH', `/switches/${NAME}`, { settings }) : { status };
      if (entered.status > 201) throw new Error(`the server does not take the switch (${entered.status})`);
    },
    portOf: (board) => ({ switch: NAME, port: portOf(board) }),
    feed: (board) => snmp.box.enable(portOf(board), 'on'),
    close: () => snmp.close(),
  };
}
