import { z } from 'zod';
import { requireWebhookSecret } from '../../../core/webhook.ts';
import { fill, type Place, placeholders } from './webhook-template.ts';

const PATH_LETTERS = /^\/[\x21-\x7e]*$/;
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e]*)$/;
const IS_JSON = 'is JSON, with words in braces in texts or as a whole value';
/** Headers that the request itself decides. */
const OWN_HEADERS = /^(?:host|connection|content-length|content-type|transfer-encoding|authorization|webhook-.*)$/i;
const IN_REQUESTS = ['port', 'user', 'password', 'token'];

const BODY_PLACES = {
  'application/json': 'json',
  'application/x-www-form-urlencoded': 'form',
  'text/plain': 'text',
} as const satisfies Record<string, Place>;

const knows = (words: readonly string[]) => (template: string) =>
  placeholders(template).every((w) => words.includes(w));
const withWords = (words: readonly string[]) => ({
  error: `knows only ${words.map((word) => `{${word}}`).join(', ')}`,
});
const path = (words: readonly string[]) =>
  z
    .string()
    .max(2000)
    .regex(PATH_LETTERS, 'begins with / and is encoded, but for words in braces')
    .refine((text) => !text.includes('#'), 'has no fragment')
    .refine(knows(words), withWords(words));
const body = (words: readonly string[]) => z.string().max(8000).refine(knows(words), withWords(words));
const word = z.string().min(1).max(100);
const visible = z.string().regex(/^[\x21-\x7e]{1,4000}$/, 'has only visible ASCII');

/** The address of a device, that templates begin after: no word of a template chooses who is asked. */
const base = z
  .url({ protocol: /^https?$/ })
  .max(500)
  .refine((text) => {
    const { username, password, search, hash } = new URL(text);
    return username === '' && password === '' && search === '' && hash === '';
  }, 'has no credentials, query or fragment');

const Members = z.strictObject({
  url: base.describe('where the device is; templates begin behind it'),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST').describe('of the request that switches'),
  path: path([...IN_REQUESTS, 'state']).describe('template of its path and query'),
  body: body([...IN_REQUESTS, 'state'])
    .optional()
    .describe('template of its body'),
  contentType: z
    .enum(Object.keys(BODY_PLACES) as [keyof typeof BODY_PLACES])
    .default('application/json')
    .describe('of bodies; words in braces are escaped for it'),
  headers: z
    .string()
    .max(4000)
    .refine((text) => headersOf(text) !== undefined, 'is lines of Name: value, none that requests have anyway')
    .refine(knows(['port', 'state']), withWords(['port', 'state']))
    .optional()
    .describe('lines of Name: value for all requests'),
  onWord: word.default('on').describe('what {state} is to switch on'),
  offWord: word.default('off').describe('what {state} is to switch off'),
  okText: z
    .string()
    .min(1)
    .max(500)
    .refine(knows(['port', 'state']), withWords(['port', 'state']))
    .optional()
    .describe('a text that stands in the answer when it is done; without one the status says it'),
  queryMethod: z.enum(['GET', 'POST']).default('GET').describe('of the request that reads back'),
  queryPath: path(IN_REQUESTS).optional().describe('template of its path and query; without one nothing is read back'),
  queryBody: body(IN_REQUESTS).optional().describe('template of its body'),
  queryPointer: z
    .string()
    .max(500)
    .regex(/^(?:\/.*)?$/, 'is a JSON Pointer')
    .refine(knows(['port']), withWords(['port']))
    .optional()
    .describe('JSON Pointer to the state in its answer; without one the state is all of it'),
  queryOn: word.default('on').describe('the state of a port that is on'),
  queryOff: word.default('off').describe('the state of a port that is off'),
  ports: z
    .string()
    .max(8000)
    .refine((text) => portsOf(text).every(isPort), 'is names by commas')
    .optional()
    .describe('all ports, by commas; others are refused then'),
  user: z
    .string()
    .max(200)
    .refine((text) => !text.includes(':'), 'has no colon (RFC 7617)')
    .default('admin'),
  password: z.string().min(1).max(500).optional().describe('sent as Basic, unless a template has {password}'),
  token: visible.optional().describe('sent in tokenHeader, unless a template has {token}'),
  tokenHeader: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,100}$/)
    .default('authorization')
    .describe('authorization: as a Bearer token; any other: as it is'),
  signingSecret: z
    .string()
    .max(200)
    .refine(isSecret, 'is whsec_ and 24 to 64 bytes in base64')
    .optional()
    .describe('requests are signed with it (Standard Webhooks)'),
  caPem: z
    .string()
    .max(32 * 1024)
    .includes('-----BEGIN CERTIFICATE-----')
    .optional()
    .describe('certificates that vouch for the device, instead of the usual ones'),
});

/** Settings that are checked. */
export type WebhookSettings = z.output<typeof Members>;

/** What is read of a device whose owner describes it; flat, as settings of all kinds are. */
export const WebhookSettings = Members.refine(
  ({ path, body = '', headers = '' }) => [path, body, headers].some((text) => names(text, 'state')),
  {
    path: ['path'],
    message: 'there is a {state} in path, body or headers, or on and off would be the same',
  },
)
  .refine(({ onWord, offWord }) => onWord !== offWord, { path: ['offWord'], message: 'is another word than onWord' })
  .refine(({ queryOn, queryOff }) => queryOn !== queryOff, {
    path: ['queryOff'],
    message: 'is another word than queryOn',
  })
  .refine(({ contentType, body }) => contentType !== 'application/json' || isJson(body), {
    path: ['body'],
    message: IS_JSON,
  })
  .refine(({ contentType, queryBody }) => contentType !== 'application/json' || isJson(queryBody), {
    path: ['queryBody'],
    message: IS_JSON,
  })
  .refine(({ caPem, url }) => caPem === undefined || url.startsWith('https:'), {
    path: ['caPem'],
    message: 'is for https',
  })
  .refine((settings) => settings.password !== undefined || !uses(settings, 'password'), {
    path: ['password'],
    message: 'is used by a template, so it is needed',
  })
  .refine((settings) => settings.token !== undefined || !uses(settings, 'token'), {
    path: ['token'],
    message: 'is used by a template, so it is needed',
  })
  .refine((settings) => !(sendsPassword(settings) && sendsToken(settings) && isBearer(settings)), {
    path: ['token'],
    message: 'is sent in the header that the password is sent in',
  });

type Templates = Pick<WebhookSettings, 'path' | 'body' | 'queryPath' | 'queryBody'>;

function names(template: string, word: string): boolean {
  return placeholders(template).includes(word);
}

/** Whether a template puts this word in. */
function uses({ path, body, queryPath, queryBody }: Templates, name: string): boolean {
  return [path, body, queryPath, queryBody].some((text) => names(text ?? '', name));
}

/** Whether a password is sent as Basic (RFC 7617): it is there, and no template says where it goes. */
export function sendsPassword(settings: WebhookSettings): boolean {
  return settings.password !== undefined && !uses(settings, 'password');
}

/** Whether a token is sent in its header: it is there, and no template says where it goes. */
export function sendsToken(settings: WebhookSettings): boolean {
  return settings.token !== undefined && !uses(settings, 'token');
}

/** Whether its token is sent as a Bearer token (RFC 6750 section 2.1), and not by itself. */
export function isBearer({ tokenHeader }: Pick<WebhookSettings, 'tokenHeader'>): boolean {
  return tokenHeader.toLowerCase() === 'authorization';
}

/** The place that a body of this type is. */
export function bodyPlace(contentType: WebhookSettings['contentType']): Place {
  return BODY_PLACES[contentType];
}

/** The names between commas. */
export function portsOf(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

/** Whether a port may be called that: up to 128 letters, none of them of control. */
export function isPort(name: string): boolean {
  return /^[^\p{Cc}\p{Cs}]{1,128}$/u.test(name);
}

/** Headers by their names, in small letters; undefined when a line is none, or one that a request decides itself. */
export function headersOf(text: string): Map<string, string> | undefined {
  const headers = new Map<string, string>();
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const [, name = '', value = ''] = HEADER.exec(line.trimEnd()) ?? [];
    if (name === '' || OWN_HEADERS.test(name)) return undefined;
    headers.set(name.toLowerCase(), value);
  }
  return headers;
}

function isSecret(text: string): boolean {
  try {
    return requireWebhookSecret(text) === text;
  } catch {
    return false;
  }
}

function isJson(template: string | undefined): boolean {
  if (template === undefined) return true;
  try {
    const words = Object.fromEntries(placeholders(template).map((name) => [name, '0']));
    JSON.parse(fill(template, words, 'json'));
    return true;
  } catch {
    return false;
  }
}
