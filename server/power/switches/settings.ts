import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import type { Seal } from '../../../core/host/sealed.ts';
import type { SwitchRecord, SwitchSettings } from '../../../db/switches.ts';
import type { SwitchKind } from './kind.ts';
import { plainWords } from './words.ts';

/** How a switch is kept: what is secret is sealed for its name. */
export type KeptSettings = Pick<SwitchRecord, 'settings' | 'sealed'>;

/** So much may the settings of one switch be, as JSON: certificates are among them. */
const MOST_CHARACTERS = 128 * 1024;

/** The settings that are secret, and the others. */
export function splitSettings(
  kind: Pick<SwitchKind, 'secrets'>,
  settings: SwitchSettings,
): { open: SwitchSettings; secret: SwitchSettings } {
  const entries = Object.entries(settings);
  return {
    open: Object.fromEntries(entries.filter(([name]) => !kind.secrets.includes(name))),
    secret: Object.fromEntries(entries.filter(([name]) => kind.secrets.includes(name))),
  };
}

/** The settings that say who gets what is secret. */
export function addressOf({ address, settings, secrets }: Pick<SwitchKind, 'address' | 'settings' | 'secrets'>) {
  return address ?? Object.keys(settings.shape).filter((name) => !secrets.includes(name));
}

/** What is absent in `patch` stays; null takes it back. */
export function mergeSettings(before: SwitchSettings, patch: SwitchSettings): SwitchSettings {
  return Object.fromEntries(Object.entries({ ...before, ...patch }).filter(([, value]) => value !== null));
}

/** The texts among what is secret, which no message may repeat. */
export function secretTexts(secret: SwitchSettings): string[] {
  return Object.values(secret).flatMap((value) => (['string', 'number'].includes(typeof value) ? [String(value)] : []));
}

function wordsOf(issue: z.core.$ZodIssue): string {
  const name = String(issue.path[0] ?? 'settings');
  return `${name}: ${issue.message}`;
}

/**
 * Refuses settings that a kind does not take; what it has no schema for could be a secret with its name misspelt, and is kept nowhere.
 * @throws BakeryError `bad-switch-settings` (invalid), which tells no secret.
 */
export function checkSettings(kind: SwitchKind, settings: SwitchSettings): void {
  const bad = (message: string) => new BakeryError('invalid', 'bad-switch-settings', message);
  if (JSON.stringify(settings).length > MOST_CHARACTERS) throw bad('the settings of a switch may have 128 KiB');
  const unknown = Object.keys(settings).find((name) => !Object.hasOwn(kind.settings.shape, name));
  if (unknown !== undefined) {
    const isName = /^[A-Za-z][A-Za-z0-9]{0,39}$/.test(unknown);
    throw bad(`the kind ${kind.name} has no setting ${isName ? unknown : 'of such a name'}`);
  }
  const { error } = kind.settings.safeParse(settings);
  if (!error) return;
  const secrets = secretTexts(splitSettings(kind, settings).secret);
  throw bad(plainWords(error.issues.map(wordsOf).join('; '), secrets));
}

/**
 * The settings of a new switch as they are kept.
 * @throws BakeryError `bad-switch-settings` (invalid), `key-unusable` (unavailable).
 */
export async function keepSettings(
  kind: SwitchKind,
  settings: SwitchSettings,
  { name, seal }: { name: string; seal: Seal },
): Promise<KeptSettings> {
  const given = mergeSettings({}, settings);
  checkSettings(kind, given);
  const { open, secret } = splitSettings(kind, given);
  const isEmpty = Object.keys(secret).length === 0;
  return { settings: open, sealed: isEmpty ? undefined : await seal.close(JSON.stringify(secret), name) };
}

/** What is sealed of a switch. @throws BakeryError `seal-broken` (conflict), `key-unusable` (unavailable). */
export async function openSecrets(
  { name, sealed }: Pick<SwitchRecord, 'name' | 'sealed'>,
  seal: Seal,
): Promise<SwitchSettings> {
  return sealed === undefined ? {} : JSON.parse(await seal.open(sealed, name));
}

/** The names of settings that `patch` changes. Of what is secret nobody is told whether it is the same. */
export function changedNames(
  { secrets }: Pick<SwitchKind, 'secrets'>,
  before: SwitchSettings,
  patch: SwitchSettings,
): string[] {
  const names = Object.keys(patch).filter((name) => secrets.includes(name) || patch[name] !== (before[name] ?? null));
  return names.toSorted();
}

/** Whether a setting means the same with both values: a default may be written out, a word in other letters. */
function meansTheSame(schema: z.core.$ZodType, a: unknown, b: unknown): boolean {
  if (a === b) return true;
  const [one, other] = [z.safeParse(schema, a), z.safeParse(schema, b)];
  // Of what a schema makes into objects nothing is known.
  return one.success && other.success && typeof one.data !== 'object' && one.data === other.data;
}

/**
 * Nobody has a switch's secrets sent to an address of his own: with another address each that it has is given again, or taken back.
 * @throws BakeryError `switch-secrets-needed` (invalid).
 */
function requireSecretsAgain(
  kind: SwitchKind,
  { before, secrets, patch }: { before: SwitchSettings; secrets: SwitchSettings; patch: SwitchSettings },
): void {
  const kept = Object.keys(secrets).filter((name) => !Object.hasOwn(patch, name));
  if (kept.length === 0) return;
  const after = mergeSettings(before, patch);
  const { shape } = kind.settings;
  const moved = addressOf(kind).find((name) => shape[name] && !meansTheSame(shape[name], before[name], after[name]));
  if (moved === undefined) return;
  const message = `with another ${moved} the secrets are needed again: send ${kept.join(', ')} too, null for one that is not used any more`;
  throw new BakeryError('invalid', 'switch-secrets-needed', message);
}

/**
 * The settings of a switch with some changed. Credentials that cannot be read any more are all replaced by those that are given.
 * @throws BakeryError as `keepSettings`; `switch-credentials-lost` (conflict) when they cannot be read and none is given;
 *   `switch-secrets-needed` (invalid) when they would go to another address than they were given for.
 */
export async function changeSettings(
  kind: SwitchKind,
  { before, patch }: { before: SwitchRecord; patch: SwitchSettings },
  seal: Seal,
): Promise<KeptSettings> {
  const secrets = await openSecrets(before, seal).catch((error: unknown) => {
    const isBroken = error instanceof BakeryError && error.code === 'seal-broken';
    if (!isBroken) throw error;
    if (Object.keys(splitSettings(kind, patch).secret).length > 0) return {};
    throw new BakeryError('conflict', 'switch-credentials-lost', CREDENTIALS_LOST, { detail: error.detail ?? '' });
  });
  const merged = mergeSettings({ ...before.settings, ...secrets }, patch);
  checkSettings(kind, merged);
  requireSecretsAgain(kind, { before: before.settings, secrets, patch });
  return keepSettings(kind, merged, { name: before.name, seal });
}

/** What is wrong with a switch whose seal is broken. */
export const CREDENTIALS_LOST = 'its credentials cannot be read; enter them again';
