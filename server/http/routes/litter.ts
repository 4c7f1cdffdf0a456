import { z } from 'zod';
import { LitterList } from '../../schema/litter.ts';
import { PageQuery } from '../../schema/page.ts';
import type { Api, ApiPorts } from '../api.ts';
import { cutPage, readCursor } from '../paging.ts';

/** What lies about, for a person to look into: Bakery deletes none of it. */
export function litterRoutes(app: Api, ports: ApiPorts): void {
  app.get(
    '/litter',
    {
      config: { scope: 'admin', problems: { 400: ['bad-cursor'] } },
      schema: {
        operationId: 'listLitter',
        tags: ['operations'],
        summary: 'List files, folders and loop devices that nothing accounts for, by their path',
        description:
          'Bakery never deletes them. They are what somebody put there, or newer volumes that a restored database does not know.',
        querystring: PageQuery,
        response: { 200: LitterList },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const [after] = readCursor(cursor, z.tuple([z.string()])) ?? [];
      const { litter, more } = await ports.litter();
      const rest = litter
        .filter(({ path }) => after === undefined || path > after)
        .toSorted((a, b) => (a.path < b.path ? -1 : 1));
      const { items, ...next } = cutPage(rest, { limit, place: ({ path }) => [path] });
      return { litter: [...items], more, ...next };
    },
  );
}
