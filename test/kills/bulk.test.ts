import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import { call } from '../lab/bakery.ts';
import type { HeldBakery } from '../lab/held-bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';
import { KILLED, KINDS, killPoints, thinned } from './suite.ts';

interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly results?: readonly { readonly pi: string; readonly state: string; readonly operation?: string }[];
}

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: HeldBakery;

  async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
  const rest = () => untilAtRest(rack.world, 60_000);
  /** Begins a bulk whose answer may never come: the server is killed under it. */
  const begin = () =>
    void call(bakery, 'POST', '/bulk', { action: 'power', power: 'on', pis: rack.serials, atATime: 1 }).catch(
      () => undefined,
    );
  /** Operations of both kinds, the oldest first. */
  function operations(): Operation[] {
    const db = new Database(join(rack.world.root, 'bakery.db'), { readonly: true, timeout: 5_000 });
    const sql = "SELECT id, kind, state FROM operations WHERE kind IN ('bulk', 'power') ORDER BY rowid";
    const rows = db.prepare(sql).all() as Operation[];
    db.close();
    return rows;
  }

  before(async () => {
    rack = await makeRack(2);
    bakery = await rack.startHeld();
    for (const serial of rack.serials) {
      await register(bakery, serial);
      await must('PATCH', `/pis/${serial}`, { maintenance: true });
    }
  });
  after(async () => rack?.close(bakery));

  /** All that began since is one bulk with one operation for each Pi, and both Pis are on. */
  async function isDoneOnce(since: number, ends: 'done' | 'failed'): Promise<void> {
    const [bulk, ...children] = operations().slice(since);
    const { results = [] } = await must<Operation>('GET', `/operations/${bulk?.id}`);
    assert.deepEqual([bulk?.kind, bulk?.state], ['bulk', ends]);
    assert.deepEqual(
      results.map(({ pi, state }) => [pi, state]),
      rack.serials.map((serial) => [serial, 'done']),
    );
    assert.deepEqual(
      children.map(({ id, kind, state }) => [id, kind, state]),
      results.map(({ operation }) => [operation, 'power', 'done']),
    );
    assert.deepEqual([...rack.lit].toSorted(), [...rack.serials]);
    assert.deepEqual(await checkWorld(rack.world), []);
  }

  test('a bulk killed anywhere goes on with the next start, and each of its Pis is worked on by one operation', async (t) => {
    const kinds = KINDS.filter(({ kind }) => KILLED.bulk.includes(kind));
    await bakery.order({});
    begin();
    while (!bakery.passed.includes('bulk/commit:after')) await new Promise((resolve) => setTimeout(resolve, 10));
    await rest();
    const counts = new Map<string, number>();
    const doing = bakery.passed
      .filter((point) => /^(bulk|power)\//.test(point))
      .map((point) => {
        const nth = (counts.get(point) ?? 0) + 1;
        counts.set(point, nth);
        return { point, nth };
      });
    assert.equal(doing.length, 8 + 2 * 8, 'the points of the bulk and of an operation for each Pi');
    await isDoneOnce(0, 'done');

    const undoing = kinds.flatMap(killPoints).flatMap(({ fail, ...at }) => (fail ? [{ ...at, fail }] : []));
    for (const at of thinned([...doing, ...undoing], 'bulk')) {
      const fail = 'fail' in at ? String(at.fail) : undefined;
      await t.test(`${fail ? 'undoing, ' : ''}at ${at.point}, time ${at.nth}`, async () => {
        for (const serial of rack.serials) rack.unplug(serial);
        const since = operations().length;
        try {
          await bakery.order({ hold: { point: at.point, nth: at.nth }, ...(fail ? { fail } : {}) });
          begin();
          await bakery.held(30_000);
          await bakery.killHeld();
        } finally {
          bakery.isOver();
          bakery = await rack.startHeld();
        }
        await rest();
        if (at.point === 'bulk/admit:before') {
          assert.equal(operations().length, since);
          return;
        }
        // That it failed is written down with the step's end: until then it goes on as if it had not.
        const isTold = fail !== undefined && at.point !== 'bulk/unwinding:before';
        await isDoneOnce(since, isTold ? 'failed' : 'done');
      });
    }
  });
});
