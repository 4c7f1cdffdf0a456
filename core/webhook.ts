import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { BakeryError } from './errors.ts';

/** The id of a webhook, a UUID. */
export type WebhookId = string & { readonly brand: 'WebhookId' };

/** A new random WebhookId. */
export function mintWebhookId(): WebhookId {
  return randomUUID() as WebhookId;
}

const PREFIX = 'whsec_';
/** What Standard Webhooks asks of a key, in bytes. */
const KEY_BYTES = { least: 24, most: 64 };
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 3_600_000;

/** A new secret, as Standard Webhooks writes it: `whsec_` and the key in base64. */
export function mintWebhookSecret(): string {
  return `${PREFIX}${randomBytes(32).toString('base64')}`;
}

/** `text` when it is a secret of Standard Webhooks; throws `bad-webhook-secret` (invalid). */
export function requireWebhookSecret(text: string): string {
  const encoded = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '';
  const key = Buffer.from(encoded, 'base64');
  const isWhole = key.toString('base64').replaceAll('=', '') === encoded.replace(/={0,2}$/, '');
  if (isWhole && key.length >= KEY_BYTES.least && key.length <= KEY_BYTES.most) return text;
  throw new BakeryError('invalid', 'bad-webhook-secret', 'a secret is whsec_ and 24 to 64 bytes in base64');
}

/** `text` as the address of a webhook; throws `bad-webhook-url` (invalid). */
export function requireWebhookUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url && isWeb && url.username === '' && url.password === '' && url.hash === '') return url.href;
  throw new BakeryError(
    'invalid',
    'bad-webhook-url',
    'a webhook is an http or https address without a user name or a fragment',
  );
}

/**
 * The headers of a message (Standard Webhooks 1.0.0): its id, the time of this attempt, and the proof that both and the
 * body come from who knows the secret. The time bounds how long somebody who overheard it can send it again.
 */
export function signWebhook(
  secret: string,
  message: { id: string; body: string },
  nowMs: number,
): Readonly<Record<string, string>> {
  const timestamp = Math.floor(nowMs / 1000);
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const proof = createHmac('sha256', key).update(`${message.id}.${timestamp}.${message.body}`).digest('base64');
  return { 'webhook-id': message.id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${proof}` };
}

/** How long to wait after that many failures in a row: 1 s, 2 s, 4 s, … 1 h, and so on for ever. */
export function webhookRetryMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1), LONGEST_RETRY_MS);
}
