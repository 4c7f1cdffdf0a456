import { z } from 'zod';
import { PowerFault } from '../driver.ts';
import type { PortPower, PortReading, SwitchSurvey } from './kind.ts';
import { milliwatts, stations } from './readings.ts';

/** A member that says nothing of a port's power: what is wrong with it is no reason to lose the table. */
const lenient = <T extends z.ZodType>(shape: T) => shape.optional().catch(undefined);
/** W; text in a table of ports, a number elsewhere. */
const Watts = lenient(z.union([z.number(), z.string().max(16)]));

const Port = z.object({
  /** Not every entry of every device has one. */
  port_idx: z.int().positive().max(1024).optional(),
  name: lenient(z.string().max(256)),
  port_poe: z.boolean().optional(),
  poe_mode: z.string().max(32).optional(),
  /** It feeds something; false on a port that may and has nothing to feed. */
  poe_enable: z.boolean().optional(),
  poe_power: Watts,
  portconf_id: lenient(z.string().max(64)),
  up: lenient(z.boolean()),
});

/** What an operator or a profile changed on a port. Everything that we do not know of it is kept as it is. */
const Override = z.looseObject({
  port_idx: z.int().positive().max(1024).optional(),
  poe_mode: z.string().max(32).optional(),
});
export type Override = z.output<typeof Override>;

const Device = z.object({
  _id: z.string().regex(/^\w{1,64}$/),
  model: z.string().max(64).optional(),
  version: z.string().max(64).optional(),
  state: z.int(),
  port_table: z.array(Port).max(1024).default([]),
  port_overrides: z.array(Override).max(1024).default([]),
  total_max_power: Watts,
});

/** A switch as the controller tells of it (`stat/device/{mac}`): the table of ports as the switch last reported it, and what was wished of it. */
export type UnifiDevice = z.output<typeof Device>;

/** Every answer of the controller: `meta.rc` is `ok`, or `error` with a code in `meta.msg`. */
export const Answer = z.object({
  meta: z.object({ rc: z.string().max(64), msg: z.string().max(256).optional() }),
  data: z.array(z.unknown()).default([]),
});

/** What UniFi OS itself says of a refusal. */
export const Refusal = z.object({ code: lenient(z.string().max(64)), message: lenient(z.string().max(256)) });

export const Devices = z.tuple([Device]);

/** What a client of the network hangs on; wireless ones hang on none. */
export const Stations = z.array(
  z.object({ mac: z.string().max(64), sw_mac: z.string().max(64).optional(), sw_port: z.int().optional() }),
);
export type Stations = z.output<typeof Stations>;

const CONNECTED = 1;
/** It takes up a change, 10 to 60 s long. */
const PROVISIONING = 5;
/** Other states of a switch (aiounifi, `DeviceState`). */
const STATES: Readonly<Record<number, string>> = {
  0: 'disconnected',
  2: 'not adopted',
  4: 'upgrading',
  6: 'not heard of',
  7: 'being adopted',
  9: 'in error',
  11: 'isolated',
};

/**
 * All overrides as they must be sent: the list replaces the one that is there. Undefined when nothing is to be changed, because each write makes the
 * switch provision itself anew. A port that is off comes back as `auto`, IEEE 802.3af/at with detection; one that is on in any mode stays as it is.
 * A switch that takes up an earlier change takes this one up after it: the controller has them all.
 * @throws PowerFault fatal for a port that cannot feed, retryable while the switch is not there: the controller would keep the change for later,
 * and switch when nobody expects it any more.
 */
export function planOverrides(
  device: UnifiDevice,
  changes: ReadonlyMap<string, 'on' | 'off'>,
): readonly Override[] | undefined {
  const planned = device.port_overrides.map((override) => ({ ...override }));
  let isChanged = false;
  for (const [port, wish] of changes) {
    const entry = feeding(device).find(({ port_idx }) => String(port_idx) === port);
    if (!entry) {
      // One that is not connected may be told of without its ports.
      throw notThere(device) ?? new PowerFault('fatal', `the switch has no port ${port} that can feed`);
    }
    const override = planned.find(({ port_idx }) => port_idx === entry.port_idx);
    const isOff = (override?.poe_mode ?? entry.poe_mode) === 'off';
    if (isOff === (wish === 'off')) continue;
    isChanged = true;
    const poe_mode = wish === 'off' ? 'off' : 'auto';
    if (override) override.poe_mode = poe_mode;
    else {
      const profile = entry.portconf_id === undefined ? {} : { portconf_id: entry.portconf_id };
      planned.push({ port_idx: entry.port_idx, poe_mode, ...profile });
    }
  }
  if (!isChanged) return undefined;
  const fault = notThere(device);
  if (fault) throw fault;
  return planned;
}

function notThere({ state }: UnifiDevice): PowerFault | undefined {
  if (state === CONNECTED || state === PROVISIONING) return undefined;
  return new PowerFault('retryable', `the switch is ${STATES[state] ?? `in state ${state}`}`);
}

/** The ports that can feed and have a number. */
const feeding = ({ port_table }: UnifiDevice) =>
  port_table.flatMap((port) => (port.port_poe && port.port_idx ? [{ ...port, port_idx: port.port_idx }] : []));

/** What it draws counts for more than what is configured; a switch that is not connected tells nothing. */
function powerOf({ poe_mode, poe_enable, poe_power }: z.output<typeof Port>, state: number): PortPower {
  if (state !== CONNECTED) return 'unknown';
  if (poe_enable === true || (milliwatts(poe_power) ?? 0) > 0) return 'on';
  if (poe_mode === undefined) return 'unknown';
  return poe_mode === 'off' ? 'off' : 'on';
}

/** What the ports give that can feed, by number. */
export function readPower(device: UnifiDevice): ReadonlyMap<string, PortPower> {
  return new Map(feeding(device).map((port) => [String(port.port_idx), powerOf(port, device.state)]));
}

/** Everything that the controller tells of the switch with this address. */
export function readSurvey(device: UnifiDevice, clients: Stations, mac: string): SwitchSurvey {
  const isHere = device.state === CONNECTED;
  const macsOn = (port: number | undefined) =>
    stations(
      clients.filter(({ sw_mac, sw_port }) => sw_mac?.toLowerCase() === mac && sw_port === port).map((c) => c.mac),
    );
  const ports = feeding(device).map((port): PortReading => {
    const draw = milliwatts(port.poe_power);
    return {
      port: String(port.port_idx),
      ...(port.name === undefined ? {} : { label: port.name }),
      power: powerOf(port, device.state),
      ...(isHere && port.poe_enable !== undefined ? { delivers: port.poe_enable } : {}),
      ...(isHere && draw !== undefined ? { milliwatts: draw } : {}),
      ...(isHere && port.up !== undefined ? { link: port.up } : {}),
      macs: macsOn(port.port_idx),
    };
  });
  const limitMilliwatts = milliwatts(device.total_max_power) ?? 0;
  const usedMilliwatts = ports.reduce((sum, port) => sum + (port.milliwatts ?? 0), 0);
  return {
    description: ['UniFi', device.model, device.version].filter(Boolean).join(' '),
    ports,
    ...(limitMilliwatts > 0 ? { budget: { limitMilliwatts, usedMilliwatts } } : {}),
  };
}
