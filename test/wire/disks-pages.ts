import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskWorld } from './disks-world.ts';

/** The ids of a list, read two at a time. */
async function inPages({ ask }: DiskWorld, path: string, member: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const at: string = `${path}?limit=2${cursor && `&cursor=${cursor}`}`;
    const page: { [member: string]: unknown; next?: string } = await ask(200, 'GET', at);
    const items = page[member] as readonly { id: string }[];
    assert.ok(items.length <= 2);
    ids.push(...items.map(({ id }) => id));
    cursor = page.next;
  }
  return ids;
}

/** Lists that are given in pages. */
export function diskPages(world: () => DiskWorld): void {
  test('the trash and webhooks are given in pages, each item once and in its order', async () => {
    const { ask, refused, makeDisk } = world();
    const path = '/webhooks';
    for (let n = 0; n < 5; n++) await ask(201, 'POST', path, { url: `http://127.0.0.1:9/${n}` });
    const { webhooks } = await ask<{ webhooks: { id: string }[] }>(200, 'GET', path);
    assert.deepEqual(
      await inPages(world(), path, 'webhooks'),
      webhooks.map(({ id }) => id),
    );
    assert.equal(webhooks.length, 5);
    for (const { id } of webhooks) await ask(200, 'DELETE', `${path}/${id}`);

    const { disks } = await ask<{ disks: { id: string; discardedAt: string }[] }>(200, 'GET', '/trash');
    assert.ok(disks.length >= 1);
    for (let n = disks.length; n < 5; n++) await ask(200, 'DELETE', `/disks/${(await makeDisk({ size: 1 })).id}`);
    const paged = await inPages(world(), '/trash', 'disks');
    assert.equal(new Set(paged).size, 5);
    assert.deepEqual(
      paged.slice(0, disks.length),
      disks.map(({ id }) => id),
    );
    await refused(400, 'bad-cursor', 'GET', '/trash?cursor=W10');
    await refused(400, 'bad-request', 'GET', '/webhooks?limit=0');
  });
}
