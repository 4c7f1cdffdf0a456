import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import { parseMac, parsePiName, piIdOfSerial, requirePiId } from '../../../core/ids.ts';
import { mayHaveMac } from '../../../core/pi.ts';
import { isMeant } from '../../../core/pi-filter.ts';
import { parseRevision } from '../../../core/revision.ts';
import { addKey, findKeyed, keepAnswer } from '../../../db/idempotency.ts';
import type { Executor } from '../../../db/open.ts';
import { enterPi, forgetPi, type PiRemarks, remarkOn } from '../../../db/pi-remarks.ts';
import { listPis, requirePiCalled } from '../../../db/pis.ts';
import { judgePorts } from '../../../db/switches.ts';
import { NewPi, Pi, PiPage, PiPatch, PiQuery } from '../../schema/pi.ts';
import type { Api, ApiPorts } from '../api.ts';
import { IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { cutPage, readCursor } from '../paging.ts';
import { piShape, piShapes } from '../pi-views.ts';
import { ONCE, together } from '../problems.ts';
import { WAYS_OUT } from '../ways-out.ts';

/** Whom a call is about. */
export const PiParam = z.object({
  piId: z.string().meta({ description: 'its id, serial number or name', example: '687680cd' }),
});
/** The problems of naming a Pi. */
export const NAMING = { 400: ['bad-pi-id'], 404: ['pi-unknown'] };

/** Where a Pi stands in the list. */
const Place = z.tuple([z.string()]);

/** What a body says of a Pi, as the inventory keeps it. */
function remarksOf(body: z.output<typeof PiPatch>): PiRemarks {
  const { name, tags, notes, port, revision, maintenance, manageDisks } = body;
  return {
    ...(name === undefined ? {} : { name: name === null ? null : (parsePiName(name) ?? null) }),
    ...(tags === undefined ? {} : { tags: [...new Set(tags)] }),
    ...(notes === undefined ? {} : { notes }),
    ...(port === undefined ? {} : { port }),
    ...(revision === undefined ? {} : { revision: revision === null ? null : (parseRevision(revision) ?? null) }),
    ...(maintenance === undefined ? {} : { maintenance }),
    ...(manageDisks === undefined ? {} : { manageDisks }),
  };
}

/** Pis, whatever their state: finding them, and what people say of them. */
export function piRoutes(app: Api, ports: ApiPorts): void {
  const { db, clock, switches, questions } = ports;

  /** A port that its switch is known not to list is told of, and bound all the same: the switch may be another tomorrow. */
  async function judgePort(trx: Executor, port: PiRemarks['port']): Promise<void> {
    const listed = port ? questions.listed(port.switch) : undefined;
    if (port && listed) await judgePorts(trx, port.switch, listed, clock.now());
  }

  app.get(
    '/pis',
    {
      config: { scope: 'viewer', problems: { 400: ['bad-cursor'] } },
      schema: {
        operationId: 'listPis',
        tags: ['pis'],
        summary: 'List Pis, whatever their state, by id',
        description: 'Those in quarantine too. What is asked for must all be so.',
        querystring: PiQuery,
        response: { 200: PiPage },
      },
    },
    async (request) => {
      const { limit, cursor, tag: tags, ...filter } = request.query;
      const [after = ''] = readCursor(cursor, Place) ?? [];
      const found = (await listPis(db)).filter((pi) => pi.id > after && isMeant(pi, { ...filter, tags }));
      const { items, ...next } = cutPage(found, { limit, place: ({ id }) => [id] });
      return { pis: await piShapes(db, items, ports), ...next };
    },
  );

  app.post(
    '/pis',
    {
      config: {
        scope: 'operator',
        problems: together(ONCE, {
          400: ['mac-of-another'],
          409: ['pi-exists', 'pi-name-taken', 'port-taken', 'mac-taken'],
        }),
      },
      schema: {
        operationId: 'registerPi',
        tags: ['pis'],
        summary: 'Enter a Pi before it is seen',
        description:
          'It stands in the fridge, and is dropped for no stranger. With a MAC only that board can become it. Most Pis need none of this: they enter by asking for their boot files.',
        headers: IdempotencyHeaders,
        body: NewPi,
        response: { 201: Pi },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const id = piIdOfSerial(body.id) ?? requirePiId(body.id);
      const mac = body.mac === undefined ? undefined : parseMac(body.mac);
      // Its boot would be refused for ever: the address desk knows the same.
      if (mac && !mayHaveMac(id, mac)) {
        throw new BakeryError('invalid', 'mac-of-another', `the MAC ${mac} does not belong to the serial of Pi ${id}`);
      }
      const key = keyOf(request);
      const answer = await db.transaction().execute(async (trx) => {
        const keyed = key && (await findKeyed(trx, key));
        if (keyed?.answer) return { replayed: true, shape: JSON.parse(keyed.answer.body) as Pi };
        await enterPi(trx, { id, mac, remarks: remarksOf(body), now: clock.now() });
        await judgePort(trx, body.port);
        const shape = await piShape(trx, id, ports);
        if (key) {
          await addKey(trx, { ...key, operation: id, now: clock.now() });
          await keepAnswer(trx, key, { status: 201, body: JSON.stringify(shape) });
        }
        return { replayed: false, shape };
      });
      if (body.port !== undefined) await switches.refresh();
      if (answer.replayed) reply.header('idempotency-replayed', 'true');
      // What reaches its power now: the binding was not known while the shape was made.
      const { shape } = answer;
      return reply.code(201).send({ ...shape, power: { ...shape.power, reach: ports.power.reach(id) } });
    },
  );

  app.get(
    '/pis/:piId',
    {
      config: { scope: 'viewer', problems: NAMING },
      schema: {
        operationId: 'findPi',
        tags: ['pis'],
        summary: 'Get one Pi with all that is known of it',
        params: PiParam,
        response: { 200: Pi },
      },
    },
    async (request) => piShape(db, (await requirePiCalled(db, request.params.piId)).id, ports),
  );

  app.patch(
    '/pis/:piId',
    {
      config: {
        scope: 'operator',
        problems: together(NAMING, { 409: ['pi-name-taken', 'port-taken'] }),
      },
      schema: {
        operationId: 'patchPi',
        tags: ['pis'],
        summary: 'Name or tag a Pi, note something, bind its port, set or end its maintenance',
        description:
          'A Pi of the fridge whose power was switched on in maintenance is flagged `awaitOff` when that ends.',
        params: PiParam,
        body: PiPatch,
        response: { 200: Pi },
      },
    },
    async (request) => {
      const { id } = await requirePiCalled(db, request.params.piId);
      await db.transaction().execute(async (trx) => {
        await remarkOn(trx, id, remarksOf(request.body), clock.now());
        await judgePort(trx, request.body.port);
      });
      if (request.body.port !== undefined) await switches.refresh();
      return piShape(db, id, ports);
    },
  );

  app.delete(
    '/pis/:piId',
    {
      config: { scope: 'operator', problems: together(NAMING, { 409: ['pi-in-use', 'busy'] }) },
      schema: {
        operationId: 'forgetPi',
        tags: ['pis'],
        summary: 'Forget a Pi of the fridge',
        description: `Its name, tags, notes, port, MAC and address go; its disks in the trash stay. It enters again, as a stranger, when it asks for its boot files. ${WAYS_OUT}`,
        params: PiParam,
        response: { 200: z.object({}) },
      },
    },
    async (request) => {
      await forgetPi(db, (await requirePiCalled(db, request.params.piId)).id);
      await switches.refresh();
      return {};
    },
  );
}
