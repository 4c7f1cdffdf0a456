import { z } from 'zod';
import { flag } from './flag.ts';
import { NextCursor } from './page.ts';
import { PortPlace } from './pi.ts';

const Name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name has 1 to 63 letters, digits or . _ -')
  .meta({ description: 'what Pis are bound to in `port.switch`; it does not change', example: 'poe-a' });
const KindName = z.string().min(1).max(64).meta({ example: 'snmp-poe' });
const Notes = z.string().max(4_000).meta({ example: 'top of rack 1' });
/** Flat; the schema of its kind says what is in it. */
const Settings = z.record(z.string().max(64), z.union([z.string(), z.number(), z.boolean(), z.null()]));

/** What POST /switches takes. */
export const NewSwitch = z
  .object({
    name: Name,
    kind: KindName,
    settings: Settings.meta({
      description: 'by the schema of its kind, secrets too',
      example: { host: '192.0.2.7', user: 'bakery', authKey: '…', privKey: '…' },
    }),
    notes: Notes.optional(),
  })
  .meta({ id: 'NewSwitch' });

/** What PATCH /switches/{name} takes. */
export const SwitchPatch = z
  .object({
    settings: Settings.optional().meta({
      description: 'one by one: what is absent stays, secrets too, unless its address changes; null takes it back',
      example: { authKey: '…' },
    }),
    notes: Notes.optional(),
  })
  .meta({ id: 'SwitchPatch', description: 'What is absent stays as it is.' });

/** A switch without its secrets. */
export const SwitchInfo = z
  .object({
    name: Name,
    kind: KindName,
    settings: Settings.meta({ description: 'without secrets', example: { host: '192.0.2.7', user: 'bakery' } }),
    secrets: z.record(z.string(), z.boolean()).meta({
      description: 'which secrets it has; empty when they cannot be read. Their values are never shown',
      example: { authKey: true, privKey: true },
    }),
    notes: Notes.optional(),
    createdAt: z.iso.datetime(),
    boundPis: z.int().meta({ description: 'Pis that are bound to its ports', example: 12 }),
    fault: z.string().optional().meta({ description: 'why it cannot be used, or why the last question to it failed' }),
    description: z.string().optional().meta({ description: 'what it says that it is', example: 'GS308EP V1.0.1.4' }),
    surveyedAt: z.iso.datetime().optional().meta({ description: 'when it last told what is on its ports' }),
  })
  .meta({ id: 'Switch', description: 'A switch whose ports Pis hang on.' });
export type SwitchInfo = z.output<typeof SwitchInfo>;

/** A page of switches. */
export const SwitchPage = z.object({ switches: z.array(SwitchInfo), next: NextCursor }).meta({ id: 'SwitchPage' });

/** Which kinds of switches there are. */
export const SwitchKinds = z
  .object({
    kinds: z.array(
      z.object({
        name: KindName,
        title: z.string().meta({ example: 'managed PoE switches over SNMP' }),
        secrets: z.array(z.string()).meta({ description: 'settings that are never shown', example: ['authKey'] }),
        address: z.array(z.string()).meta({
          description: 'settings that say who gets the secrets: who changes one gives them again',
          example: ['host', 'port'],
        }),
        settings: z.record(z.string(), z.unknown()).meta({
          description: 'JSON Schema of its settings',
          example: { type: 'object', properties: { host: { type: 'string' } }, required: ['host'] },
        }),
      }),
    ),
  })
  .meta({ id: 'SwitchKinds' });

/** What DELETE /switches/{name} takes. */
export const DeleteSwitch = z.object({
  unbind: flag().meta({ description: 'bind the Pis on its ports to none; else it is refused while there are some' }),
});

const Power = z.enum(['on', 'off', 'unknown']).meta({ description: 'whether its power is switched on', example: 'on' });
const Milliwatts = z.int().min(0);
const Budget = z
  .object({
    limitMilliwatts: Milliwatts.meta({ example: 62_000 }),
    usedMilliwatts: Milliwatts.meta({ example: 8_200 }),
  })
  .meta({ description: 'power that it has for all its ports' });

/** What POST /switches/{name}/test takes. */
export const TestSwitch = z
  .object({
    port: PortPlace.shape.port.optional().meta({
      description: 'ask for this port only: for a kind that has no list of its ports',
    }),
  })
  .meta({ id: 'TestSwitch' });

/** What a switch answered to a test. */
export const SwitchTest = z
  .object({
    description: z.string().optional().meta({ description: 'what it says that it is', example: 'GS308EP V1.0.1.4' }),
    ports: z.int().optional().meta({ description: 'how many ports it lists', example: 8 }),
    budget: Budget.optional(),
    power: Power.optional().meta({ description: 'of the port that was asked for' }),
  })
  .meta({ id: 'SwitchTest' });

const PiIdText = z.string().meta({ example: '687680cd' });

/** One port, and what hangs on it. */
export const SwitchPort = z
  .object({
    port: PortPlace.shape.port,
    label: z.string().optional().meta({ description: 'what the switch calls it', example: 'gi1/0/12' }),
    power: Power,
    delivers: z.boolean().optional().meta({ description: 'something on it draws power' }),
    milliwatts: Milliwatts.optional().meta({ description: 'what it draws', example: 4_100 }),
    link: z.boolean().optional(),
    macs: z
      .array(z.string())
      .optional()
      .meta({
        description: 'addresses learned on it, 64 at most; absent where the switch cannot tell',
        example: ['b8:27:eb:76:80:cd'],
      }),
    pi: PiIdText.optional().meta({ description: 'the Pi that is bound to it' }),
    found: z.array(PiIdText).meta({ description: 'Pis whose address was learned on it' }),
    uplink: z.boolean().optional().meta({ description: 'several devices: there is another switch behind it' }),
  })
  .meta({ id: 'SwitchPort' });
export type SwitchPort = z.output<typeof SwitchPort>;

/** All ports of a switch. */
export const SwitchPorts = z
  .object({
    description: z.string(),
    at: z.iso.datetime().meta({ description: 'when it was asked' }),
    budget: Budget.optional(),
    ports: z.array(SwitchPort),
  })
  .meta({
    id: 'SwitchPorts',
    example: {
      description: 'GS308EP V1.0.1.4',
      at: '2026-11-24T12:00:00.000Z',
      ports: [
        { port: '12', power: 'on', delivers: true, milliwatts: 4_100, link: true, pi: '687680cd', found: ['687680cd'] },
      ],
    },
  });

/** What POST /switches/{name}/discover takes. */
export const DiscoverPorts = z
  .object({
    apply: z
      .boolean()
      .optional()
      .meta({ description: 'bind what is `bound`; else it is only proposed', example: true }),
    rebind: z.boolean().optional().meta({ description: 'bind those that have `moved`, too', example: false }),
  })
  .meta({ id: 'DiscoverPorts' });

/** Which Pis hang on a switch. */
export const Discovery = z
  .object({
    applied: z.boolean().meta({ description: 'whether anything was bound' }),
    pis: z.array(
      z.object({
        pi: PiIdText,
        outcome: z.enum(['bound', 'already', 'moved', 'ambiguous', 'notFound']).meta({
          description:
            '`bound`: it was bound to no port, and is alone on one; `already`: it is on its port; `moved`: it is bound to another; `ambiguous`: a person must say where it belongs; `notFound`: on no port',
        }),
        port: PortPlace.optional().meta({ description: 'where it was found' }),
        boundTo: PortPlace.optional().meta({ description: 'what it was bound to, when that is another' }),
        binds: z.boolean().meta({ description: 'it is, or with `apply` would be, bound to `port`' }),
        why: z.string().optional().meta({ description: 'why it is not bound' }),
      }),
    ),
  })
  .meta({
    id: 'Discovery',
    description: 'Those that are bound to other switches and not found on this one are left out.',
  });
