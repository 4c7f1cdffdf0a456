import { z } from 'zod';
import { PI_STATES } from '../../core/pi.ts';
import { DiskInfo } from './disk.ts';

/** A Pi as the original API shows it; `state` and what follows are ours. */
export const PiInfo = z
  .object({
    id: z
      .string()
      .meta({ description: 'low 32 bits of the serial number, 8 lower-case hex digits', example: '687680cd' }),
    status: z.union([z.literal(1), z.literal(2), z.literal(3)]).meta({
      description: '1 not in use (fridge), 2 in use (oven), 3 being worked on',
    }),
    disks: z.array(DiskInfo).optional().meta({ description: 'in attach order, the root first; absent when empty' }),
    sourceBakeform: z.object({ name: z.string(), location: z.string() }).optional(),
    state: z.enum(PI_STATES),
    address: z.string().optional().meta({ description: 'the one address that may use its exports' }),
    mac: z.string().optional(),
    desiredPower: z.enum(['on', 'off']).optional(),
    maintenance: z.boolean().optional(),
    awaitOff: z.boolean().optional().meta({ description: 'a person has to switch it off' }),
    fault: z.string().optional().meta({ description: 'what the machine found wrong with it' }),
  })
  .meta({ id: 'PiInfo' });
export type PiInfo = z.output<typeof PiInfo>;

/** Pis by id. */
export const PiMap = z.record(z.string(), PiInfo).meta({ id: 'PiMap' });
