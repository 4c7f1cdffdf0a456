import { readFile } from 'node:fs/promises';
import type { Api } from '../api.ts';

/** Every problem's `type` is an address here: the text that explains its code. No token. */
export function problemsRoute(app: Api): void {
  app.get('/docs/problems.md', { schema: { hide: true } }, async (_request, reply) => {
    const text = await readFile(new URL('../../../docs/problems.md', import.meta.url), 'utf8');
    return reply.type('text/markdown; charset=utf-8').send(text);
  });
}
