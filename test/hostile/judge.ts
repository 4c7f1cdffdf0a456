import { leaksIn } from '../lab/leaks.ts';
import { type ApiDocument, type Operation, PROBLEM_TYPE } from './operations.ts';
import type { Request } from './requests.ts';
import type { Answer, Outcome } from './wire.ts';

/** Faults of the server or its machine that a case may bring about; all the others it never may. */
const EXPECTED_FAULTS: ReadonlySet<string> = new Set([
  // A disk or a file larger than what there is.
  'pool-full',
  'root-full',
  // The port of one Pi is broken.
  'power-failed',
  // A switch that another client changes while it is asked, or that cannot be reached where he has put it.
  'switch-failed',
  'too-many-streams',
  // On a slow machine an operation outlasts the server's patience now and then; how often is counted.
  'still-running',
  'snapshot-too-slow',
]);

/** What is answered, by status, where there is no route: a body is read there too. */
const NO_ROUTE: ReadonlyMap<number, readonly string[]> = new Map([
  [400, ['bad-request', 'bad-json']],
  [404, ['route-unknown']],
  [413, ['body-too-large']],
  [414, ['uri-too-long']],
  [415, ['media-type-unsupported']],
]);

/** What is answered, by status, before there is a request that a route could see. */
const NO_HTTP: ReadonlyMap<number, string> = new Map([
  [400, 'not-http'],
  [413, 'headers-too-large'],
]);

/** What no client may be told. */
export interface Secrets {
  /** The server's root. */
  readonly root: string;
  /** Stands in files outside of the server's root, and in no answer. */
  readonly marker: string;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

interface Context {
  readonly api: ApiDocument;
  readonly operation: Operation;
  readonly request: Request;
  readonly secrets: Secrets;
}

/** The operation that a request is for, whatever it was made from; undefined when there is none of its method. */
function targetOf({ api, operation, request }: Context): Operation | undefined {
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  return api.operations.find((one) => one.path === operation.path && one.method === method);
}

function problemFault(answer: Answer, context: Context): string | undefined {
  const { api, request } = context;
  const { status, headers, body } = answer;
  if (request.method === 'HEAD') return status >= 500 ? `${status} to a HEAD` : undefined;
  const type = headers['content-type']?.split(';')[0] ?? 'nothing';
  const target = targetOf(context);
  const own = target?.answers.get(status)?.get(type);
  if (own) return own(parse(body));
  if (type !== PROBLEM_TYPE) return `the ${status} is ${type}, no problem document`;
  const problem = parse(body);
  const wrong = api.checkProblem(problem);
  if (wrong !== undefined) return `the problem is not as the document has it: ${wrong}`;
  const { code, status: told } = problem as { code: string; status: number };
  if (told !== status) return `the problem of the ${status} says ${told}`;
  if (status >= 500 && !EXPECTED_FAULTS.has(code)) return `${status} ${code}`;
  if (target?.problems.get(status)?.includes(code)) return undefined;
  if ((request.isAstray || !target) && NO_ROUTE.get(status)?.includes(code)) return undefined;
  if (request.isBroken && NO_HTTP.get(status) === code) return undefined;
  return `${target?.id ?? `${request.method} there`} does not declare ${status} ${code}`;
}

/** What is wrong with the outcome of a request, or undefined. */
export function faultOf(outcome: Outcome, context: Context): string | undefined {
  const { request, secrets } = context;
  if (outcome === 'closed') {
    return request.isBroken || request.framing === 'cut-off' ? undefined : 'no answer: the connection was closed';
  }
  if (outcome.body.includes(secrets.marker)) return 'it tells what stands outside of its root';
  const contentType = outcome.headers['content-type'];
  if (request.method !== 'HEAD') {
    const told = { status: outcome.status, contentType, body: outcome.body.toString('utf8') };
    const [leak] = leaksIn(told, secrets.root);
    if (leak !== undefined) return `it tells what no client may know: ${leak}`;
  }
  if (outcome.status >= 400) return problemFault(outcome, context);
  const target = targetOf(context);
  const type = outcome.headers['content-type']?.split(';')[0] ?? 'no media type';
  const declared = target?.answers.get(outcome.status);
  if (declared?.size === 0 && contentType === undefined && outcome.body.length === 0) return undefined;
  const check = declared?.get(type);
  if (!check) return `${target?.id ?? `${request.method} there`} does not declare ${outcome.status} ${type}`;
  if (type !== 'application/json' || request.method === 'HEAD') return undefined;
  const wrong = check(parse(outcome.body));
  return wrong === undefined ? undefined : `the ${outcome.status} is not as the document has it: ${wrong}`;
}
