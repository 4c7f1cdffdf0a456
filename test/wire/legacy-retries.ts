import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call } from '../lab/bakery.ts';
import { BoshCpi } from '../lab/bosh-cpi.ts';
import { CALLS, GoClient, type GoDisk, type GoPi } from '../lab/go-bakery-client.ts';
import { type GoCall, goChunk } from '../lab/go-wire.ts';
import { holdBus } from '../lab/slow-bus.ts';
import type { LegacyWorld } from './legacy-world.ts';

/** What the calls below are about: made anew for each kind of retry. */
interface Things {
  readonly pi: string;
  /** Attached. */
  readonly on: string;
  /** Attached to nothing. */
  readonly off: string;
  /** A name that nobody else uses. */
  readonly bakeform: string;
  readonly image: Buffer;
}
interface Retry {
  readonly call: (things: Things) => GoCall;
  /** The code when it came once, was answered, and comes again. */
  readonly again: number;
  /** The codes that are right when its connection was cut before the answer, and it comes again. */
  readonly afterCut: readonly number[];
}
interface Operation {
  readonly id: string;
  readonly steps: readonly { readonly name: string; readonly state: string }[];
}
const same = (call: Retry['call']): Retry => ({ call, again: 200, afterCut: [200] });

/** In an order in which each finds what it needs. */
const RETRIES: Readonly<Record<keyof typeof CALLS, Retry>> = {
  listFridge: same(() => CALLS.listFridge()),
  listOven: same(() => CALLS.listOven()),
  listBakeforms: same(() => CALLS.listBakeforms()),
  listDisks: same(() => CALLS.listDisks()),
  getPi: same(({ pi }) => CALLS.getPi(pi)),
  getDisk: same(({ on }) => CALLS.getDisk(on)),
  getBootFile: same(({ pi }) => CALLS.getBootFile(pi, 'cmdline.txt')),
  uploadFile: same(({ pi }) => CALLS.uploadFile(pi, 'disks.json', '[]')),
  downloadFile: same(({ pi }) => CALLS.downloadFile(pi, 'disks.json')),
  attachDisk: same(({ pi, off }) => CALLS.attachDisk(pi, off)),
  detachDisk: same(({ pi, off }) => CALLS.detachDisk(pi, off)),
  deleteDisk: same(({ off }) => CALLS.deleteDisk(off)),
  // A second one is made: the client sends nothing by which the first could be known.
  createDisk: { call: () => CALLS.createDisk(4), again: 201, afterCut: [201] },
  bakePi: { call: () => CALLS.bakePi('tiny'), again: 202, afterCut: [202] },
  powercyclePi: same(({ pi }) => CALLS.powercyclePi(pi)),
  uploadBakeform: {
    call: ({ bakeform, image }) => CALLS.uploadBakeform(bakeform, image),
    again: 403,
    afterCut: [201, 403],
  },
  // Whether the first came to its end is told by the second.
  deleteBakeform: { call: ({ bakeform }) => CALLS.deleteBakeform(bakeform), again: 404, afterCut: [200, 404] },
  unbakePi: same(({ pi }) => CALLS.unbakePi(pi)),
};

/** Each call with the same bytes again. */
export function legacyRetries(of: () => LegacyWorld): void {
  async function things(bakeform: string): Promise<Things> {
    const world = of();
    const { id } = await world.vm();
    const [on, off] = [await world.disk(), await world.disk()];
    await world.must(CALLS.attachDisk(id, on.id));
    return { pi: id, on: on.id, off: off.id, bakeform, image: world.rack.image };
  }
  async function findRunning(kind: string): Promise<Operation | undefined> {
    const { body } = await call(of().bakery, 'GET', `/operations?state=running&kind=${kind}`);
    return (body as { operations: Operation[] }).operations[0];
  }
  /** Each in turn; a power-cycle, which takes 5 s, on a Pi of its own beside them. */
  async function retryEach(
    bakeform: string,
    check: (retry: Retry, given: Things) => Promise<{ status: number; bytes: Buffer; right: readonly number[] }>,
  ): Promise<string[]> {
    const { powercyclePi, ...others } = RETRIES;
    const wrong: string[] = [];
    const one = async (name: string, retry: Retry, given: Things) => {
      const { status, bytes, right } = await check(retry, given);
      if (!right.includes(status)) wrong.push(`${name}: ${status} ${bytes}`);
    };
    const cycle = one('powercyclePi', powercyclePi, await things(bakeform));
    const given = await things(bakeform);
    for (const [name, retry] of Object.entries(others)) await one(name, retry, given);
    await cycle;
    return wrong;
  }
  /** Both at once: most of it is waiting. */
  function retryAll() {
    const answered = retryEach('answered', async ({ call, again }, given) => {
      await of().must(call(given));
      return { ...(await of().go.do(call(given))), right: [again] };
    });
    const cut = retryEach('cut', async ({ call, afterCut }, given) => {
      await of().go.sendAndCut(call(given));
      return { ...(await of().go.do(call(given))), right: afterCut };
    });
    return { answered, cut };
  }
  let begun: ReturnType<typeof retryAll> | undefined;
  const retries = () => {
    begun ??= retryAll();
    return begun;
  };

  test('each call that comes again after its answer is answered as the client wants it', async () => {
    assert.deepEqual(await retries().answered, []);
  });

  test('each call that comes again after its connection was cut before the answer is answered as the client wants it', async () => {
    const world = of();
    assert.deepEqual(await retries().cut, []);
    const baked = Object.keys(await world.must<Readonly<Record<string, GoPi>>>(CALLS.listOven()));
    await world.giveBack(...baked);
    const { disks } = await world.must<{ disks: Readonly<Record<string, GoDisk>> }>(CALLS.listDisks());
    for (const disk of Object.keys(disks)) await world.must(CALLS.deleteDisk(disk));
  });

  test('a call that was given up while it waited for another does nothing afterwards', async () => {
    const world = of();
    const { pi, off } = await things('none');
    const release = holdBus(world.rack.world.root);
    const attached = world.must<GoPi>(CALLS.attachDisk(pi, off));
    for (let tries = 0; (await findRunning('attach')) === undefined; tries++) {
      assert.ok(tries < 600, 'the attach never began');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // Answered in the order in which they came, so that the detach waits when the list is told.
    await world.go.sendAndCut(CALLS.detachDisk(pi, off));
    await world.must(CALLS.listDisks(), new GoClient(world.bakery.base, `cpi:${world.bakery.token}`));
    release();
    await attached;
    // Five times as long as it is between two tries.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { disks } = await world.must<GoPi>(CALLS.getPi(pi));
    assert.ok(disks?.some(({ id }) => id === off));
    await world.giveBack(pi);
  });

  test('a bakeform whose upload was cut is uploaded again, at once and whatever is still left of the first', async () => {
    const world = of();
    const { image } = world.rack;
    const upload = CALLS.uploadBakeform('cut', image);
    const half = async () => {
      const connection = world.go.connect();
      await connection.write(world.go.head(upload));
      await connection.write(goChunk(image.subarray(0, image.length / 2)));
      return connection;
    };
    /** The upload, once it is in that step. */
    const running = async (step: string) => {
      for (let tries = 0; tries < 600; tries++) {
        const upload = await findRunning('upload-bakeform');
        if (upload?.steps.some(({ name, state }) => name === step && state === 'running')) return upload;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`no upload came to ${step}`);
    };
    /** The server has seen all that was sent before. */
    const afterThat = () =>
      world.must(CALLS.listBakeforms(), new GoClient(world.bakery.base, `cpi:${world.bakery.token}`));

    // As the CPI does it: it may be told 403, deletes then, and must not be told 404.
    for (let round = 0; round < 3; round++) {
      (await half()).close();
      assert.equal(await new BoshCpi(world.go).createStemcell('cut', image), 'cut');
      await world.must(CALLS.deleteBakeform('cut'));
    }

    // A delete that came while it was still coming in.
    const first = await half();
    await running('receive');
    const deleted = world.must(CALLS.deleteBakeform('cut'));
    await afterThat();
    first.close();
    await deleted;

    // One that is being undone, for as long as the program it waits for.
    const release = world.slow.hold('dumpe2fs');
    const slow = world.must(upload).catch(() => undefined);
    const { id } = await running('golden');
    assert.equal((await call(world.bakery, 'POST', `/operations/${id}/cancel`)).status, 202);
    const again = world.must(upload);
    await afterThat();
    release();
    await again;
    await slow;
    await world.must(CALLS.deleteBakeform('cut'));
  });
}
