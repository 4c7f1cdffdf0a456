import { PowerFault } from '../driver.ts';
import { parseJson } from './http-client.ts';
import type { PortPower } from './kind.ts';
import type { WebRequest } from './web-client.ts';
import {
  bodyPlace,
  headersOf,
  isBearer,
  isPort,
  portsOf,
  sendsPassword,
  sendsToken,
  type WebhookSettings,
} from './webhook-settings.ts';
import { fill, pointAt, type Words } from './webhook-template.ts';

/** What is asked about a port: to switch it, or how it is. */
export type Wish = 'on' | 'off' | 'query';

/** A port that is asked about, with all that templates know. @throws PowerFault `fatal` for a port that is not there */
function wordsFor(settings: WebhookSettings, port: string, wish: Wish): Words {
  const isKnown = settings.ports === undefined || portsOf(settings.ports).includes(port);
  if (!isPort(port) || !isKnown)
    throw new PowerFault('fatal', `there is no port ${JSON.stringify(port.slice(0, 128))}`);
  const { user, password = '', token = '', onWord, offWord } = settings;
  const state = wish === 'query' ? {} : { state: wish === 'on' ? onWord : offWord };
  return { port, user, password, token, ...state };
}

/**
 * The request for a wish; `sign` gives the headers that prove its body. What messages call it is the template of its path, since a
 * secret may be put into that.
 * @throws PowerFault `fatal` for a port that is not there, or that cannot stand where a template puts it
 */
export function webhookRequest(
  settings: WebhookSettings,
  { port, wish }: { readonly port: string; readonly wish: Wish },
  sign: (body: string) => Readonly<Record<string, string>>,
): WebRequest {
  const words = wordsFor(settings, port, wish);
  const { queryMethod, queryPath = '/', queryBody } = settings;
  const { method, path, body } =
    wish === 'query' ? { method: queryMethod, path: queryPath, body: queryBody } : settings;
  const filled = body === undefined ? undefined : fill(body, words, bodyPlace(settings.contentType));
  const headers: Record<string, string> = {};
  for (const [name, value] of headersOf(settings.headers ?? '') ?? []) headers[name] = fill(value, words, 'header');
  return {
    method,
    path: fill(path, words, 'url'),
    called: `port ${port}: ${method} ${path}`,
    body: filled,
    headers: {
      ...headers,
      ...(filled === undefined ? {} : { 'content-type': settings.contentType }),
      ...credentials(settings),
      ...sign(filled ?? ''),
    },
  };
}

function credentials(settings: WebhookSettings): Record<string, string> {
  const { user, password = '', token = '' } = settings;
  const name = settings.tokenHeader.toLowerCase();
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  return {
    ...(sendsPassword(settings) ? { authorization: `Basic ${basic}` } : {}),
    ...(sendsToken(settings) ? { [name]: isBearer(settings) ? `Bearer ${token}` : token } : {}),
  };
}

/** Whether an answer to a change says that it was done: always, unless a text must stand in it. */
export function isDone(
  settings: WebhookSettings,
  { port, wish }: { port: string; wish: Wish },
  answer: string,
): boolean {
  const { okText } = settings;
  return okText === undefined || answer.includes(fill(okText, wordsFor(settings, port, wish), 'text'));
}

/**
 * What an answer to a query says: `unknown` unless its text, or the text, number or truth value that the pointer finds, is exactly
 * one of the two words. @throws PowerFault `retryable` for a pointer into what is no JSON: a device that starts says all sorts of things
 */
export function powerIn(settings: WebhookSettings, port: string, answer: string): PortPower {
  const { queryPointer, queryOn, queryOff } = settings;
  const pointer = queryPointer && fill(queryPointer, wordsFor(settings, port, 'query'), 'pointer');
  const told = pointer === undefined ? answer.trim() : scalarAt(answer, pointer, port);
  if (told === queryOn) return 'on';
  return told === queryOff ? 'off' : 'unknown';
}

function scalarAt(answer: string, pointer: string, port: string): string | undefined {
  const whole = parseJson(answer);
  if (whole === undefined) throw new PowerFault('retryable', `port ${port}: the answer to the query is no JSON`);
  const found = pointAt(whole, pointer);
  return ['string', 'number', 'boolean'].includes(typeof found) ? String(found) : undefined;
}
