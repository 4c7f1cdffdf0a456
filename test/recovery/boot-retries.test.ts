import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { BootStage } from '../../core/boot.ts';
import type { PiId } from '../../core/ids.ts';
import { listOpenBoots, saveBoot } from '../../db/boots.ts';
import { openDatabase } from '../../db/open.ts';
import type { RunningBakery } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { ask, eventsOf, until } from './world.ts';

const AGO_MS = 10 * 60_000;
/** On a machine that does much else. */
const LONG_MS = 240_000;

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery | undefined;
  let [lost, up, kept]: string[] = [];
  const running = (): RunningBakery => {
    assert.ok(bakery);
    return bakery;
  };

  /** The newest boot of a Pi came so far as `stage`, ten minutes ago. */
  async function age(pi: string | undefined, stage: BootStage): Promise<void> {
    const db = await openDatabase(join(rack.world.root, 'bakery.db'));
    const boot = (await listOpenBoots(db)).find((open) => open.pi === (pi as PiId));
    assert.ok(boot, 'its power-on began a boot');
    const at = boot.startedAt - AGO_MS;
    await saveBoot(db, { ...boot, startedAt: at, heardAt: at, stages: { 'power-on': at, [stage]: at } });
    await db.destroy();
  }

  before(async () => {
    rack = await makeRack(3);
    [lost, up, kept] = rack.serials as string[];
    bakery = await rack.start({ BAKERY_POOL: 'plain' });
    for (const serial of rack.serials) await register(bakery, serial);
    await ask(bakery, 'POST', '/bakeforms/form', 201, rack.image);
    const pis = [...rack.serials];
    await ask(bakery, 'POST', '/bulk', 202, { action: 'bake', bakeformName: 'form', power: 'on', pis });
    await until('on', async () => rack.lit.size === 3, LONG_MS);
    const isAtRest = async () => {
      const states = ['running', 'unwinding'].map((state) => ask(running(), 'GET', `/operations?state=${state}`, 200));
      const pages = (await Promise.all(states)) as { operations: unknown[] }[];
      return pages.every(({ operations }) => operations.length === 0);
    };
    await until('nothing to do', isAtRest, LONG_MS);
    await ask(bakery, 'PATCH', `/pis/${kept}`, 200, { maintenance: true });
    await bakery.stop();
  });
  after(async () => rack?.close(bakery));

  test('a Pi whose boot stopped is cycled by the server, one that is up is not, nor one that a person has', async () => {
    await age(lost, 'dhcp');
    await age(up, 'root-mounted');
    await age(kept, 'dhcp');
    for (const serial of rack.serials) rack.unplug(serial);
    bakery = await rack.startHeld({ BAKERY_POOL: 'plain', BAKERY_BOOT_RETRIES: '1' });
    await until('on again', async () => rack.lit.has(lost ?? ''), LONG_MS);
    assert.deepEqual([...rack.lit], [lost]);
    const told = eventsOf(rack.world.root, 'boot.retried').map(({ pi, data }) => [pi, { ...(data as object) }]);
    assert.equal(told.length, 1);
    const [[pi, data] = []] = told;
    assert.equal(pi, lost);
    assert.deepEqual({ ...(data as object), boot: '' }, { boot: '', try: 1, of: 1 });
  });
});
