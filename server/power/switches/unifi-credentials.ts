import { z } from 'zod';
import { parseJson } from './http-client.ts';

/** A browser has more; a console sets one or two. */
const MAX_COOKIES = 8;
/** The session cookies of UniFi OS: JSON Web Tokens (RFC 7519). */
const JWT_COOKIES = ['TOKEN', 'UOS_TOKEN'];

const Claims = z.object({ csrfToken: z.string().min(1).max(256) });

/** What a session sends with each request: cookies by name, and the token against forged requests that UniFi OS wants back. */
export interface UnifiCredentials {
  readonly cookies: ReadonlyMap<string, string>;
  readonly token: string | undefined;
}

export const NO_CREDENTIALS: UnifiCredentials = { cookies: new Map(), token: undefined };

/** The headers of an answer that may change them. */
interface Told {
  readonly 'set-cookie'?: readonly string[] | undefined;
  readonly [header: string]: string | readonly string[] | undefined;
}

/**
 * What is to be sent after an answer with these headers, which may change any of it. The token is that of `x-updated-csrf-token`, else of
 * `x-csrf-token`, else the one that a new session cookie has inside: some consoles tell it in no header (ubiquiti-community/go-unifi#58).
 */
export function credentialsAfter(before: UnifiCredentials, headers: Told): UnifiCredentials {
  const cookies = new Map(before.cookies);
  const fresh: string[] = [];
  for (const [name, value] of cookiesIn(headers['set-cookie'] ?? [])) {
    cookies.delete(name);
    if (value === '' || cookies.size >= MAX_COOKIES) continue;
    cookies.set(name, value);
    if (JWT_COOKIES.includes(name)) fresh.push(value);
  }
  const words = [headers['x-updated-csrf-token'], headers['x-csrf-token'], ...fresh.map(tokenInside), before.token];
  return { cookies, token: words.find((word) => typeof word === 'string' && word !== '') as string | undefined };
}

/** As headers of a request (RFC 6265 section 4.2). */
export function headersOf({ cookies, token }: UnifiCredentials): Record<string, string> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  return { ...(cookie === '' ? {} : { cookie }), ...(token === undefined ? {} : { 'x-csrf-token': token }) };
}

/** Names and values; what else is said of a cookie (path, age) does not matter to one who asks one site. */
function cookiesIn(lines: readonly string[]): (readonly [string, string])[] {
  return lines.flatMap((line) => {
    const pair = line.split(';', 1)[0] ?? '';
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(equals, 0)).trim();
    return name === '' ? [] : [[name, pair.slice(equals + 1).trim()] as const];
  });
}

/** The claim `csrfToken` of a JSON Web Token. It is our own: whether it was forged is for the console to know. */
function tokenInside(jwt: string): string | undefined {
  const payload = Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8');
  return Claims.safeParse(parseJson(payload)).data?.csrfToken;
}
