import { z } from 'zod';
import { listAudit } from '../../../db/audit.ts';
import { AuditPage } from '../../schema/audit.ts';
import { PageQuery } from '../../schema/page.ts';
import type { Api, ApiPorts } from '../api.ts';
import { iso } from '../operation-views.ts';
import { cutPage, readCursor } from '../paging.ts';

const AuditQuery = PageQuery.extend({
  actor: z.string().max(200).optional().meta({ description: 'only what was asked with that token', example: 'admin' }),
});

/** Who did what, when, with which token. */
export function auditRoutes(app: Api, ports: ApiPorts): void {
  app.get(
    '/audit',
    {
      config: { scope: 'admin', problems: { 400: ['bad-cursor'] } },
      schema: {
        operationId: 'listAudit',
        tags: ['operations'],
        summary: 'List the calls that were meant to change something, newest first',
        querystring: AuditQuery,
        response: { 200: AuditPage },
      },
    },
    async (request) => {
      const { actor, limit, cursor } = request.query;
      const [before] = readCursor(cursor, z.tuple([z.int()])) ?? [];
      const found = await listAudit(ports.db, { before, limit: limit + 1, actor });
      const { items, ...next } = cutPage(found, { limit, place: ({ seq }) => [seq] });
      const entries = items.map(({ at, code, operation, ...rest }) => ({
        ...rest,
        at: iso(at),
        ...(code ? { code } : {}),
        ...(operation ? { operation } : {}),
      }));
      return { entries, ...next };
    },
  );
}
