import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskId, PiId } from '../../core/ids.ts';
import type { WebhookId } from '../../core/webhook.ts';
import { countStuck, takeCensus, webhookCensus } from '../../db/census.ts';
import { addDisk } from '../../db/disks.ts';
import { addFeedEvent } from '../../db/events.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, setFault } from '../../db/pis.ts';
import { addWebhook, noteDelivered, noteFailure } from '../../db/webhooks.ts';

test('everything in the inventory is counted by the words that tell it apart', async () => {
  const db = await openDatabase(':memory:');
  for (const [n, quarantine] of [false, false, true].entries()) {
    await addPi(db, { id: `0000000${n}` as PiId, quarantine, confirmed: true, now: 1 });
  }
  await setFault(db, '00000000' as PiId, 'broken', 1);
  for (const [n, state] of (['ready', 'ready', 'removing'] as const).entries()) {
    const id = `disk${n}` as DiskId;
    const facts = { role: 'data', sizeMiB: 1, pi: undefined, position: undefined, exportId: n + 1 } as const;
    await addDisk(db, { ...facts, id, state, fsUuid: id, now: 1 });
  }
  await db
    .insertInto('operations')
    .values(
      ['running', 'stuck', 'stuck', 'done', 'failed'].map((state, n) => {
        return { id: `op${n}`, kind: 'bake', version: 1, params: '{}', state, created_at: 1 };
      }),
    )
    .execute();
  const census = await takeCensus(db);
  assert.deepEqual([...census.pis], [['fridge', 3]]);
  assert.deepEqual(census.flags, { maintenance: 0, quarantine: 1, awaitOff: 0, fault: 1 });
  assert.deepEqual(
    new Map(census.disks),
    new Map([
      ['data/ready', 2],
      ['data/removing', 1],
    ]),
  );
  assert.deepEqual(
    new Map(census.operations),
    new Map([
      ['running', 1],
      ['stuck', 2],
    ]),
  );
  assert.equal(census.trash, 0);
  assert.equal(await countStuck(db), 2);
  await db.destroy();
});

test('a webhook is behind by what it wants to know, the furthest one counts', async () => {
  const db = await openDatabase(':memory:');
  const add = (id: string, types: string[]) =>
    addWebhook(db, { id: id as WebhookId, url: 'http://x', secret: 's', types, now: 1 });
  await addFeedEvent(db, { type: 'pi.state' }, 1);
  await add('all', []);
  await add('some', ['disk.*']);
  assert.deepEqual(await webhookCensus(db), { all: 2, failing: 0, behind: 0 });
  for (const type of ['disk.made', 'pi.state', 'pi.state', 'disk.gone']) await addFeedEvent(db, { type }, 1);
  assert.equal((await webhookCensus(db)).behind, 4);
  await noteDelivered(db, 'all' as WebhookId, 5);
  await noteFailure(db, 'some' as WebhookId, { failures: 1, nextAt: 9, error: 'x' });
  assert.deepEqual(await webhookCensus(db), { all: 2, failing: 1, behind: 2 });
  await db.destroy();
});
