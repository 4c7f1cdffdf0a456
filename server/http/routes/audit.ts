import { z } from 'zod';
import { listAudit } from '../../../db/audit.ts';
import { AuditPage } from '../../schema/audit.ts';
import { Problem } from '../../schema/problem.ts';
import type { Api, ApiPorts } from '../api.ts';
import { iso } from '../operation-views.ts';

const AuditQuery = z.object({
  actor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.coerce.number().int().min(1).optional(),
});

/** Who did what, when, with which token. */
export function auditRoutes(app: Api, ports: ApiPorts): void {
  app.get(
    '/audit',
    {
      schema: {
        operationId: 'listAudit',
        tags: ['operations'],
        summary: 'List the calls that were meant to change something, newest first',
        querystring: AuditQuery,
        response: { 200: AuditPage, default: Problem },
      },
    },
    async (request) => {
      const { actor, limit, cursor } = request.query;
      const found = await listAudit(ports.db, { before: cursor, limit: limit + 1, actor });
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        entries: page.map(({ at, code, operation, ...rest }) => ({
          ...rest,
          at: iso(at),
          ...(code ? { code } : {}),
          ...(operation ? { operation } : {}),
        })),
        ...(last ? { next: String(last.seq) } : {}),
      };
    },
  );
}
