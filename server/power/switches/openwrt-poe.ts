import { z } from 'zod';
import type { PortPower, PortReading, SwitchSurvey } from './kind.ts';
import { milliwatts } from './readings.ts';

const Watts = z.number().nonnegative();
const Port = z.object({ status: z.string().max(64).optional(), consumption: Watts.optional() });

/** `poe info` of realtek-poe: its ports by name. */
export const PoeInfo = z.object({
  firmware: z.string().max(64).optional(),
  mcu: z.string().max(128).optional(),
  budget: Watts.optional(),
  consumption: Watts.optional(),
  ports: z.record(z.string().max(64), Port),
});
export type PoeInfo = z.output<typeof PoeInfo>;

/** An answer of ubus over HTTP: a status with what was asked for, or an error of the web server. */
export const RpcAnswer = z.union([
  z.object({ result: z.tuple([z.int()]).rest(z.unknown()) }),
  z.object({ error: z.object({ code: z.int(), message: z.string().max(256) }) }),
]);

/** `session login`. */
export const RpcSession = z.object({ ubus_rpc_session: z.string().regex(/^[\da-f]{32}$/) });

/** The words for a port that is switched on, whatever it finds there (realtek-poe, `port_short_status_to_str`). */
const ON = new Set(['Searching', 'Delivering power', 'Requesting power', 'Fault', 'Other fault']);

function powerOf({ status }: z.output<typeof Port>): PortPower {
  if (status === 'Disabled') return 'off';
  return status !== undefined && ON.has(status) ? 'on' : 'unknown';
}

/** What the ports give, by name. */
export const readPower = ({ ports }: PoeInfo): ReadonlyMap<string, PortPower> =>
  new Map(Object.entries(ports).map(([name, port]) => [name, powerOf(port)]));

/** Everything that the switch tells; a port that draws nothing has no figure. */
export function readSurvey(info: PoeInfo): SwitchSurvey {
  const ports = Object.entries(info.ports).map(([name, port]): PortReading => {
    const power = powerOf(port);
    const isKnown = power !== 'unknown';
    return {
      port: name,
      power,
      ...(isKnown
        ? { delivers: port.status === 'Delivering power', milliwatts: milliwatts(port.consumption) ?? 0 }
        : {}),
    };
  });
  const limitMilliwatts = milliwatts(info.budget) ?? 0;
  const budget = { limitMilliwatts, usedMilliwatts: milliwatts(info.consumption) ?? 0 };
  return {
    description: ['OpenWrt realtek-poe', info.mcu, info.firmware].filter(Boolean).join(' '),
    ports,
    ...(limitMilliwatts > 0 ? { budget } : {}),
  };
}
