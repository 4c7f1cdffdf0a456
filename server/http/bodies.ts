import { PassThrough } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BakeryError } from '../../core/errors.ts';

/** How much, and how slowly, a body may come. */
export interface BodyLimits {
  /** For a body that is read whole. */
  readonly wholeMs: number;
  /** For how long an upload may bring no byte. */
  readonly stallMs: number;
  readonly uploadBytes: number;
}

/** Ends bodies that are read whole and do not come in time. */
export function hurryBodies(app: FastifyInstance, limits: BodyLimits): void {
  app.addHook('preParsing', async (request, reply, payload) => {
    const isRead = ['GET', 'HEAD'].includes(request.method);
    if (isRead || request.raw.complete || request.routeOptions.config.rawBody !== undefined) return payload;
    const whole = new PassThrough();
    // Whoever parses it listens, too; it can break when nobody does, or does no more.
    whole.on('error', () => undefined);
    const late = setTimeout(() => {
      payload.unpipe(whole);
      whole.destroy(new BakeryError('too-slow', 'body-too-slow', 'the body did not come in time'));
    }, limits.wholeMs);
    whole.once('close', () => clearTimeout(late));
    // What is refused unread (its media type) would stand before the next request on its connection.
    reply.raw.once('close', () => payload.unpipe(whole).resume());
    payload.once('error', (error) => whole.destroy(error));
    return payload.pipe(whole);
  });
}

/** After an answer the rest of a body that was not read has as long as a body has; the client can read the answer meanwhile. */
export function endAfterAnswer(request: FastifyRequest, limits: BodyLimits): void {
  const { raw } = request;
  if (raw.complete || raw.destroyed) return;
  const end = setTimeout(() => {
    if (!raw.complete) raw.socket.destroy();
  }, limits.wholeMs);
  end.unref();
  raw.once('close', () => clearTimeout(end));
}

/** The refusal of one with more bytes than any may have. */
export function uploadTooLarge(limits: Pick<BodyLimits, 'uploadBytes'>): BakeryError {
  const text = `an upload may have ${limits.uploadBytes} bytes`;
  return new BakeryError('too-large', 'upload-too-large', text);
}

/** The next bytes, or a throw when none come for `ms`, or nobody wants them any more. */
function nextInTime<T>(iterator: AsyncIterator<T>, ms: number, signal?: AbortSignal): Promise<IteratorResult<T>> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const unwanted = () => reject(signal?.reason);
    signal?.addEventListener('abort', unwanted);
    const late = setTimeout(() => {
      reject(new BakeryError('too-slow', 'upload-stalled', `the upload brought nothing for ${ms / 1_000} s`));
    }, ms);
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(late);
        signal?.removeEventListener('abort', unwanted);
      });
  });
}

/**
 * The body of an upload. Only the sender is timed, not who takes the bytes.
 * @throws BakeryError `upload-too-large` (too-large), now or when it shows; then `upload-stalled` (too-slow), and the reason of `signal`.
 */
export function uploadOf(request: FastifyRequest, limits: BodyLimits, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  if (Number(request.headers['content-length'] ?? 0) > limits.uploadBytes) throw uploadTooLarge(limits);
  // Destroying the request on an error would close the connection before the answer.
  const iterator: AsyncIterator<Uint8Array> = request.raw.iterator({ destroyOnReturn: false });
  async function* bounded(): AsyncGenerator<Uint8Array> {
    for (let bytes = 0; ; ) {
      const next = await nextInTime(iterator, limits.stallMs, signal);
      if (next.done) return;
      bytes += next.value.length;
      if (bytes > limits.uploadBytes) throw uploadTooLarge(limits);
      yield next.value;
    }
  }
  return bounded();
}
