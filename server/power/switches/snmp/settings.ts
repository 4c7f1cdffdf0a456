import { z } from 'zod';

/**
 * How a switch is asked by SNMP. Version 3 needs a key (RFC 3414): a user without one is no more than a community. Passwords have 8
 * characters at least (RFC 3414 section 11.2). `aes256b` extends the key as Blumenthal's draft does, `aes256r` as Cisco does. DES is
 * not offered: the OpenSSL of Node has none.
 */
export const SnmpSettings = z
  .strictObject({
    host: z
      .string()
      .max(253)
      .regex(/^[\da-z_.:-]+$/i, 'a host name or an IP address'),
    port: z.int().min(1).max(65_535).default(161),
    version: z.enum(['2c', '3']).default('3'),
    /** Version 2c only. It goes through the network as it is. */
    community: z.string().min(1).max(64).optional(),
    user: z.string().min(1).max(32).optional(),
    level: z.enum(['authNoPriv', 'authPriv']).default('authPriv'),
    authProtocol: z.enum(['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512']).default('sha'),
    authKey: z.string().min(8).max(255).optional(),
    privProtocol: z.enum(['aes', 'aes256b', 'aes256r']).default('aes'),
    privKey: z.string().min(8).max(255).optional(),
    /** A context of version 3 (RFC 3411 section 3.3.1); most switches have only the empty one. */
    context: z.string().max(32).default(''),
    /** ms that an answer is waited for; what is asked is sent again after each third of it, because datagrams get lost. */
    timeoutMs: z.int().min(100).max(60_000).default(5_000),
    /** How the interface of a PoE port is found: see interfaces.ts. */
    interfaces: z.enum(['auto', 'name', 'ifindex', 'bridge-port', 'none']).default('auto'),
  })
  .refine(({ version, community }) => version === '3' || community !== undefined, {
    path: ['community'],
    message: 'version 2c needs it',
  })
  .refine(({ version, user }) => version === '2c' || user !== undefined, {
    path: ['user'],
    message: 'version 3 needs it',
  })
  .refine(({ version, authKey }) => version === '2c' || authKey !== undefined, {
    path: ['authKey'],
    message: 'version 3 needs it',
  })
  .refine(({ version, level, privKey }) => version === '2c' || level === 'authNoPriv' || privKey !== undefined, {
    path: ['privKey'],
    message: 'version 3 with authPriv needs it',
  });

export type SnmpSettings = z.output<typeof SnmpSettings>;
