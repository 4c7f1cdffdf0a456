import { documented } from './documented.ts';
import type { Relays } from './relays.ts';

const quoted = (heading: string) => JSON.parse(documented('test/lab/switches/samples/webhook.md', heading));
/** The quoted answer with some members of its own. */
const like = (heading: string, own: object) => JSON.stringify({ ...quoted(heading), ...own });
const said = (heading: string) => JSON.stringify(quoted(heading));

/** Home Assistant with two switches, and one that is not there for it at the moment. */
export const homeAssistant: Relays = {
  ports: ['switch.rack_1', 'switch.rack_2'],
  answer({ method, path, headers, body }, { states, turn, credential }) {
    if (headers.authorization !== `Bearer ${credential}`) return { status: 401, body: '401: Unauthorized' };
    const entity = /^\/api\/states\/(.+)$/.exec(path)?.[1];
    if (method === 'GET' && entity !== undefined) {
      const isOn = states.get(entity);
      if (entity === 'switch.gone')
        return { status: 200, body: like('home assistant: state', { state: 'unavailable' }) };
      if (isOn === undefined) return { status: 404, body: said('home assistant: no such state') };
      return { status: 200, body: like('home assistant: state', { entity_id: entity, state: isOn ? 'on' : 'off' }) };
    }
    const word = /^\/api\/services\/switch\/turn_(on|off)$/.exec(path)?.[1];
    if (method !== 'POST' || word === undefined) return { status: 400, body: '400: Bad Request' };
    const { entity_id: id } = JSON.parse(body) as { entity_id: string };
    const was = states.get(id);
    if (was !== undefined) turn(id, word === 'on');
    if (was === undefined || was === (word === 'on'))
      return { status: 200, body: said('home assistant: no such entity') };
    const [changed] = quoted('home assistant: changed states') as object[];
    return { status: 200, body: JSON.stringify([{ ...changed, entity_id: id, state: word }]) };
  },
};

/** A Tasmota with four relays; before version 8.2.3 it answers 200 to whoever has a wrong password. */
export const tasmota = (refuses: 200 | 401): Relays => ({
  ports: ['1', '2', '3', '4'],
  answer({ path }, { states, turn, credential }) {
    const query = new URL(path, 'http://tasmota').searchParams;
    if (query.get('user') !== 'admin' || query.get('password') !== credential) {
      return { status: refuses, body: said('tasmota: wrong password') };
    }
    return tasmotaCommand(query.get('cmnd') ?? '', (relay) => `POWER${relay}`, { states, turn });
  },
});

/** A Tasmota with one relay and no password. */
export const tasmotaPlug: Relays = {
  ports: ['1'],
  answer: ({ path }, relays) =>
    tasmotaCommand(new URL(path, 'http://tasmota').searchParams.get('cmnd') ?? '', () => 'POWER', relays),
};

function tasmotaCommand(
  command: string,
  nameOf: (relay: string) => string,
  { states, turn }: Pick<Parameters<Relays['answer']>[1], 'states' | 'turn'>,
) {
  const [, relay = '', wish] = /^Power(\d+)(?: (ON|OFF))?$/i.exec(command) ?? [];
  if (!states.has(relay)) return { status: 200, body: said('tasmota: unknown command') };
  if (wish) turn(relay, wish.toUpperCase() === 'ON');
  return { status: 200, body: JSON.stringify({ [nameOf(relay)]: states.get(relay) ? 'ON' : 'OFF' }) };
}

/** A Shelly of the first generation with two relays and a login. */
export const shellyOne: Relays = {
  ports: ['0', '1'],
  answer({ path, headers }, { states, turn, credential }) {
    if (headers.authorization !== `Basic ${Buffer.from(`admin:${credential}`).toString('base64')}`) {
      return { status: 401, body: '401 Unauthorized' };
    }
    const { pathname, searchParams } = new URL(path, 'http://shelly');
    const relay = /^\/relay\/(\d+)$/.exec(pathname)?.[1] ?? '';
    if (!states.has(relay)) return { status: 404, body: 'Not Found' };
    if (searchParams.has('turn')) turn(relay, searchParams.get('turn') === 'on');
    return { status: 200, body: like('shelly 1: relay', { ison: states.get(relay) }) };
  },
};

/** A Shelly of the second generation with two switches and no password. */
export const shellyTwo: Relays = {
  ports: ['0', '1'],
  answer({ path }, { states, turn }) {
    const { pathname, searchParams } = new URL(path, 'http://shelly');
    const id = searchParams.get('id') ?? '';
    const was = states.get(id);
    if (was === undefined) return { status: 404, body: said('shelly 2: no such switch') };
    if (pathname === '/rpc/Switch.GetStatus') {
      return { status: 200, body: like('shelly 2: status', { id: Number(id), output: was }) };
    }
    turn(id, searchParams.get('on') === 'true');
    return { status: 200, body: like('shelly 2: was', { was_on: was }) };
  },
};
