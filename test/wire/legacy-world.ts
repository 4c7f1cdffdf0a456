import assert from 'node:assert/strict';
import type { RunningBakery } from '../lab/bakery.ts';
import { CALLS, type GoAnswer, GoClient, type GoDisk, type GoPi } from '../lab/go-bakery-client.ts';
import type { GoCall } from '../lab/go-wire.ts';
import { misfits, readContract } from '../lab/legacy-contract.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { makeSlowPrograms, type SlowPrograms } from '../lab/slow-programs.ts';

const BASE = '/api/v1';
const contract = readContract();

/** What an answer to a call must be, by the contract. */
function promised({ method, path }: GoCall) {
  const found = Object.entries(contract.calls).find(([name]) => {
    const pattern = name.replaceAll(/\{filename\}/g, '.+').replaceAll(/\{[^}]*\}/g, '[^/]+');
    return new RegExp(`^${pattern}$`).test(`${method} ${BASE}${path}`);
  });
  assert.ok(found, `the contract has no ${method} ${path}`);
  return found[1];
}

/** A server started by main.ts, Pis on a power switch, and the Go client. */
export interface LegacyWorld {
  readonly rack: Rack;
  readonly slow: SlowPrograms;
  bakery: RunningBakery;
  /** With one connection that is kept, and the token in its URL. */
  go: GoClient;
  /** Makes a call that must succeed: with the one code, the members and the headers of the contract. */
  must<T>(call: GoCall, client?: GoClient): Promise<T>;
  /** Makes a call that must be refused with this status. */
  refused(call: GoCall, status: number): Promise<{ readonly error: string; readonly code: string }>;
  /** A Pi of the bakeform `tiny`, waited for as the client does it. */
  vm(): Promise<GoPi>;
  disk(): Promise<GoDisk>;
  /** Waits until a Pi has that status. */
  polled(pi: string, status: number): Promise<GoPi>;
  /** Gives Pis back, and waits until they are in the fridge. */
  giveBack(...pis: readonly string[]): Promise<void>;
  restart(how: 'stop' | 'kill'): Promise<void>;
  close(): Promise<void>;
}

/** A disk without the members that the Go client does not know. */
export function asGoKnowsIt({ id, location, size, nfsAddress }: GoDisk): GoDisk {
  return { id, location, size, nfsAddress };
}

/** Builds one. Needs a namespace of its own (namespace.ts). */
export async function makeLegacyWorld(pis: number): Promise<LegacyWorld> {
  const rack = await makeRack(pis);
  const slow = makeSlowPrograms(['tune2fs', 'mkfs.ext4', 'umount', 'dumpe2fs']);
  const bakery = await rack.start();
  const clientOf = ({ base, token }: RunningBakery) => new GoClient(base, `cpi:${token}`);
  const world: LegacyWorld = {
    rack,
    slow,
    bakery,
    go: clientOf(bakery),
    async must<T>(call: GoCall, client = world.go) {
      const answer = await client.do(call);
      const { status, answer: shape } = promised(call);
      assert.equal(answer.status, status, `${call.method} ${call.path}: ${answer.bytes}`);
      // We could; a client that asks for it by itself would unpack it. But nothing here is worth it.
      assert.equal(answer.headers.get('content-encoding'), undefined);
      if (shape) assert.deepEqual(misfits(shape, answer.body, contract), []);
      return answer.body as T;
    },
    async refused(call, status) {
      const answer: GoAnswer = await world.go.do(call);
      assert.equal(answer.status, status, `${call.method} ${call.path}: ${answer.bytes}`);
      return answer.body;
    },
    async polled(pi, status) {
      for (let tries = 0; tries < 600; tries++) {
        const found = await world.must<GoPi>(CALLS.getPi(pi));
        if (found.status === status) return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`Pi ${pi} never came to status ${status}`);
    },
    async vm() {
      const { id } = await world.must<GoPi>(CALLS.bakePi('tiny'));
      return world.polled(id, 2);
    },
    disk: async () => asGoKnowsIt(await world.must<GoDisk>(CALLS.createDisk(4))),
    async giveBack(...given) {
      for (const pi of given) await world.must(CALLS.unbakePi(pi));
      for (const pi of given) await world.polled(pi, 1);
    },
    async restart(how) {
      await world.bakery[how]();
      world.go.close();
      world.bakery = await rack.start();
      world.go = clientOf(world.bakery);
    },
    async close() {
      world.go.close();
      slow.close();
      await rack.close(world.bakery);
    },
  };
  await world.must(CALLS.uploadBakeform('tiny', rack.image));
  for (const serial of rack.serials) await register(world.bakery, serial);
  return world;
}
