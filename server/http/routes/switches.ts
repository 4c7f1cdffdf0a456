import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import {
  addSwitch,
  changeSwitch,
  listBoundPorts,
  listSwitches,
  removeSwitch,
  requireSwitch,
  type SwitchRecord,
} from '../../../db/switches.ts';
import type { SwitchKind } from '../../power/switches/kind.ts';
import { findSwitchKind } from '../../power/switches/kinds.ts';
import { changedNames, changeSettings, keepSettings } from '../../power/switches/settings.ts';
import { PageQuery } from '../../schema/page.ts';
import { DeleteSwitch, NewSwitch, SwitchInfo, SwitchKinds, SwitchPage, SwitchPatch } from '../../schema/switch.ts';
import type { Api, ApiPorts } from '../api.ts';
import { cutPage, readCursor } from '../paging.ts';
import { together } from '../problems.ts';
import { kindInfo, switchInfo } from '../switch-views.ts';

/** Which switch a call is about. */
export const SwitchParam = z.object({
  name: z.string().meta({ description: 'name of a switch', example: 'poe-a' }),
});
/** The problems of naming one. */
export const NAMING_SWITCH = { 404: ['switch-unknown'] };

/** The problems of saying how it is reached. */
const SETTING = { 400: ['switch-kind-unknown', 'bad-switch-settings'], 503: ['key-unusable'] };

/** Switches whose ports Pis hang on. What is secret of them goes in and never comes out. */
export function switchRoutes(app: Api, ports: ApiPorts): void {
  const { db, clock, switches, seal } = ports;

  function requireKind(name: string): SwitchKind {
    const kind = findSwitchKind(name, ports.switchKinds);
    if (!kind) throw new BakeryError('invalid', 'switch-kind-unknown', 'this server has no such kind of switches');
    return kind;
  }
  async function show(records: readonly SwitchRecord[]): Promise<SwitchInfo[]> {
    const bound = [...(await listBoundPorts(db)).values()].map((port) => port.switch);
    return records.map((record) =>
      switchInfo(record, { boundPis: bound.filter((name) => name === record.name).length, ports }),
    );
  }
  async function showOne(name: string): Promise<SwitchInfo> {
    const [shown] = await show([await requireSwitch(db, name)]);
    if (!shown) throw new Error('one switch has one shape');
    return shown;
  }

  app.get(
    '/switches',
    {
      config: { scope: 'viewer', problems: { 400: ['bad-cursor'] } },
      schema: {
        operationId: 'listSwitches',
        tags: ['switches'],
        summary: 'List switches, by name',
        querystring: PageQuery,
        response: { 200: SwitchPage },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const [after = ''] = readCursor(cursor, z.tuple([z.string()])) ?? [];
      // There are few: what is in memory is cut.
      const found = (await listSwitches(db)).filter(({ name }) => name > after);
      const { items, ...next } = cutPage(found, { limit, place: ({ name }) => [name] });
      return { switches: await show(items), ...next };
    },
  );

  app.get(
    '/switch-kinds',
    {
      config: { scope: 'viewer' },
      schema: {
        operationId: 'listSwitchKinds',
        tags: ['switches'],
        summary: 'List the kinds of switches, and what settings each takes',
        response: { 200: SwitchKinds },
      },
    },
    async () => ({ kinds: ports.switchKinds.map(kindInfo) }),
  );

  app.post(
    '/switches',
    {
      config: {
        scope: 'operator',
        problems: together(SETTING, { 409: ['switch-exists', 'too-many-switches'] }),
      },
      schema: {
        operationId: 'createSwitch',
        tags: ['switches'],
        summary: 'Enter a switch',
        description:
          'It is not asked anything yet: see `POST /switches/{name}/test`. There is no Idempotency-Key, which would keep a hash of the ' +
          'secrets: the same name is refused.',
        body: NewSwitch,
        response: { 201: SwitchInfo },
      },
    },
    async (request, reply) => {
      const { name, kind, settings, notes = '' } = request.body;
      const kept = await keepSettings(requireKind(kind), settings, { name, seal });
      await addSwitch(db, { name, kind, notes, ...kept, createdAt: clock.now() });
      await switches.refresh();
      return reply.code(201).send(await showOne(name));
    },
  );

  app.get(
    '/switches/:name',
    {
      config: { scope: 'viewer', problems: NAMING_SWITCH },
      schema: {
        operationId: 'getSwitch',
        tags: ['switches'],
        summary: 'Get one switch, and whether it can be used',
        params: SwitchParam,
        response: { 200: SwitchInfo },
      },
    },
    async (request) => showOne(request.params.name),
  );

  app.patch(
    '/switches/:name',
    {
      config: {
        scope: 'operator',
        problems: together(NAMING_SWITCH, SETTING, {
          400: ['switch-secrets-needed'],
          409: ['switch-credentials-lost'],
        }),
      },
      schema: {
        operationId: 'patchSwitch',
        tags: ['switches'],
        summary: 'Change the settings or notes of a switch',
        description:
          'Calls that are under way end with the old settings. Who changes a setting that is `address` of its kind sends every secret that it has again, or null for one that is not used any more: what was entered for one address is never sent to another.',
        params: SwitchParam,
        body: SwitchPatch,
        response: { 200: SwitchInfo },
      },
    },
    async (request) => {
      const { settings: patch, notes } = request.body;
      const { name } = request.params;
      await db.transaction().execute(async (trx) => {
        const before = await requireSwitch(trx, name);
        const kind = patch && requireKind(before.kind);
        const kept = kind ? await changeSettings(kind, { before, patch }, seal) : before;
        const after = { name, notes: notes ?? before.notes, settings: kept.settings, sealed: kept.sealed };
        const changed = kind ? changedNames(kind, before.settings, patch) : [];
        await changeSwitch(trx, after, { changed, now: clock.now() });
      });
      await switches.refresh();
      return showOne(name);
    },
  );

  app.delete(
    '/switches/:name',
    {
      config: { scope: 'operator', problems: { 409: ['switch-in-use'] } },
      schema: {
        operationId: 'deleteSwitch',
        tags: ['switches'],
        summary: 'Forget a switch, with its secrets',
        description: 'Fine for one that does not exist. What its ports give stays as it is.',
        params: SwitchParam,
        querystring: DeleteSwitch,
        response: { 200: z.object({}) },
      },
    },
    async (request) => {
      await removeSwitch(db, request.params.name, { unbind: request.query.unbind === true, now: clock.now() });
      await switches.refresh();
      return {};
    },
  );
}
