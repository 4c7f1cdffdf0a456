import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BakeryError } from '../../core/errors.ts';

/** How long, and how much, we go on reading a body whose answer has been given, so that the client can read it. */
const DRAIN_MS = 5 * 60_000;

/**
 * The Go client's habits that a plain server would answer with an error.
 *
 * | habit | reason | here |
 * |---|---|---|
 * | POST /disks sends JSON without Content-Type | http.NewRequest sets none | any body is read as JSON |
 * | POST …/powercycle sends Content-Type: application/json and no body | it sets the header before it knows | an empty body is no body |
 * | uploads are chunked, without a length, for as long as it takes | an io.Reader is the body | streamed; answered when it is settled |
 */
export function acceptLegacyBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = (_request: FastifyRequest, body: string, done: (error: Error | null, body?: unknown) => void) => {
    if (body.trim() === '') return done(null, undefined);
    try {
      done(null, JSON.parse(body));
    } catch {
      done(new BakeryError('invalid', 'bad-json', 'the body is not JSON'));
    }
  };
  app.addContentTypeParser('*', { parseAs: 'string' }, parse);
  // An empty header is what the parser table cannot match; it means the same as none.
  app.addHook('onRequest', async (request) => {
    if (request.headers['content-type']?.trim() === '') delete request.raw.headers['content-type'];
  });
}

/** Bodies of this scope are handed on as streams, whatever they say they are. */
export function acceptRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
}

/**
 * Lets an answer reach a client that is still sending. Closing at once would reset the connection, and the reset would
 * overtake the answer; so the rest of the body is read and thrown away for a while, and only then is it closed.
 */
export function drainAfterAnswer(request: FastifyRequest, reply: FastifyReply): void {
  const { raw } = request;
  if (raw.complete || raw.destroyed) return;
  const end = setTimeout(() => raw.socket.destroy(), DRAIN_MS);
  end.unref();
  raw.once('close', () => clearTimeout(end));
  raw.once('end', () => clearTimeout(end));
  // Without this header Node keeps the connection open after the answer and we decide when to close it.
  reply.raw.shouldKeepAlive = true;
  raw.resume();
}
