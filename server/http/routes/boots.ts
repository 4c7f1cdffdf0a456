import { z } from 'zod';
import { describeError } from '../../../core/errors.ts';
import { listBootsOf } from '../../../db/boots.ts';
import { requirePiCalled } from '../../../db/pis.ts';
import { BootPage, ReadyReport } from '../../schema/boot.ts';
import { PageQuery } from '../../schema/page.ts';
import type { Api, ApiPorts } from '../api.ts';
import { bootInfo } from '../boot-views.ts';
import { cutPage, readCursor } from '../paging.ts';
import { together } from '../problems.ts';
import { NAMING, PiParam } from './pis.ts';

/** Where a boot stands in the list. */
const Place = z.tuple([z.int(), z.string()]);

/** How Pis booted, or did not. */
export function bootRoutes(app: Api, ports: ApiPorts): void {
  const { db, clock } = ports;

  app.get(
    '/pis/:piId/boots',
    {
      config: { scope: 'viewer', problems: together(NAMING, { 400: ['bad-cursor'] }) },
      schema: {
        operationId: 'listBoots',
        tags: ['netboot'],
        summary: "List a Pi's attempts to boot, newest first, each with a diagnosis",
        description:
          'One record for each attempt: when it reached which stage, what it was sent, what it missed, and what to check next where it ' +
          'came no further. What was seen is in it within a second.',
        params: PiParam,
        querystring: PageQuery,
        response: { 200: BootPage },
      },
    },
    async (request) => {
      const { id: pi } = await requirePiCalled(db, request.params.piId);
      const { limit, cursor } = request.query;
      const [startedAt, id] = readCursor(cursor, Place) ?? [];
      const after = startedAt === undefined || id === undefined ? undefined : { startedAt, id };
      const found = await listBootsOf(db, pi, { after, limit: limit + 1 });
      const { items, ...next } = cutPage(found, { limit, place: (boot) => [boot.startedAt, boot.id] });
      const facts = { ...ports.diagnosisFacts(), now: clock.now() };
      return { boots: items.map((boot) => bootInfo(boot, facts)), ...next };
    },
  );

  app.post(
    '/pis/:piId/ready',
    {
      config: { scope: 'cpi', fromPi: true, problems: NAMING },
      schema: {
        operationId: 'tellReady',
        tags: ['netboot'],
        summary: 'Say that a Pi is up and ready',
        description:
          'For the Pi itself, at the end of its boot: from its own address it needs no token. With `time` a clock that is wrong is told, ' +
          'as that of a board without a battery is. Fine to repeat; the first of a boot counts.',
        params: PiParam,
        body: ReadyReport.nullish(),
        response: { 200: z.object({}) },
      },
    },
    async (request) => {
      const { id: pi } = await requirePiCalled(db, request.params.piId);
      const at = clock.now();
      const time = request.body?.time;
      const clockAheadMs = time === undefined ? {} : { clockAheadMs: Date.parse(time) - at };
      ports.boots.note(pi, { kind: 'ready', at, ...clockAheadMs });
      // So that who asks next sees it. It is kept all the same when it cannot be written now.
      await ports.boots
        .round()
        .catch((error) => request.log.warn({ error: describeError(error) }, 'boots are not written'));
      return {};
    },
  );
}
