import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { factsOf } from './power-suite-facts.ts';
import { faultPromises, type LeftOut, type Promising } from './power-suite-faults.ts';
import type { Make, PowerBench } from './switch-bench.ts';
import { type Call, faultOf, holdsNoSecret, never, openSockets, socketsFall } from './switch-expect.ts';

const BEHAVIOURS = ['silent', 'half-dead', 'refusing', 'busy', 'broken', 'forgets', 'lags', 'ignores'] as const;

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/**
 * What all promise that switch power: kinds of switches, and the drivers of Pis, whose Pis are the ports here. `leavesOut` is the row of the caller: what
 * neither its device nor its bench has. A bench that has more or less than the row says fails, and what follows from each thing that is
 * missing is a promise, too (power-suite-facts.ts). `more` adds tests.
 */
export function powerSuite<Bench extends PowerBench>(
  name: string,
  make: Make<Bench>,
  { leavesOut = [] }: { readonly leavesOut?: readonly LeftOut[] },
  more: () => void = () => undefined,
): void {
  const has = (what: LeftOut) => !leavesOut.includes(what);
  const calls: Call[] = ['set', ...(['query', 'survey'] as const).filter(has)];
  const promise: Promising = (needs, title, run) => {
    if (needs.every(has)) test(title, run);
  };

  describe(name, () => {
    test(`leaves out: ${[...leavesOut].sort().join(', ') || 'nothing'}`, async (t) => {
      const { device, batches, secrets, wrongSays, missing: noPort, behaviours } = await make(t);
      const missing = new Set<LeftOut>(BEHAVIOURS.filter((what) => !behaviours.includes(what)));
      if (secrets.length === 0 || wrongSays) missing.add('wrong credential');
      if (!batches) missing.add('several ports');
      if (noPort === undefined) missing.add('no such port');
      if (!device.query) missing.add('query');
      if (!device.survey) missing.add('survey');
      assert.deepEqual([...missing].sort(), [...leavesOut].sort());
    });

    more();

    test('opens without a connection, and is closed twice without harm', async (t) => {
      const bench = await make(t);
      const before = openSockets();
      const device = bench.open('right', []);
      assert.ok(openSockets() <= before);
      device.close?.();
      device.close?.();
      await socketsFall(before, 'closed');
    });

    test('switches a port on and off and no other, and repeating it interrupts nothing', async (t) => {
      const { device, ports, gives, changes } = await make(t);
      const [port, other] = ports;
      assert.deepEqual([await gives(port), await gives(other)], ['off', 'off']);
      for (const power of ['on', 'on', 'off', 'off', 'on'] as const) {
        await device.set(new Map([[port, power]]), never);
        assert.deepEqual([await gives(port), await gives(other)], [power, 'off']);
      }
      const told = (await changes()).filter((change, i, all) => change !== all[i - 1]);
      assert.deepEqual(told, [`on ${port}`, `off ${port}`, `on ${port}`]);
    });

    promise(['several ports'], 'switches several ports in one call, each its own way', async (t) => {
      const { device, ports, gives } = await make(t);
      const [first, second] = ports;
      const now = () => Promise.all(ports.map(gives));
      await device.set(new Map(ports.map((port) => [port, 'on'] as const)), never);
      assert.deepEqual(await now(), ['on', 'on']);
      await device.set(
        new Map([
          [first, 'off'],
          [second, 'on'],
        ]),
        never,
      );
      assert.deepEqual(await now(), ['off', 'on']);
      await device.set(new Map(ports.map((port) => [port, 'off'] as const)), never);
      assert.deepEqual(await now(), ['off', 'off']);
    });

    promise(['query'], 'reads back what each port gives', async (t) => {
      const { device, ports } = await make(t);
      const read = async () => {
        const answer = await device.query?.(ports, never);
        return ports.map((port) => answer?.get(port));
      };
      assert.deepEqual(await read(), ['off', 'off']);
      await device.set(new Map([[ports[1], 'on']]), never);
      assert.deepEqual(await read(), ['off', 'on']);
    });

    promise(['survey'], 'surveys all ports with their power, in words that other calls take', async (t) => {
      const bench = await make(t);
      const { device, ports } = bench;
      await device.set(new Map([[ports[1], 'on']]), never);
      const survey = (await device.survey?.(never)) ?? assert.fail();
      assert.notEqual(survey.description.trim(), '');
      const power = new Map(survey.ports.map((reading) => [reading.port, reading.power]));
      assert.deepEqual(
        ports.map((port) => power.get(port)),
        ['off', 'on'],
      );
      assert.equal(power.size, survey.ports.length, 'each port once');
      for (const { macs = [], milliwatts = 0 } of survey.ports) {
        assert.ok(milliwatts >= 0 && macs.length <= 64);
        for (const mac of macs) assert.match(mac, MAC);
      }
      if (survey.budget) assert.ok(survey.budget.limitMilliwatts > 0 && survey.budget.usedMilliwatts >= 0);
      holdsNoSecret(bench, survey);
    });

    promise(
      ['no such port'],
      'a port that is not there is a final fault, is never off, and leaves the others as they are',
      async (t) => {
        const bench = await make(t);
        const { device, ports, missing = assert.fail(), gives } = bench;
        await device.set(new Map([[ports[0], 'on']]), never);
        const fault = await faultOf(bench, device.set(new Map([[missing, 'off']]), never));
        assert.equal(fault.severity, 'fatal', fault.message);
        if (has('several ports')) {
          const changes = new Map([ports[1], missing].map((port) => [port, 'off'] as const));
          assert.equal((await faultOf(bench, device.set(changes, never))).severity, 'fatal');
        }
        assert.deepEqual([await gives(ports[0]), await gives(ports[1])], ['on', 'off']);
        if (!device.query) return;
        const reading = device.query([missing], never);
        const read = await reading.catch(() => faultOf(bench, reading));
        assert.ok(read instanceof Error || (read.get(missing) ?? 'unknown') === 'unknown');
      },
    );

    promise(['query', 'lags'], 'reads back what the device says, also when that comes late', async (t) => {
      const { device, ports, gives, farEnd } = await make(t);
      const [port] = ports;
      await farEnd('lags');
      await device.set(new Map([[port, 'on']]), never);
      assert.equal(await gives(port), 'on');
      assert.equal((await device.query?.([port], never))?.get(port), 'off');
    });

    promise(
      ['query', 'ignores'],
      'reads back what the device says, also when it did not do as it was told',
      async (t) => {
        const bench = await make(t);
        const { device, ports, gives, farEnd } = bench;
        const [port] = ports;
        await farEnd('ignores');
        // A device whose answer shows it may be believed at once.
        const setting = device.set(new Map([[port, 'on']]), never);
        await setting.catch(() => faultOf(bench, setting));
        assert.equal(await gives(port), 'off');
        assert.equal((await device.query?.([port], never))?.get(port), 'off');
      },
    );

    faultPromises(make, calls, promise);
    factsOf(make, calls, has);
  });
}
