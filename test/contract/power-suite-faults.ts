import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { inspect } from 'node:util';
import { systemClock } from '../../core/host/clock.ts';
import { bounded, PowerTimeout } from '../../server/power/bounded.ts';
import type { FarEnd, Make } from './switch-bench.ts';
import {
  abortedCall,
  type Call,
  call,
  eachCallFails,
  faultOf,
  holdsNoSecret,
  never,
  openSockets,
  socketsFall,
  soon,
} from './switch-expect.ts';

/** Limits of a call, in ms: long enough to be under way, and to let go. */
const CALL_MS = 60;
const SETTLE_MS = 3_000;

/** What a device may not have: `wrong credential` says that one is wrong, and not just that it fails. Anything else is a promise of all. */
export type LeftOut =
  | Exclude<FarEnd, 'works'>
  | 'wrong credential'
  | 'several ports'
  | 'no such port'
  | 'query'
  | 'survey';

/** Adds a test, unless one of its needs is left out. */
export type Promising = (needs: readonly LeftOut[], title: string, run: (t: TestContext) => Promise<void>) => void;

/** What all promise of a device that is not there, not well, or not for us; `calls` are those that it has. */
export function faultPromises(make: Make, calls: readonly Call[], promise: Promising): void {
  promise(
    ['wrong credential'],
    'a wrong credential is a final fault, changes nothing, and is told to nobody',
    async (t) => {
      const bench = await make(t);
      const logged: string[] = [];
      const device = bench.open('wrong', logged);
      t.after(() => device.close?.());
      for (const name of calls) {
        const fault = await faultOf(bench, soon(call(device, name, bench, never), name));
        assert.equal(fault.severity, 'fatal', `${name}: ${fault.message}`);
      }
      assert.deepEqual(await bench.changes(), []);
      holdsNoSecret(bench, logged.join('\n'));
      holdsNoSecret(bench, inspect(device, { depth: 4 }));
    },
  );

  promise([], 'a call that was aborted before it began does nothing', async (t) => {
    const bench = await make(t);
    const reason = new Error('enough');
    for (const name of calls) {
      const calling = soon(call(bench.device, name, bench, AbortSignal.abort(reason)), name);
      await assert.rejects(calling, (error) => error === reason);
    }
    assert.deepEqual(await bench.changes(), []);
  });

  for (const farEnd of ['silent', 'half-dead'] as const) {
    promise([farEnd], `aborted, it ends soon with the signal's reason and leaves no socket (${farEnd})`, async (t) => {
      const bench = await make(t);
      const before = openSockets();
      const device = bench.open('right', []);
      await bench.farEnd(farEnd);
      for (const name of [...calls, ...calls, ...calls]) await abortedCall(bench, device, name);
      // One connection, of which both ends may be in this process, may be kept for the next call.
      await socketsFall(before + 2, 'after all calls were aborted');
      await bench.farEnd('works');
      await call(device, 'set', bench, never);
      assert.equal(await bench.gives(bench.ports[0]), 'on');
      device.close?.();
      await socketsFall(before, 'closed');
    });
  }

  for (const farEnd of ['silent', 'half-dead'] as const) {
    promise(
      [farEnd],
      `what does not answer is given up at the limit of a call, and may work then (${farEnd})`,
      async (t) => {
        const bench = await make(t);
        await bench.farEnd(farEnd);
        const limits = { callTimeoutMs: CALL_MS, settleMs: SETTLE_MS, clock: systemClock, signal: undefined };
        for (const name of calls) {
          const limited = bounded((signal) => call(bench.device, name, bench, signal), limits);
          await assert.rejects(soon(limited, name), (error) => error instanceof PowerTimeout);
        }
        await bench.farEnd('works');
        for (const name of calls) await call(bench.device, name, bench, never);
        assert.equal(await bench.gives(bench.ports[0]), 'on');
      },
    );
  }

  for (const farEnd of ['refusing', 'busy'] as const) {
    promise([farEnd], `what may work in a moment is worth another try, and works then (${farEnd})`, async (t) => {
      const bench = await make(t);
      await eachCallFails(bench, calls, { farEnd, severity: 'retryable' });
      assert.equal(await bench.gives(bench.ports[0]), 'off');
      await bench.farEnd('works');
      for (const name of calls) await call(bench.device, name, bench, never);
      assert.equal(await bench.gives(bench.ports[0]), 'on');
    });
  }

  promise(['broken'], 'an answer that is none is a fault, and no state', async (t) => {
    const bench = await make(t);
    await eachCallFails(bench, calls, { farEnd: 'broken' });
    await bench.farEnd('works');
    await call(bench.device, 'set', bench, never);
  });

  promise(['forgets'], 'a device that has restarted is switched all the same, with one more try at most', async (t) => {
    const { device, ports, gives, changes, farEnd } = await make(t);
    const [port] = ports;
    await device.set(new Map([[port, 'on']]), never);
    for (const power of ['off', 'on'] as const) {
      await farEnd('forgets');
      const before = (await changes()).length;
      await device.set(new Map([[port, power]]), never);
      assert.equal(await gives(port), power);
      const tries = (await changes()).slice(before);
      assert.deepEqual([...new Set(tries)], [`${power} ${port}`]);
      assert.ok(tries.length <= 2, tries.join());
    }
    await farEnd('forgets');
    if (device.query) assert.equal((await device.query([port], never)).get(port), 'on');
    await farEnd('forgets');
    await device.survey?.(never);
  });
}
