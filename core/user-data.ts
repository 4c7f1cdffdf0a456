import { BakeryError } from './errors.ts';

/** More than any cloud takes, and enough for a script; larger things are fetched by it. */
export const MAX_USER_DATA = 64 * 1024;

/** `#cloud-config`, a script, or MIME: what cloud-init can tell from its beginning (cloudinit, "User data formats"). */
const FORMATS = [/^#cloud-config[ \t]*(?:\r?\n|$)/, /^#!/, /^(?:MIME-Version|Content-Type):[ \t]*\S/i];

/** Data for cloud-init, as it is. @throws BakeryError `bad-user-data` (invalid). */
export function requireUserData(text: string): string {
  const bad = (what: string) => new BakeryError('invalid', 'bad-user-data', `the user data ${what}`);
  if (Buffer.byteLength(text) > MAX_USER_DATA) throw bad(`has more than ${MAX_USER_DATA / 1024} KiB`);
  if (text.includes('\0')) throw bad('has NUL characters');
  if (!FORMATS.some((format) => format.test(text))) throw bad('does not begin with #cloud-config, #! or a MIME header');
  return text;
}
