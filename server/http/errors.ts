import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { BakeryError, describeError, type ErrorKind } from '../../core/errors.ts';
import type { Problem } from '../schema/problem.ts';

/** The one table from the core's kinds of error to HTTP. */
const STATUS: { readonly [K in ErrorKind]: { readonly status: number; readonly title: string } } = {
  invalid: { status: 400, title: 'Bad Request' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  forbidden: { status: 403, title: 'Forbidden' },
  'not-found': { status: 404, title: 'Not Found' },
  'too-slow': { status: 408, title: 'Request Timeout' },
  conflict: { status: 409, title: 'Conflict' },
  precondition: { status: 412, title: 'Precondition Failed' },
  'too-large': { status: 413, title: 'Content Too Large' },
  'too-many': { status: 429, title: 'Too Many Requests' },
  internal: { status: 500, title: 'Internal Server Error' },
  unavailable: { status: 503, title: 'Service Unavailable' },
  timeout: { status: 504, title: 'Gateway Timeout' },
  'no-space': { status: 507, title: 'Insufficient Storage' },
};

/** Fastify's own refusals, by status code. */
const FRAMEWORK_CODES: { readonly [status: number]: string } = {
  400: 'bad-request',
  404: 'route-unknown',
  413: 'body-too-large',
  414: 'uri-too-long',
  415: 'media-type-unsupported',
};

/** Its own words for these repeat the address of the call, whatever that is. */
const FRAMEWORK_MESSAGES: { readonly [code: string]: string } = {
  FST_ERR_BAD_URL: 'the address of the call is not well formed',
  FST_ERR_MAX_PARAM_LENGTH: 'a part of the address of the call is too long',
};

/** Where a code is explained, from the root of the repository's documentation. */
export const PROBLEM_BASE = '/docs/problems.md#';

/** The place in a request that a schema does not take; the names that a client made up are repeated only as far as they are plain words. */
function placeOf(instancePath: string): string {
  const parts = instancePath.replace(/^\//, '').split('/');
  const strange = parts.findIndex((part) => !/^[\w-]{1,64}$/.test(part));
  if (strange < 0) return parts.join('/');
  return strange === 0 ? 'body' : [...parts.slice(0, strange), '…'].join('/');
}

function problem(status: number, title: string, code: string, detail: string, instance: string): Problem {
  return { type: `${PROBLEM_BASE}${code}`, title, status, detail, code, error: detail, instance };
}

/** Anything thrown, as a problem document. Details for the operator stay behind. */
export function toProblem(error: unknown, requestId: string): Problem {
  if (error instanceof BakeryError) {
    const { status, title } = STATUS[error.kind];
    return problem(status, title, error.code, error.message, requestId);
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const parts = error.validation.map((v) => `${placeOf(v.instancePath)}: ${v.message}`);
    return problem(400, STATUS.invalid.title, 'bad-request', parts.join('; '), requestId);
  }
  const status = error instanceof Error && 'statusCode' in error ? Number((error as FastifyError).statusCode) : 500;
  if (status >= 400 && status < 500) {
    const { code, message } = error as FastifyError;
    const title = STATUS_CODES[status] ?? STATUS.invalid.title;
    const detail = FRAMEWORK_MESSAGES[code] ?? message;
    return problem(status, title, FRAMEWORK_CODES[status] ?? 'bad-request', detail, requestId);
  }
  return problem(500, STATUS.internal.title, 'internal', 'an internal error occurred; the log has it', requestId);
}

/** Answers with the problem that `error` is, and logs what is the server's fault. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const body = toProblem(error, request.id);
  request.problem = body.code;
  if (body.status >= 500) request.log.error({ err: error, detail: describeError(error) }, 'request failed');
  else request.log.info({ code: body.code, detail: describeError(error) }, 'request refused');
  if (body.status === 401) reply.header('www-authenticate', 'Bearer realm="bakery", Basic realm="bakery"');
  if (body.status === 503) reply.header('retry-after', '5');
  return reply.code(body.status).type('application/problem+json').send(JSON.stringify(body));
}
