import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import type { paths } from './api-types.d.ts';
import type { RunningBakery } from './bakery.ts';
import type { ContractCheck } from './contract-check.ts';

/** A client whose types are generated from openapi.yaml. */
export type TypedClient = ReturnType<typeof createClient<paths>>;

/** Makes one of which every answer is compared with the document; `succeeded` gets the operationIds of those that were good. */
export function typedClient(
  bakery: Pick<RunningBakery, 'base' | 'token'>,
  { check, succeeded }: { check: ContractCheck; succeeded: Set<string> },
): TypedClient {
  async function watched(request: Request): Promise<Response> {
    const response = await fetch(request);
    const { method } = request;
    const path = new URL(request.url).pathname;
    const contentType = response.headers.get('content-type') ?? '';
    if (!contentType.startsWith('text/event-stream')) {
      const body = await response.clone().text();
      assert.deepEqual(check.faults({ method, path, status: response.status, contentType, body }), []);
    }
    if (response.ok) succeeded.add(check.operationOf(method, path) ?? `${method} ${path}`);
    return response;
  }
  return createClient<paths>({
    baseUrl: new URL(bakery.base).origin,
    headers: { authorization: `Bearer ${bakery.token}` },
    fetch: watched,
  });
}

/** The data of an answer that has that status. */
export async function ok<T>(
  status: number,
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await answer;
  assert.equal(response.status, status, `${response.url}: ${JSON.stringify(error)}`);
  return data as T;
}

/** Bytes as the body of a call, sent as they are. */
export function bytes(body: Uint8Array): { body: string; bodySerializer: () => Uint8Array } {
  return { body: '', bodySerializer: () => body };
}
