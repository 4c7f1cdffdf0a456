import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuirkName } from '../../server/http/legacy.ts';
import { CALLS, GoClient, type GoPi } from '../lab/go-bakery-client.ts';
import { goChunk, LAST_CHUNK } from '../lab/go-wire.ts';
import type { LegacyWorld } from './legacy-world.ts';

interface QuirkTest {
  /** What is true as long as the quirk is served. */
  readonly promise: string;
  check(world: LegacyWorld): Promise<void>;
}

/** The quirks whose tests take their time together (legacy-limits.ts). */
export const SLOW_QUIRKS = ['gives-up-after-10-s', 'powercycle-in-10-s'] as const satisfies readonly QuirkName[];

/** A test for each other quirk, by its name. */
export const QUIRK_TESTS: Readonly<Record<Exclude<QuirkName, (typeof SLOW_QUIRKS)[number]>, QuirkTest>> = {
  'json-without-type': {
    promise: 'a disk is made from JSON that does not say that it is JSON',
    async check(world) {
      assert.ok(!/content-type/i.test(world.go.head(CALLS.createDisk(4))));
      const { id } = await world.disk();
      await world.must(CALLS.deleteDisk(id));
    },
  },
  'type-without-body': {
    promise: 'a body that is said to be JSON and is not there is none',
    async check(world) {
      const { code } = await world.refused(CALLS.powercyclePi('ffffffff'), 404);
      assert.equal(code, 'pi-unknown');
    },
  },
  'upload-without-length': {
    promise: 'a bakeform is made of a body without a length that is larger than any JSON may be',
    async check(world) {
      assert.ok(world.rack.image.length > 16 * 1024 ** 2);
      await world.must(CALLS.uploadBakeform('long', world.rack.image));
      await world.must(CALLS.deleteBakeform('long'));
    },
  },
  'answer-while-sending': {
    promise: 'the answer to a refused upload can be read while it is sent, and after all of it was sent',
    async check(world) {
      for (const early of [true, false]) {
        const connection = world.go.connect();
        if (!early) connection.socket.pause();
        await connection.write(world.go.head(CALLS.uploadBakeform('tiny', world.rack.image)));
        await connection.write(goChunk(Buffer.alloc(32_768)));
        if (early) assert.equal((await connection.answer(10_000)).status, 403);
        // More than any buffer on the way holds.
        for (let sent = 0; sent < 48; sent++) await connection.write(goChunk(Buffer.alloc(1024 ** 2)));
        await connection.write(LAST_CHUNK);
        assert.ok(connection.open);
        connection.socket.resume();
        if (!early) assert.equal((await connection.answer(10_000)).status, 403);
        connection.close();
      }
    },
  },
  'looks-for-403': {
    promise: 'a bakeform that exists is refused with 403',
    async check(world) {
      const { code } = await world.refused(CALLS.uploadBakeform('tiny', world.rack.image), 403);
      assert.equal(code, 'bakeform-exists');
    },
  },
  'password-in-url': {
    promise: 'a token is taken as the password of whatever user',
    async check({ bakery: { base, token }, must }) {
      const call = CALLS.listDisks();
      for (const user of ['cpi', '', 'admin@lab']) await must(call, new GoClient(base, `${user}:${token}`));
      for (const userInfo of [undefined, 'cpi', 'cpi:', `${token}:`, `cpi:${token}x`]) {
        const answer = await new GoClient(base, userInfo).do(call);
        assert.equal(answer.status, 401, userInfo ?? 'none');
      }
    },
  },
  'keeps-connections': {
    promise: 'an idle connection stays open for longer than the client keeps it',
    async check(world) {
      const { headers } = await world.go.do(CALLS.listDisks());
      const seconds = Number(/^timeout=(\d+)$/.exec(headers.get('keep-alive') ?? '')?.[1]);
      assert.ok(seconds > 90, headers.get('keep-alive'));
    },
  },
  'unbakes-again': {
    promise: 'an unbake of a Pi in the fridge, or on its way there, is 200',
    async check(world) {
      const { id } = await world.vm();
      const off = Promise.withResolvers<void>();
      world.rack.slow.set(id, off.promise);
      for (let times = 0; times < 3; times++) await world.must(CALLS.unbakePi(id));
      off.resolve();
      world.rack.slow.delete(id);
      await world.polled(id, 1);
      await world.must(CALLS.unbakePi(id));
    },
  },
  'attaches-again': {
    promise: 'an attach of what is attached is 200, and a detach of what is not',
    async check(world) {
      const [{ id }, disk] = [await world.vm(), await world.disk()];
      for (let times = 0; times < 3; times++) await world.must(CALLS.attachDisk(id, disk.id));
      assert.equal((await world.must<GoPi>(CALLS.getPi(id))).disks?.length, 2);
      for (let times = 0; times < 3; times++) await world.must(CALLS.detachDisk(id, disk.id));
      assert.equal((await world.must<GoPi>(CALLS.getPi(id))).disks?.length, 1);
      await world.must(CALLS.deleteDisk(disk.id));
      await world.giveBack(id);
    },
  },
  'deletes-disk-again': {
    promise: 'a delete of a disk that is not there, or never was, is 200',
    async check(world) {
      const { id } = await world.disk();
      for (const disk of [id, id, '00000000-0000-4000-8000-000000000000', 'no-such-disk']) {
        await world.must(CALLS.deleteDisk(disk));
      }
    },
  },
  'takes-2-for-has-vm': {
    promise: 'a Pi that is being baked or unbaked has status 3',
    async check(world) {
      const picked = await world.must<GoPi>(CALLS.bakePi('tiny'));
      assert.equal(picked.status, 3);
      await world.polled(picked.id, 2);
      const off = Promise.withResolvers<void>();
      world.rack.slow.set(picked.id, off.promise);
      await world.must(CALLS.unbakePi(picked.id));
      assert.equal((await world.must<GoPi>(CALLS.getPi(picked.id))).status, 3);
      off.resolve();
      world.rack.slow.delete(picked.id);
      await world.polled(picked.id, 1);
    },
  },
  'reads-error': {
    promise: 'a refusal has its text in the member error',
    async check(world) {
      const { error } = await world.refused(CALLS.getPi('ffffffff'), 404);
      assert.equal(error, 'there is no Pi ffffffff');
    },
  },
  'no-free-pi-is-404': {
    promise: 'a bake without a free Pi is 404 in the words of the original, one of an unknown bakeform 400',
    async check(world) {
      for (const _serial of world.rack.serials) await world.must(CALLS.bakePi('tiny'));
      const { error } = await world.refused(CALLS.bakePi('tiny'), 404);
      assert.equal(error, 'no available Pi found');
      await world.refused(CALLS.bakePi('none'), 400);
      await world.giveBack(...world.rack.serials);
    },
  },
  'relay-without-token': {
    promise: 'HookTFTP gets boot files without a token, and what it asks for is in the fridge from then on',
    async check(world) {
      const hook = new GoClient(world.bakery.base);
      assert.equal((await hook.do(CALLS.getBootFile('0060cd37', 'start.elf'))).status, 404);
      const fridge = await world.must<Readonly<Record<string, GoPi>>>(CALLS.listFridge());
      assert.equal(fridge['0060cd37']?.id, '0060cd37', 'leading zeros are kept');
      const { id } = await world.vm();
      assert.equal((await hook.do(CALLS.getBootFile(id, 'kernel8.img'))).status, 200);
      await world.giveBack(id);
      hook.close();
    },
  },
};

export const quirkTest = (name: QuirkName, promise: string) => `quirk ${name}: ${promise}`;

/** One test for each quirk. */
export function legacyQuirks(of: () => LegacyWorld): void {
  for (const [name, { promise, check }] of Object.entries(QUIRK_TESTS)) {
    test(quirkTest(name as QuirkName, promise), () => check(of()));
  }
}
