import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LeftOut } from './power-suite-faults.ts';
import type { Make } from './switch-bench.ts';
import { type Call, call, faultOf, holdsNoSecret, never, openSockets, soon } from './switch-expect.ts';

/** What follows from what a device does not have: nothing of it is just not looked at. */
export function factsOf(make: Make, calls: readonly Call[], has: (what: LeftOut) => boolean): void {
  if (!has('wrong credential')) {
    test('a wrong credential, if there is any, looks like other failures, changes nothing, and is told to nobody', async (t) => {
      const bench = await make(t);
      // Whoever has no credential has none that is wrong.
      if (bench.secrets.length === 0) return assert.equal(bench.wrongSays, undefined);
      const logged: string[] = [];
      const device = bench.open('wrong', logged);
      t.after(() => device.close?.());
      for (const name of calls) {
        const fault = await faultOf(bench, soon(call(device, name, bench, never), name));
        assert.equal(fault.severity, 'retryable');
        assert.match(fault.message, bench.wrongSays ?? assert.fail());
      }
      assert.deepEqual(await bench.changes(), []);
      holdsNoSecret(bench, logged.join('\n'));
    });
  }

  if (!has('query')) {
    test('cannot read back: it tells no state at all, and who says that it is done is believed', async (t) => {
      const { device, ports, behaviours, farEnd, gives, changes } = await make(t);
      assert.deepEqual([device.query, device.survey], [undefined, undefined]);
      if (!behaviours.includes('ignores')) return;
      await farEnd('ignores');
      await device.set(new Map([[ports[0], 'on']]), never);
      assert.equal(await gives(ports[0]), 'off');
      assert.deepEqual(await changes(), [`on ${ports[0]}`]);
    });
  }

  if (!has('refusing')) {
    test('asks nobody who could fail: each call is done at once, without a connection', async (t) => {
      const bench = await make(t);
      const before = openSockets();
      let turns = 0;
      const counting = setInterval(() => turns++, 0);
      for (const name of calls) await call(bench.device, name, bench, never);
      clearInterval(counting);
      assert.deepEqual([turns, openSockets()], [0, before]);
    });
  }

  if (!has('no such port')) {
    test('any port is as good as another: there is none that is not there', async (t) => {
      const { device, gives } = await make(t);
      await device.set(new Map([['0badc0de', 'on']]), never);
      assert.equal(await gives('0badc0de'), 'on');
    });
  }
}
