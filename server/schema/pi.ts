import { z } from 'zod';
import { parseMac, parsePiId, parsePiName, piIdOfSerial } from '../../core/ids.ts';
import { PI_STATES } from '../../core/pi.ts';
import { parseRevision } from '../../core/revision.ts';
import { DiskInfo } from './disk.ts';
import { flag } from './flag.ts';
import { NextCursor, PageQuery } from './page.ts';

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

const Name = z
  .string()
  .refine((text) => parsePiName(text) !== undefined, {
    error: 'a name has 1 to 63 letters, digits or . _ - and is neither 8 nor 16 hex digits',
  })
  .meta({ description: 'what people call it; unique', example: 'rack1-07' });
const Tag = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:=/-]{0,62}$/, 'a tag has 1 to 63 letters, digits or . _ : = / -')
  .meta({ example: 'ci' });
export const Tags = z
  .array(Tag)
  .max(32)
  .meta({ description: 'in their order, each once', example: ['ci', 'rack=1'] });
const Notes = z.string().max(4_000).meta({ example: 'the fan is loud' });
/** A port of a switch. */
export const PortPlace = z.object({
  switch: z.string().min(1).max(64).meta({ example: 'poe-a' }),
  port: z.string().min(1).max(64).meta({ example: '12' }),
});
const Port = PortPlace.meta({ description: 'the port of the switch that its power comes from; one Pi each' });
const Revision = z
  .string()
  .refine((text) => parseRevision(text) !== undefined, { error: 'a revision code has 4 to 8 hex digits' })
  .meta({ description: 'its revision code, as /proc/cpuinfo prints it', example: 'a020d3' });
const Mac = z
  .string()
  .refine((text) => parseMac(text) !== undefined, { error: 'a MAC has six hex pairs' })
  .meta({ example: 'b8:27:eb:80:cd:7d' });
export const ManageDisks = z.boolean().meta({
  description:
    'Bakery writes /piConfig/disks.json on its root at each attach and detach; else that is left to whoever baked it. Ends with an unbake',
  example: true,
});
const Reach = z.enum(['port', 'by-hand', 'none']).meta({
  description: 'through a port of a switch, only by asking a person, or not at all',
});
const Wished = z.enum(['on', 'off']).meta({ description: 'what its power should be', example: 'on' });

/** One Pi with all that is known of it. */
export const Pi = PiInfo.extend({
  quarantine: z.boolean().optional().meta({ description: 'not admitted yet: never picked, never powered' }),
  name: Name.optional(),
  tags: Tags,
  notes: Notes.optional(),
  manageDisks: ManageDisks.optional(),
  port: Port.optional(),
  portUnlisted: z.boolean().optional().meta({
    description: 'its switch did not list that port when it was asked last: a wrong name, most often',
  }),
  movedTo: PortPlace.optional().meta({
    description: 'the port it was found on while it is bound to another; it is not picked meanwhile',
  }),
  revision: Revision.optional(),
  model: z.string().optional().meta({ description: 'of its revision code', example: '3B+' }),
  memoryMiB: z.int().optional().meta({ description: 'of its revision code', example: 1024 }),
  processor: z.string().optional().meta({ description: 'of its revision code', example: 'BCM2837' }),
  lastSeenAt: z.iso.datetime().optional().meta({ description: 'when its address was last seen in use' }),
  power: z.object({ reach: Reach, desired: Wished.optional() }),
  operation: z
    .object({ id: z.string().meta({ example: '6f1a3c52-8a0f-4a53-9d3e-0d6a4e1c7b11' }), kind: z.string() })
    .optional()
    .meta({ description: 'the operation that holds it' }),
}).meta({ id: 'Pi' });
export type Pi = z.output<typeof Pi>;

/** A page of Pis. */
export const PiPage = z.object({ pis: z.array(Pi), next: NextCursor }).meta({ id: 'PiPage' });

const filter = {
  state: z.enum(PI_STATES).optional(),
  model: z.string().max(32).optional().meta({ description: 'of its revision code, in any case', example: '4B' }),
  name: z.string().max(63).optional().meta({ example: 'rack1-07' }),
  bakeform: z.string().max(128).optional().meta({ description: 'what it is baked from', example: 'debian-13' }),
  q: z.string().min(1).max(100).optional().meta({
    description: 'a text in its id, name, tags, notes, MAC, address or port, in any case',
    example: 'rack1',
  }),
};
const memory = { description: 'it has at least so much, by its revision code', example: 2048 };
const allTags = { description: 'it has every one of them', example: ['ci'] };
const hasFault = { description: 'whether it has one' };

/** Which Pis are meant; all that is there must be so. */
export const PiSelect = z
  .object({
    ...filter,
    minMemoryMiB: z.int().min(0).optional().meta(memory),
    tags: z.array(Tag).min(1).max(32).optional().meta(allTags),
    maintenance: z.boolean().optional(),
    quarantine: z.boolean().optional(),
    awaitOff: z.boolean().optional(),
    fault: z.boolean().optional().meta(hasFault),
  })
  .meta({ id: 'PiSelect' });

/** What GET /pis takes. */
export const PiQuery = PageQuery.extend({
  ...filter,
  minMemoryMiB: z.coerce.number().int().min(0).optional().meta(memory),
  tag: z
    .preprocess((tag) => (typeof tag === 'string' ? [tag] : tag), z.array(Tag).max(32).optional())
    .meta({ ...allTags, description: 'may be given more than once: it has every one of them' }),
  maintenance: flag(),
  quarantine: flag(),
  awaitOff: flag(),
  fault: flag().meta(hasFault),
});

/** What POST /pis takes. */
export const NewPi = z
  .object({
    id: z
      .string()
      .refine((text) => (parsePiId(text) ?? piIdOfSerial(text)) !== undefined, {
        error: 'the serial number of a Pi has 16 hex digits, its id is the last 8',
      })
      .meta({ description: 'its serial number, whole or the last 8 digits', example: '00000000687680cd' }),
    mac: Mac.optional(),
    name: Name.optional(),
    tags: Tags.optional(),
    notes: Notes.optional(),
    port: Port.optional(),
    revision: Revision.optional(),
  })
  .meta({ id: 'NewPi' });

/** What PATCH /pis/{piId} takes. */
export const PiPatch = z
  .object({
    name: Name.nullable().optional(),
    tags: Tags.optional(),
    notes: Notes.optional(),
    port: Port.nullable().optional(),
    revision: Revision.nullable().optional(),
    maintenance: z.boolean().optional().meta({ description: 'it is never picked while this is set', example: true }),
    manageDisks: ManageDisks.optional(),
  })
  .meta({ id: 'PiPatch', description: 'What is absent stays as it is; null takes it back.' });

/** What is known of a Pi's power. */
export const PiPowerInfo = z
  .object({
    reach: Reach,
    desired: Wished.optional(),
    observed: z.enum(['on', 'off', 'unknown']).optional().meta({
      description: 'what the switch says now; absent where it cannot tell',
    }),
    fault: z.string().optional().meta({ description: 'what the machine found wrong with the Pi' }),
  })
  .meta({ id: 'PiPower' });
export type PiPowerInfo = z.output<typeof PiPowerInfo>;

export const PowerActions = z.enum(['on', 'off', 'cycle']);

/** What POST /pis/{piId}/power takes. */
export const PowerRequest = z.object({ action: PowerActions.meta({ example: 'cycle' }) }).meta({ id: 'PowerRequest' });
