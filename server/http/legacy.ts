import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BakeryError } from '../../core/errors.ts';
import { legacyStatus } from '../../core/pi.ts';
import { planBake } from '../operations/bake.ts';
import { planUpload } from '../operations/bakeforms.ts';
import { presentedToken } from './auth.ts';
import { toProblem } from './errors.ts';
import { inTimeOrLater, whenFree } from './patience.ts';
import { bootFileRoute } from './routes/boot-files.ts';
import { diskRoutes } from './routes/disks.ts';
import { ovenRoutes } from './routes/oven.ts';

/** A habit of the original's clients that a plain server would answer with an error. */
interface Quirk {
  /** What the client does. */
  readonly client: string;
  /** Why it does so. */
  readonly reason: string;
  /** What serves it here. */
  readonly code: object;
}

/** How long, and how much, we go on reading a body whose answer has been given, so that the client can read it. */
const DRAIN_MS = 5 * 60_000;

/** Times of a connection: longer than the 90 s after which net/http lets an idle one go. */
export const CONNECTION = { keepAliveTimeout: 100_000 };

/** Every one of them. Each has a test that goes by its name (test/wire) and a mutation that shows that it is needed. */
export const QUIRKS = {
  'json-without-type': {
    client: 'POST /disks sends JSON without a Content-Type',
    reason: 'http.NewRequest sets none',
    code: acceptLegacyBodies,
  },
  'type-without-body': {
    client: 'POST …/powercycle says Content-Type: application/json and sends no body',
    reason: 'http.Post sets the header, the body is nil',
    code: parseLegacyBody,
  },
  'upload-without-length': {
    client: 'POST /bakeforms/… is chunked, gigabytes, as long as it takes',
    reason: 'the body is an os.File, whose length net/http does not ask for',
    code: acceptRawBodies,
  },
  'answer-while-sending': {
    client: 'reads the answer to an upload late, maybe only when all of it is sent',
    reason: 'net/http writes and reads at once, and a reset connection is an error however much was answered before',
    code: drainAfterAnswer,
  },
  'looks-for-403': {
    client: 'takes the text 403, and no other, for "exists already", deletes the bakeform and uploads again',
    reason: 'the CPI searches the text of the error',
    code: planUpload,
  },
  'password-in-url': {
    client: 'sends Authorization: Basic, or nothing',
    reason: 'it knows only a base URL, whose user info net/http makes a header of',
    code: presentedToken,
  },
  'gives-up-after-10-s': {
    client: 'takes 10 s without an answer for a failure and rolls back',
    reason: 'http.Client has a Timeout of 10 s; only up- and downloads go without it',
    code: whenFree,
  },
  'powercycle-in-10-s': {
    client: 'takes a power-cycle that is not answered within 10 s for a failure, and unbakes the Pi',
    reason: 'the same Timeout, and a switch that may be slower',
    code: inTimeOrLater,
  },
  'keeps-connections': {
    client: 'sends the next call on a connection that was idle for up to 90 s',
    reason: 'a POST on one that the server closes at that moment fails: net/http does not send it again',
    code: CONNECTION,
  },
  'unbakes-again': {
    client: 'unbakes a Pi that is in the fridge or on its way there, and takes only 200 for done',
    reason: 'BOSH repeats a delete_vm whose answer it did not get',
    code: ovenRoutes,
  },
  'attaches-again': {
    client: 'attaches and detaches a disk that is there, or gone, already',
    reason: 'BOSH repeats attach_disk and detach_disk',
    code: ovenRoutes,
  },
  'deletes-disk-again': {
    client: 'deletes a disk that is gone, or never was, and takes only 200 for done',
    reason: 'BOSH repeats delete_disk, and unbake has destroyed the disks of the Pi',
    code: diskRoutes,
  },
  'takes-2-for-has-vm': {
    client: 'takes status 2, and nothing else, for "this VM exists"',
    reason: 'there are three numbers for seven states: a VM that is being deleted must be gone at once',
    code: legacyStatus,
  },
  'reads-error': {
    client: 'shows the member `error` of a refusal',
    reason: 'the original answered {"error": "…"}',
    code: toProblem,
  },
  'no-free-pi-is-404': {
    client: 'knows "no available Pi found" by 404, and an unknown bakeform by 400',
    reason: 'the original said so',
    code: planBake,
  },
  'relay-without-token': {
    client: 'HookTFTP asks GET /files/… for any Pi, also for one that nobody has seen, without a token',
    reason: 'it knows a URL pattern and nothing else; who may is told by address',
    code: bootFileRoute,
  },
} as const satisfies Readonly<Record<string, Quirk>>;

/** The names of the quirks. */
export type QuirkName = keyof typeof QUIRKS;

type Done = (error: Error | null, body?: unknown) => void;

/** Any body is JSON, whatever it says it is; an empty one is none. */
function parseLegacyBody(_request: FastifyRequest, body: string, done: Done): void {
  let value: unknown;
  try {
    value = body === '' ? undefined : JSON.parse(body);
  } catch {
    done(new BakeryError('invalid', 'bad-json', 'the body is not JSON'));
    return;
  }
  done(null, value);
}

/** Bodies of this scope are JSON, whatever they say they are. */
export function acceptLegacyBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, parseLegacyBody);
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
