import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack } from '../lab/rack.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';
import { shapeOf } from './shape.ts';

interface Page {
  readonly operations: readonly { readonly progress?: { readonly step: string; readonly done: number } }[];
}

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;

  before(async () => {
    rack = await makeRack(0);
    bakery = await rack.start();
  });
  after(() => rack?.close(bakery));

  for (const part of [0.01, 0.5, 0.99]) {
    test(`killed when ${part * 100} % of an upload have come in, nothing is left of it and the name is free`, async () => {
      const clean = shapeOf(rack);
      const sent = rack.image.subarray(0, Math.floor(rack.image.length * part));
      const never = Promise.withResolvers<void>();
      const body = new ReadableStream({
        async start(controller) {
          controller.enqueue(sent);
          await never.promise;
          controller.close();
        },
      });
      const answered = call(bakery, 'POST', '/bakeforms/half', body).catch(() => undefined);
      // The step stands where the bytes end: it waits for more.
      for (;;) {
        const { operations } = (await call(bakery, 'GET', '/operations?state=running')).body as Page;
        if (operations[0]?.progress?.done === sent.length) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.equal(await bakery.kill(), 'SIGKILL');
      never.resolve();
      await answered;

      bakery = await rack.start();
      await untilAtRest(rack.world, 60_000);
      assert.deepEqual(shapeOf(rack), clean);
      assert.deepEqual(await checkWorld(rack.world), []);
    });
  }

  test('the same name is uploaded whole after all of that', async () => {
    assert.equal((await call(bakery, 'POST', '/bakeforms/half', rack.image)).status, 201);
    assert.deepEqual(await checkWorld(rack.world), []);
  });
});
