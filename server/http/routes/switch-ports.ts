import type { PiId } from '../../../core/ids.ts';
import type { PiPort } from '../../../core/pi.ts';
import { listPis } from '../../../db/pis.ts';
import { bindPort, listSwitches } from '../../../db/switches.ts';
import type { SwitchSurvey } from '../../power/switches/kind.ts';
import { placesOf, planDiscovery, withUnlisted } from '../../power/switches/whereabouts.ts';
import { DiscoverPorts, Discovery, SwitchPorts, SwitchTest, TestSwitch } from '../../schema/switch.ts';
import type { Api, ApiPorts } from '../api.ts';
import { iso } from '../operation-views.ts';
import { together } from '../problems.ts';
import { portShapes } from '../switch-views.ts';
import { NAMING_SWITCH, SwitchParam } from './switches.ts';

/** So old may be what is on its ports: whoever looks again and again asks the switch no more often. */
const FRESH_MS = 5_000;

/** The problems of asking a switch. */
const ASKING = together(NAMING_SWITCH, {
  409: ['switch-unusable', 'switch-cannot-tell', 'switch-refused'],
  503: ['switch-failed', 'stopping'],
  504: ['switch-timeout'],
});

/** What is on the ports of switches. */
export function switchPortRoutes(app: Api, ports: ApiPorts): void {
  const { db, clock, switches, questions } = ports;

  app.post(
    '/switches/:name/test',
    {
      config: { scope: 'operator', problems: ASKING },
      schema: {
        operationId: 'testSwitch',
        tags: ['switches'],
        summary: 'Ask a switch now, with the settings that it has',
        description: 'For 10 s at most. Nothing is switched.',
        params: SwitchParam,
        body: TestSwitch.nullish(),
        response: { 200: SwitchTest },
      },
    },
    async (request) => {
      const { name } = request.params;
      const port = request.body?.port;
      if (port !== undefined) return { power: await questions.port(name, port) };
      const survey = await questions.survey(name);
      const { description, budget } = survey;
      return { description, ports: survey.ports.length, ...(budget ? { budget } : {}) };
    },
  );

  app.get(
    '/switches/:name/ports',
    {
      config: { scope: 'viewer', problems: ASKING },
      schema: {
        operationId: 'listSwitchPorts',
        tags: ['switches'],
        summary: 'List the ports of a switch with what hangs on them',
        description: 'The switch is asked for it, for 10 s at most; who asks again within 5 s is told the same.',
        params: SwitchParam,
        response: { 200: SwitchPorts },
      },
    },
    async (request) => {
      const { name } = request.params;
      const survey = await questions.recent(name, FRESH_MS);
      const { description, budget, at } = survey;
      const shapes = portShapes(name, survey, await listPis(db));
      return { description, at: iso(at), ...(budget ? { budget } : {}), ports: shapes };
    },
  );

  app.post(
    '/switches/:name/discover',
    {
      config: { scope: 'operator', problems: ASKING },
      schema: {
        operationId: 'discoverPorts',
        tags: ['switches'],
        summary: 'Find which Pi hangs on which port, and bind them',
        description:
          'A Pi hangs on the one port on which its MAC is learned and that of no other device is. What other switches told last counts, too. Pis must be on: ' +
          'a switch forgets an address that is silent for some minutes.',
        params: SwitchParam,
        body: DiscoverPorts.nullish(),
        response: { 200: Discovery },
      },
    },
    async (request) => {
      const { name } = request.params;
      const { apply = false, rebind = false } = request.body ?? {};
      const told = new Map<string, SwitchSurvey>([[name, await questions.survey(name)]]);
      for (const other of await listSwitches(db)) {
        const last = questions.last(other.name);
        if (last && other.name !== name) told.set(other.name, last);
      }
      const listed = questions.listed(name);
      const findings = await db.transaction().execute(async (trx) => {
        const found = planDiscovery(await listPis(trx), placesOf(told), { name, rebind });
        if (!apply) return found;
        const binding = found.flatMap(({ pi, port, binds }) => (binds && port ? [[pi, port] as [PiId, PiPort]] : []));
        // First from their old ports: two may have changed places.
        for (const [pi] of binding) await bindPort(trx, pi, null, clock.now());
        for (const [pi, port] of binding) await bindPort(trx, pi, port, clock.now());
        return found;
      });
      await switches.refresh();
      return {
        applied: apply && findings.some(({ binds }) => binds),
        pis: findings.map((one) => withUnlisted(one, { name, listed })),
      };
    },
  );
}
