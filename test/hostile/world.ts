import { call, type RunningBakery } from '../lab/bakery.ts';
import { type Rack, register } from '../lab/rack.ts';
import type { ToySwitch } from '../lab/switches/toy-switch.ts';
import { untilAtRest } from '../lab/world-check.ts';
import type { ApiDocument } from './operations.ts';
import type { Known } from './values.ts';

/** The server's world, kept so that made-up requests meet something. */
export interface FuzzWorld {
  /** Ids and names that are there. */
  readonly known: Known;
  /** Looks what is there; takes away what is too much, and brings back what is needed. */
  tend(): Promise<void>;
  /** Mends the switch, and has what is stuck for it tried again. */
  mend(): Promise<void>;
  /** How many of each kind were ever seen. */
  readonly seen: ReadonlyMap<string, ReadonlySet<string>>;
}

/** What the things in a list are, where it is not the list's name. */
const KIND_OF: Readonly<Record<string, string>> = { oven: 'pi', fridge: 'pi', trash: 'disk', switches: 'switch' };
/** Kinds of things that are named, and have no id. */
const NAMED: ReadonlySet<string> = new Set(['bakeform', 'switch']);
/** The switch that is always there. */
const SWITCH = 'rack-a';
/** More than so many are taken away. */
const MOST = 8;

/** The ids in an answer: those of its things, and those that they name. */
function harvest(node: unknown, kind: string, found: (kind: string, id: string) => void): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (typeof value !== 'string') harvest(value, kind, found);
    else if (key === 'id' || (key === 'name' && NAMED.has(kind))) found(kind, value);
    else if (['pi', 'disk', 'bakeform', 'operation', 'next'].includes(key))
      found(key === 'next' ? 'cursor' : key, value);
  }
}

const FIXED: Readonly<Record<string, readonly string[]>> = {
  'idempotency-key': ['once', 'twice'],
  filename: ['settings.json', 'cmdline.txt', 'start.elf', 'overlays/overlay_map.dtb'],
  types: ['*', 'operation.*', 'pi.baked'],
  url: ['http://127.0.0.1:1/hook'],
};

/** Makes one of a server that runs: Pis in all states, disks, bakeforms, a webhook, a switch, something in the trash. */
export async function makeFuzzWorld(
  { rack, toy }: { rack: Rack; toy: ToySwitch },
  bakery: RunningBakery,
  api: ApiDocument,
): Promise<FuzzWorld> {
  const lists = api.operations.filter(
    ({ method, path, answers }) =>
      method === 'GET' && /^\/api\/[^{]*$/.test(path) && answers.get(200)?.has('application/json'),
  );
  const pools = new Map<string, string[]>();
  const seen = new Map<string, Set<string>>();
  const ask = <T>(method: string, path: string, body?: unknown) =>
    call(bakery, method, path, body) as Promise<{ status: number; body: T }>;
  const oven = async () =>
    Object.values((await ask<Record<string, { id: string; state: string }>>('GET', '/oven')).body);
  const lab = { name: SWITCH, kind: 'lab', settings: { url: toy.url, password: toy.password } };
  const upload = (name: string) => ask('POST', `/bakeforms/${name}`, rack.image);

  async function look(): Promise<void> {
    const next = new Map<string, Set<string>>();
    const disks = Object.keys((await ask<{ disks: object }>('GET', '/disks')).body.disks);
    for (const path of [...lists.map((list) => list.path), ...disks.map((disk) => `/api/v1/disks/${disk}/snapshots`)]) {
      const [list = ''] = path.split('/').slice(-1);
      const query = list === 'events' ? '?format=json' : '';
      const answer = await fetch(new URL(`${path}${query}`, bakery.base), {
        headers: { authorization: `Bearer ${bakery.token}` },
      });
      // A client may take a disk away meanwhile.
      if (answer.status === 404 && list === 'snapshots') continue;
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      harvest(await answer.json(), KIND_OF[list] ?? list.replace(/s$/, ''), (kind, id) => {
        for (const pool of [next, seen]) pool.set(kind, (pool.get(kind) ?? new Set()).add(id));
      });
    }
    for (const [kind, ids] of next) pools.set(kind, [...ids].slice(0, 40));
  }

  /** What is over is taken away by its own call. */
  async function thin(path: string, ids: readonly string[]): Promise<void> {
    for (const id of ids.slice(MOST)) await ask('DELETE', `${path}/${encodeURIComponent(id)}`);
  }

  async function tend(): Promise<void> {
    const baked = (await oven()).filter(({ state }) => state === 'baked').map(({ id }) => id);
    await thin('/oven', baked);
    for (let count = baked.length; count < 2; count++) await ask('POST', '/fridge', { bakeformName: 'tiny' });
    const bakeforms = (await ask<object>('GET', '/bakeforms')).body;
    for (const name of ['tiny', 'spare']) if (!Object.hasOwn(bakeforms, name)) await upload(name);
    await thin('/disks', Object.keys((await ask<{ disks: object }>('GET', '/disks')).body.disks));
    for (const list of ['webhooks', 'tokens']) {
      const { body } = await ask<Record<string, { id: string }[]>>('GET', `/${list}`);
      await thin(
        `/${list}`,
        (body[list] ?? []).map(({ id }) => id),
      );
    }
    const { switches } = (await ask<{ switches: { name: string }[] }>('GET', '/switches')).body;
    if (!switches.some(({ name }) => name === SWITCH)) await ask('POST', '/switches', lab);
    await thin(
      '/switches',
      switches.map(({ name }) => name).filter((name) => name !== SWITCH),
    );
    const [disk] = Object.keys((await ask<{ disks: object }>('GET', '/disks')).body.disks);
    if (disk !== undefined && !pools.get('snapshot')?.length) await ask('POST', `/disks/${disk}/snapshots`, {});
    await look();
  }

  for (const serial of rack.serials) await register(bakery, serial);
  await upload('tiny');
  await tend();
  await ask('POST', '/fridge', { bakeformName: 'tiny' });
  await untilAtRest(rack.world, 60_000);
  // One whose switch fails while it is unbaked is held.
  const held = (await oven()).find(({ state }) => state === 'baked')?.id ?? '';
  rack.broken.add(held);
  await ask('DELETE', `/oven/${held}`);
  const disks: string[] = [];
  for (let i = 0; i < 3; i++) disks.push((await ask<{ id: string }>('POST', '/disks', { size: 4 })).body.id);
  await ask('DELETE', `/disks/${disks[2]}`);
  await ask('POST', '/webhooks', { url: 'http://127.0.0.1:1/hook', types: ['pi.*'] });
  await look();

  return {
    seen,
    tend,
    async mend() {
      rack.broken.clear();
      const stuck = await ask<{ operations: { id: string }[] }>('GET', '/operations?state=stuck&limit=200');
      for (const { id } of stuck.body.operations) await ask('POST', `/operations/${id}/retry`);
    },
    known(hint) {
      const word = hint.toLowerCase();
      const fixed = FIXED[word];
      if (fixed) return fixed;
      const kind = [...pools.keys()].filter((one) => word.includes(one)).toSorted((a, b) => b.length - a.length)[0];
      return kind === undefined ? [] : (pools.get(kind) ?? []);
    },
  };
}
