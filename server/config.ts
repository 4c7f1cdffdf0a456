import { isIPv4 } from 'node:net';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { BakeryError } from '../core/errors.ts';
import type { Ipv4 } from '../core/ids.ts';
import { parseSize } from '../core/size.ts';

const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);
const ipv4 = z
  .string()
  .refine((text) => isIPv4(text), 'must be an IPv4 address')
  .transform((text) => text as Ipv4);
const filePath = z
  .string()
  .min(1)
  .transform((text) => resolve(text));
/** It ends up in kernel command lines (nfsroot=), where blanks and commas end a path, and in the NFS server's configuration. */
const rootPath = filePath.refine(
  (path) => /^[A-Za-z0-9/._@+-]+$/.test(path),
  'must have only letters, digits and / . _ @ + -',
);

/** Bytes, as `8GiB`, `512MiB` or a plain number. */
const size = z
  .string()
  .refine((text) => parseSize(text) !== undefined, 'must be a number of bytes or one with KiB, MiB, GiB or TiB')
  .transform((text) => parseSize(text) ?? 0);

const cidr = z.string().refine((text) => {
  const [address = '', bits = ''] = text.split('/');
  return isIPv4(address) && /^\d+$/.test(bits) && Number(bits) <= 32;
}, 'must be a subnet, as 10.0.0.0/24');

/** Parts by commas. */
const list = <T extends z.ZodType<string, string>>(part: T) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((word) => word.trim())
        .filter((word) => word !== ''),
    )
    .pipe(z.array(part));

/** 0 is no limit. */
const limit = (fallback: number) => z.coerce.number().int().min(0).max(10_000).default(fallback);
const seconds = (fallback: number) => z.coerce.number().min(0.1).max(86_400).default(fallback);
const ORIGIN = 'must be origins, as https://panel.example, without a path';

/** Every setting: its environment variable, how it is read, what it means. Flags have the same names in kebab-case. */
const SETTINGS = {
  BAKERY_ROOT: { schema: rootPath.prefault('./data'), help: 'everything on disk lives below it' },
  DB_PATH: { schema: filePath.optional(), help: 'SQLite file (default: bakery.db below the root)' },
  BAKERY_HTTP_ADDRESS: { schema: ipv4.prefault('0.0.0.0'), help: 'address the API listens on' },
  HTTP_PORT: { schema: port(8080), help: 'port of the API; 0 picks one' },
  BAKERY_ADDRESS: { schema: ipv4.optional(), help: "where Pis reach us (default: the default route's address)" },
  BAKERY_AUTH: { schema: z.enum(['token', 'off']).default('token'), help: 'token or off' },
  BAKERY_ADMIN_TOKEN: {
    schema: z.string().min(16, 'must have at least 16 characters').optional(),
    help: 'presets the admin token (default: made at the first start, kept in admin-token below the root)',
  },
  BAKERY_TLS_CERT: { schema: filePath.optional(), help: 'PEM file of the certificate, and those that vouch for it' },
  BAKERY_TLS_KEY: { schema: filePath.optional(), help: 'PEM file of its key; both are read again when they change' },
  BAKERY_CORS_ORIGINS: {
    schema: list(z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, ORIGIN)).prefault(''),
    help: 'web pages, by commas, that may use the API: https://panel.example',
  },
  BAKERY_HOSTS: {
    schema: list(z.string().toLowerCase()).prefault(''),
    help: 'names of this server, by commas, that are answered to without tokens (BAKERY_AUTH=off)',
  },
  BAKERY_MAX_UPLOAD: { schema: size.prefault('64GiB'), help: 'the most that an upload may have' },
  BAKERY_MAX_CONNECTIONS: {
    schema: z.coerce.number().int().min(4).max(100_000).default(1024),
    help: 'connections to the API; one address may have a quarter of them',
  },
  BAKERY_HEADER_SECONDS: { schema: seconds(15), help: 'how long the header of a call may take' },
  BAKERY_BODY_SECONDS: { schema: seconds(30), help: 'how long the body of a call may take that is no upload' },
  BAKERY_STALL_SECONDS: { schema: seconds(60), help: 'how long an upload may bring nothing before it is ended' },
  BAKERY_NFS_BACKEND: {
    schema: z.enum(['auto', 'ganesha', 'nfsd']).default('auto'),
    help: "the NFS server: ganesha, nfsd (the kernel's own); auto: ganesha",
  },
  BAKERY_NFS_PORT: { schema: port(2049), help: 'port of the NFS server; any other than 2049 is told to Pis' },
  BAKERY_MOUNTD_PORT: { schema: port(20_048), help: 'port of its mount service' },
  BAKERY_EXPORT_POLICY: {
    schema: z.enum(['pi', 'subnet', 'any']).default('pi'),
    help: 'who may mount: the one Pi, a subnet, anybody',
  },
  BAKERY_EXPORT_SUBNET: { schema: cidr.optional(), help: 'the subnet of the policy subnet, as 10.0.0.0/24' },
  BAKERY_POOL: {
    schema: z.enum(['auto', 'plain']).default('auto'),
    help: 'auto: reflink where possible, else a loop-backed xfs; plain: never make one',
  },
  BAKERY_ROOT_SIZE: { schema: size.prefault('8GiB'), help: "size of a Pi's root, its quota" },
  BAKERY_STORAGE: {
    schema: z.enum(['volumes', 'none']).default('volumes'),
    help: 'none: no bakeforms, disks and exports, which needs no root',
  },
  BAKERY_TFTP_PORT: { schema: port(69), help: '0 picks one; any other than 69 boots no real Pi' },
  BAKERY_DHCP: {
    schema: z.enum(['listen', 'proxy', 'off']).default('listen'),
    help: 'listen: read what Pis ask; proxy: offer them boot files too; off',
  },
  BAKERY_DHCP_PORT: { schema: port(67), help: '0 picks one; any other than 67 boots no real Pi' },
  BAKERY_INTERFACES: {
    schema: list(z.string().regex(/^[^\s/]{1,15}$/, 'must be names of interfaces')).prefault(''),
    help: 'interfaces, by commas, that Pis are served on: TFTP and DHCP answers (default: all)',
  },
  BAKERY_DISCOVERY: {
    schema: z.enum(['accept', 'quarantine', 'ignore']).default('accept'),
    help: 'what is done with unknown Pis',
  },
  BAKERY_TRUSTED_RELAYS: {
    schema: list(ipv4).prefault('127.0.0.1'),
    help: 'addresses, by commas, that may ask for any Pi over /files and TFTP',
  },
  BAKERY_POWER: {
    schema: z.enum(['manual', 'ppi', 'simpleweb']).optional(),
    help: 'power driver (default: ppi when PPI_PATH is set, else manual)',
  },
  PPI_PATH: { schema: filePath.optional(), help: 'the legacy external power program' },
  PPI_CONFIG_PATH: { schema: filePath.optional(), help: 'its config; simpleweb reads it too' },
  BAKERY_POWER_MODULES: {
    schema: list(z.string().refine((path) => isAbsolute(path), 'must be absolute paths of files')).prefault(''),
    help: 'modules, by commas, with more kinds of switches; they may do all that Bakery may',
  },
  BAKERY_KEY_FILE: {
    schema: filePath.optional(),
    help: 'the key of the credentials of switches (default: secrets.key below the root, made when needed)',
  },
  BAKERY_SWITCH_SURVEY_MINUTES: {
    schema: z.coerce.number().min(0).max(1440).default(10),
    help: 'how often switches are asked whether Pis are still on their ports; 0: never',
  },
  BAKERY_CONSOLES: {
    schema: filePath.optional(),
    help: 'a folder where a console server writes <serial>.log for each Pi, to be read over the API',
  },
  BAKERY_BOOTS_AT_ONCE: {
    schema: limit(16),
    help: 'Pis that boot at a time; the others wait to be switched on; 0: all',
  },
  BAKERY_FIRST_ROM_BOOTS_AT_ONCE: {
    schema: limit(4),
    help: 'of these, boards with the boot ROM of the Pi 3B, which gives up in a crowd; 0: all',
  },
  BAKERY_BOOT_STAGGER_SECONDS: {
    schema: z.coerce.number().min(0).max(600).default(0.5),
    help: 'time from one power-on to the next',
  },
  BAKERY_BOOT_RETRIES: {
    schema: z.coerce.number().int().min(0).max(100).default(3),
    help: 'how often a Pi that gave up booting is power-cycled until it is up; 0: never',
  },
  BAKERY_CYCLES_PER_HOUR: {
    schema: limit(12),
    help: 'how often a Pi may be power-cycled in an hour; 0: without limit',
  },
  BAKERY_POWER_SYNC_SECONDS: {
    schema: z.coerce.number().int().min(0).max(86_400).default(120),
    help: 'how often switches are asked whether Pis are on or off as wished; 0: never',
  },
  BAKERY_TRASH_HOURS: {
    schema: z.coerce.number().min(0).max(8760).default(24),
    help: 'how long destroyed disks are kept',
  },
  BAKERY_TRIM_HOURS: {
    schema: z.coerce.number().min(0).max(8760).default(168),
    help: 'how often each volume gives back what its Pi has freed (fstrim); 0: only when room is short',
  },
  BAKERY_BACKUP_HOURS: {
    schema: z.coerce.number().min(0).max(8760).default(24),
    help: 'how often the database is copied to backups below the root; 0: never',
  },
  BAKERY_BACKUP_KEEP: {
    schema: z.coerce.number().int().min(1).max(1000).default(7),
    help: 'how many of these copies are kept',
  },
  BAKERY_KEEP_DAYS: {
    schema: z.coerce.number().min(1).max(3650).default(90),
    help: 'how long events, ended operations and the audit are kept',
  },
  BAKERY_LABEL: {
    schema: z
      .string()
      .trim()
      .regex(/^[ -~]{1,80}$/, 'must have 1 to 80 characters of ASCII')
      .optional(),
    help: 'what this server is, shown in every log line, answer and page: staging',
  },
  NFS_ADDRESS: { schema: ipv4.optional(), help: 'old name of BAKERY_ADDRESS' },
  KPARTX_PATH: { schema: z.string().optional(), help: 'accepted and ignored' },
  LOG_LEVEL: {
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
    help: 'how much is logged',
  },
} as const;

type SettingName = keyof typeof SETTINGS;
type Shape = { [K in SettingName]: (typeof SETTINGS)[K]['schema'] };
const shape = Object.fromEntries(Object.entries(SETTINGS).map(([name, s]) => [name, s.schema])) as unknown as Shape;

const ConfigSchema = z
  .object(shape)
  .refine((c) => c.BAKERY_EXPORT_POLICY !== 'subnet' || c.BAKERY_EXPORT_SUBNET !== undefined, {
    path: ['BAKERY_EXPORT_SUBNET'],
    message: 'is needed by the policy subnet',
  })
  .refine((c) => c.BAKERY_NFS_BACKEND !== 'nfsd' || c.BAKERY_NFS_PORT === 2049, {
    path: ['BAKERY_NFS_PORT'],
    message: 'is 2049 with the backend nfsd, which others of this machine may use too',
  })
  .refine((c) => c.BAKERY_NFS_BACKEND !== 'nfsd' || c.BAKERY_MOUNTD_PORT === 20_048, {
    path: ['BAKERY_MOUNTD_PORT'],
    message: 'is no setting with the backend nfsd: rpcbind names it',
  })
  .refine((c) => (c.BAKERY_TLS_CERT === undefined) === (c.BAKERY_TLS_KEY === undefined), {
    path: ['BAKERY_TLS_KEY'],
    message: 'is needed with BAKERY_TLS_CERT, and the other way round',
  })
  .refine((c) => c.BAKERY_POWER !== 'ppi' || c.PPI_PATH !== undefined, {
    path: ['PPI_PATH'],
    message: 'is needed by the power driver ppi',
  })
  .refine((c) => (c.BAKERY_POWER ?? (c.PPI_PATH ? 'ppi' : 'manual')) === 'manual' || c.PPI_CONFIG_PATH !== undefined, {
    path: ['PPI_CONFIG_PATH'],
    message: 'is needed by the power drivers ppi and simpleweb',
  });
/** All settings, read and checked. */
export type Config = z.output<typeof ConfigSchema>;

/** The flag of a setting: `BAKERY_ROOT` is `--root`, `HTTP_PORT` is `--http-port`. */
function flagOf(name: string): string {
  return `--${name
    .replace(/^BAKERY_/, '')
    .toLowerCase()
    .replaceAll('_', '-')}`;
}

/** The text of `--help`. */
export function helpText(): string {
  const rows = Object.entries(SETTINGS).map(([name, { schema, help }]) => {
    const parsed = schema.safeParse(undefined);
    const fallback = parsed.success && parsed.data !== undefined ? ` [${String(parsed.data)}]` : '';
    return `  ${flagOf(name).padEnd(22)} ${name.padEnd(22)} ${help}${isAbsolute(fallback.slice(2, -1)) ? ' [./data]' : fallback}`;
  });
  return [
    'Bakery: a pool of netbooting Raspberry Pis run as a cloud',
    '',
    'npm start -- [flags]      run the server',
    'npm start -- --lab [N]    run one with N virtual Pis, to try it out',
    'npm start -- stop         end the NFS server that was left running for the Pis',
    'npm start -- import-clean list what was taken over from the original Bakery; with --yes delete the old folders',
    'npm start -- doctor       look at all that Pis need of this machine and its network; 1 when something is bad',
    'npm start -- backup FILE  copy the database, also while the server runs; --force replaces a file',
    'npm start -- restore FILE put a backup in the place of the database of a stopped server',
    '',
    'Each setting is a flag or an environment variable; the flag wins.',
    ...rows,
    '',
  ].join('\n');
}

/**
 * Reads flags and environment into a Config.
 * @throws BakeryError `bad-setting` (invalid) with one clear line.
 */
export function readConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (Object.hasOwn(SETTINGS, name)) values[name] = value;
    else if (name.startsWith('BAKERY_') && !name.startsWith('BAKERY_TEST_') && name !== 'BAKERY_YES') {
      throw bad(`there is no setting ${name}; see --help`);
    }
  }
  const names = new Map(Object.keys(SETTINGS).map((name) => [flagOf(name), name]));
  for (let i = 0; i < argv.length; i++) {
    const [flag = '', inline] = (argv[i] ?? '').split(/=(.*)/s);
    const name = names.get(flag);
    if (!name) throw bad(`there is no flag ${flag}; see --help`);
    const value = inline ?? argv[++i];
    if (value === undefined) throw bad(`${flag} needs a value`);
    values[name] = value;
  }
  const parsed = ConfigSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const name = String(issue?.path[0] ?? '');
  throw bad(`${name} (${flagOf(name)}): ${issue?.message ?? 'is wrong'}`);
}

function bad(message: string): BakeryError {
  return new BakeryError('invalid', 'bad-setting', message);
}
