import { z } from 'zod';
import type { PortPower, PortReading, SwitchSurvey } from './kind.ts';
import { milliwatts, stations } from './readings.ts';

/** Every value of RouterOS is text, numbers and flags too; a flag that is not set may be left out. */
const Text = z.string().max(1024);
const table = <Shape extends z.ZodRawShape>(shape: Shape) => z.array(z.object(shape)).max(4096);

/** `/interface/ethernet/poe`. */
export const Ports = table({ '.id': z.string().max(64), name: Text, 'poe-out': Text.optional() });
/** `/interface/ethernet/poe/monitor`. */
export const Monitor = table({ name: Text, 'poe-out-status': Text.optional(), 'poe-out-power': Text.optional() });
/** `/interface`. */
export const Interfaces = table({ name: Text, running: Text.optional(), comment: Text.optional() });
/** `/interface/bridge/host`. */
export const Hosts = z
  .array(z.object({ 'mac-address': Text, 'on-interface': Text.optional(), local: Text.optional() }))
  .max(32_768);
const Board = z.object({ 'board-name': Text.optional(), version: Text.optional() });
/** `/system/resource`: a list of one in the first versions. */
export const Resource = z.union([Board, z.tuple([Board]).transform(([board]) => board)]);

/** What RouterOS answers with a status of 400 or more. */
export const RouterError = z.object({ message: Text.optional(), detail: Text.optional() });

/** One table of a survey each. */
export interface Tables {
  readonly resource: z.output<typeof Resource>;
  readonly ports: z.output<typeof Ports>;
  readonly monitor: z.output<typeof Monitor>;
  readonly interfaces: z.output<typeof Interfaces>;
  readonly hosts: z.output<typeof Hosts>;
}

type Port = z.output<typeof Ports>[number];

/** Those of a table that can feed. */
export const feeding = (ports: readonly Port[]) => ports.filter((port) => port['poe-out'] !== undefined);

/** `auto-on` feeds after detection, the others always: on two pairs, or with 802.3bt on all (the vendor's reference, `/interface/ethernet/poe`). */
const ON = new Set(['auto-on', 'forced-on', 'forced-on-a', 'forced-on-bt']);

/** A word that we do not know says nothing. */
export function powerOf({ 'poe-out': word }: Port): PortPower {
  if (word === 'off') return 'off';
  return word !== undefined && ON.has(word) ? 'on' : 'unknown';
}

/** Everything that RouterOS tells of its ports that can feed. */
export function readSurvey({ resource, ports, monitor, interfaces, hosts }: Tables): SwitchSurvey {
  const measured = new Map(monitor.map((row) => [row.name, row]));
  const links = new Map(interfaces.map((row) => [row.name, row]));
  return {
    description: ['MikroTik', resource['board-name'], 'RouterOS', resource.version].filter(Boolean).join(' '),
    ports: feeding(ports).map((port): PortReading => {
      const status = measured.get(port.name)?.['poe-out-status'];
      const draw = milliwatts(measured.get(port.name)?.['poe-out-power']);
      const link = links.get(port.name);
      const learned = hosts.filter((host) => host['on-interface'] === port.name && host.local !== 'true');
      return {
        port: port.name,
        ...(link?.comment ? { label: link.comment } : {}),
        power: powerOf(port),
        ...(status === undefined ? {} : { delivers: status === 'powered-on' }),
        ...(draw === undefined ? {} : { milliwatts: draw }),
        ...(link?.running === undefined ? {} : { link: link.running === 'true' }),
        macs: stations(learned.map((host) => host['mac-address'])),
      };
    }),
  };
}
