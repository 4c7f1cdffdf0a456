import { z } from 'zod';
import { SIZE_WITH_UNIT } from '../../core/size.ts';
import { PASSWORD_HASH, USER_NAME } from '../../core/user.ts';
import { ManageDisks } from './pi.ts';

const size = z.string().regex(SIZE_WITH_UNIT, 'must be a number with KiB, MiB, GiB or TiB');

/** What a new root gets, whoever asks for it. All of it may be left out. */
const NewRootWish = z.object({
  bakeformName: z.string().meta({ example: 'raspios' }),
  rootSize: size.optional().meta({
    description: "of the Pi's root, its quota: at least that of the bakeform, which it has when this is left out",
    example: '16GiB',
  }),
  user: z
    .object({
      name: z
        .string()
        .regex(USER_NAME, 'begins with a letter, has at most 32 of a-z, 0-9, _ and -')
        .meta({ example: 'ada' }),
      passwordHash: z
        .string()
        .regex(PASSWORD_HASH, 'must be a hash of crypt(5): yescrypt, bcrypt or SHA')
        .optional()
        .meta({
          description:
            'as `mkpasswd` makes it; without it the password is locked. Forgotten when the operation has ended',
          example: '$6$saltsaltsalt$8G3p',
        }),
    })
    .optional()
    .meta({ description: 'made with a home and sudo without a password; one that the image has is taken as it is' }),
  authorizedKeys: z
    .array(z.string())
    .max(100)
    .optional()
    .meta({
      description: 'OpenSSH public keys that may log in as the user, or as root without one; options are not taken',
      example: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINkJo+vL73s3Y9RCLDrQL5xj2ja4OLEgD0NMgjfmemTu ada@desk'],
    }),
  userData: z.string().optional().meta({
    description:
      'for cloud-init: `#cloud-config`, a script, or MIME; at most 64 KiB. Forgotten when the operation has ended',
    example: '#cloud-config\npackage_update: true\n',
  }),
});

/** What POST /fridge takes. The original client sends nothing but the name. */
export const BakeRequest = NewRootWish.extend({
  piId: z.string().optional().meta({ description: 'that Pi and no other', example: '687680cd' }),
  model: z.string().max(32).optional().meta({ description: 'as Raspberry Pi names it', example: '4B' }),
  tags: z
    .array(z.string().max(64))
    .max(32)
    .optional()
    .meta({ description: 'all of them', example: ['rack-2'] }),
  memory: size.optional().meta({ description: 'at least so much', example: '4GiB' }),
  manageDisks: ManageDisks.optional(),
  power: z
    .literal('on')
    .optional()
    .meta({ description: 'switched on when all is in place; else its power is left alone' }),
}).meta({ id: 'BakeRequest', example: { bakeformName: 'raspios' } });

/** What POST /pis/{piId}/rebake takes. */
export const RebakeRequest = NewRootWish.extend({
  power: z.enum(['on', 'off']).optional().meta({ description: 'afterwards; as it was before when this is left out' }),
  keepPiConfig: z.boolean().default(true).meta({ description: 'the files of /piConfig go along to the new root' }),
}).meta({ id: 'RebakeRequest', example: { bakeformName: 'raspios', keepPiConfig: true } });
export type NewRootWish = z.output<typeof NewRootWish>;
