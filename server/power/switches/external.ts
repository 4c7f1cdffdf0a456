import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import { unlessAborted } from '../queues.ts';
import type { SwitchKind } from './kind.ts';

/** How long a module may take until it is there. */
const LOADING_MS = 10_000;
/** A read-back that lags longer is none. */
const MAX_READ_BACK_MS = 15 * 60_000;

/** What a module's `switchKind` must be, before anything of it is called. */
const Shape = z
  .object({
    name: z
      .string()
      .max(40)
      .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, 'is small letters and digits with dashes between'),
    title: z.string().min(5).max(120),
    settings: z.instanceof(z.ZodObject),
    secrets: z.array(z.string()).max(20),
    address: z.array(z.string()).max(100).optional(),
    batches: z.boolean(),
    readBackMs: z.number().int().min(0).max(MAX_READ_BACK_MS),
    open: z.custom<SwitchKind['open']>((value) => typeof value === 'function', 'is a function'),
  })
  .refine(({ settings, secrets }) => secrets.every((name) => Object.hasOwn(settings.shape, name)), {
    path: ['secrets'],
    error: 'names what is no setting',
  })
  .refine(
    ({ settings, secrets, address = [] }) =>
      address.every((name) => Object.hasOwn(settings.shape, name) && !secrets.includes(name)),
    { path: ['address'], error: 'names what is no setting, or is secret' },
  );

/**
 * The kinds of switches in these modules: each a file, by its absolute path, whose `switchKind` is made with `defineSwitchKind`. A
 * module runs with all that Bakery may do, so only an operator names one.
 * @throws BakeryError `power-config` (invalid) for a module that does not load, is no driver, or takes a name of `taken` or of another
 */
export async function loadSwitchKinds(
  paths: readonly string[],
  taken: readonly Pick<SwitchKind, 'name'>[],
): Promise<SwitchKind[]> {
  const kinds: SwitchKind[] = [];
  for (const path of paths) {
    const kind = await loadOne(path);
    if ([...taken, ...kinds].some(({ name }) => name === kind.name))
      throw unusable(path, `the name ${kind.name} is taken`);
    kinds.push(kind);
  }
  return kinds;
}

async function loadOne(path: string): Promise<SwitchKind> {
  const late = AbortSignal.timeout(LOADING_MS);
  const loading: Promise<unknown> = import(pathToFileURL(path).href);
  const module = await unlessAborted(loading, late).catch((error: unknown) => {
    throw unusable(path, late.aborted ? `it did not load within ${LOADING_MS / 1000} s` : String(error), error);
  });
  const parsed = z.object({ switchKind: Shape }).safeParse({ ...(module as object) });
  if (parsed.success) return parsed.data.switchKind;
  const [issue] = parsed.error.issues;
  throw unusable(path, `${issue?.path.join('.')}: ${issue?.message}`);
}

function unusable(path: string, what: string, cause?: unknown): BakeryError {
  return new BakeryError('invalid', 'power-config', 'a module of BAKERY_POWER_MODULES is not usable', {
    detail: `${path}: ${what}`,
    cause,
  });
}
