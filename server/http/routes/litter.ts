import { LitterList } from '../../schema/litter.ts';
import { Problem } from '../../schema/problem.ts';
import type { Api, ApiPorts } from '../api.ts';

/** What lies about, for a person to look into: Bakery deletes none of it. */
export function litterRoutes(app: Api, ports: ApiPorts): void {
  app.get(
    '/litter',
    {
      schema: {
        operationId: 'listLitter',
        tags: ['operations'],
        summary: 'List files, folders and loop devices that nothing in the database accounts for',
        description:
          'Bakery never deletes them. They are what somebody put there, or newer volumes that a restored database does not know.',
        response: { 200: LitterList, default: Problem },
      },
    },
    async () => {
      const { litter, more } = await ports.litter();
      return { litter: [...litter], more };
    },
  );
}
