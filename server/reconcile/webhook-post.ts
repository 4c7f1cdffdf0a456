import { signWebhook } from '../../core/webhook.ts';

/** How long the other side may take to answer. */
const ANSWER_MS = 10_000;
/** An answer up to this length is read, so that its connection is used again; nothing in it matters. */
const READ_BYTES = 4_096;

/** How a delivery went. */
export type PostOutcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'failed'; readonly status?: number; readonly error: string };

/** What is sent where. */
export interface WebhookPost {
  readonly url: string;
  readonly secret: string;
  /** Who gets a message again knows by this. */
  readonly id: string;
  readonly body: string;
  readonly now: number;
  readonly signal: AbortSignal;
  /** Default 10 s. */
  readonly answerMs?: number;
}

/** Sends one message. Delivered is any 2xx; redirects are not followed, since who may be told was checked for this address. */
export async function postWebhook(post: WebhookPost): Promise<PostOutcome> {
  const answerMs = post.answerMs ?? ANSWER_MS;
  const late = AbortSignal.timeout(answerMs);
  try {
    const response = await fetch(post.url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'bakery',
        ...signWebhook(post.secret, post, post.now),
      },
      body: post.body,
      signal: AbortSignal.any([late, post.signal]),
    });
    await finish(response);
    if (response.ok) return { kind: 'delivered', status: response.status };
    return { kind: 'failed', status: response.status, error: `it answered ${response.status}` };
  } catch (error) {
    if (late.aborted) return { kind: 'failed', error: `it did not answer within ${answerMs / 1000} s` };
    return { kind: 'failed', error: `it could not be reached (${reason(error)})` };
  }
}

async function finish(response: Response): Promise<void> {
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  // The status was the answer: what becomes of its body changes nothing.
  await (length <= READ_BYTES ? response.arrayBuffer() : response.body?.cancel())?.catch(() => undefined);
}

function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return 'no connection';
}
