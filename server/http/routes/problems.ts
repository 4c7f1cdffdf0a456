import { readFile } from 'node:fs/promises';
import type { Api } from '../api.ts';

/** The text that explains every code of a problem. */
export function readProblems(): Promise<string> {
  return readFile(new URL('../../../docs/problems.md', import.meta.url), 'utf8');
}

/** Every problem's `type` is an address here: the text that explains its code. No token. */
export function problemsRoute(app: Api, text: string): void {
  app.get('/docs/problems.md', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/markdown; charset=utf-8').send(text),
  );
}
