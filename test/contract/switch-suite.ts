import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import type { MakeSwitchBench } from './switch-bench.ts';
import { type Call, faultOf, holdsNoSecret, never, openSockets, partsFor, socketsFall } from './switch-expect.ts';
import { faultPromises, type LeftOut, type Promising } from './switch-suite-faults.ts';

const BEHAVIOURS = ['silent', 'half-dead', 'refusing', 'busy', 'broken', 'forgets', 'lags', 'ignores'] as const;

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/**
 * What each kind of switch promises. `leavesOut` is the row of the caller: what neither its device nor its bench has. A bench
 * that has more or less than the row says fails.
 */
export function switchSuite(
  name: string,
  make: MakeSwitchBench,
  { leavesOut = [] }: { readonly leavesOut?: readonly LeftOut[] } = {},
): void {
  const has = (what: LeftOut) => !leavesOut.includes(what);
  const calls: Call[] = ['set', ...(['query', 'survey'] as const).filter(has)];
  const promise: Promising = (needs, title, run) => {
    if (needs.every(has)) test(title, run);
  };

  describe(`switch kind ${name}`, () => {
    test(`leaves out: ${[...leavesOut].sort().join(', ') || 'nothing'}`, async (t) => {
      const { kind, device, wrong, behaviours } = await make(t);
      const missing = new Set<LeftOut>(BEHAVIOURS.filter((what) => !behaviours.includes(what)));
      if (!wrong) missing.add('wrong credential');
      if (!kind.batches) missing.add('several ports');
      if (!device.query) missing.add('query');
      if (!device.survey) missing.add('survey');
      assert.deepEqual([...missing].sort(), [...leavesOut].sort());
    });

    test('has a name, a title and flat settings that can be written down, and refuses what it does not know', async (t) => {
      const bench = await make(t);
      const { kind, settings } = bench;
      assert.match(kind.name, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      assert.match(kind.title, /^\S.{3,118}\S$/);
      assert.ok(kind.readBackMs >= 0);
      z.toJSONSchema(kind.settings, { io: 'input' });
      const members = Object.keys(kind.settings.shape);
      for (const secret of kind.secrets) assert.ok(members.includes(secret), `there is no setting ${secret}`);
      const parsed = kind.settings.parse(settings);
      for (const value of Object.values(parsed)) assert.match(typeof value, /^(string|number|boolean|undefined)$/);
      assert.deepEqual(kind.settings.parse(JSON.parse(JSON.stringify(parsed))), parsed);
      const { log, clock } = partsFor([]);
      for (const wrong of [{ ...settings, nonsense: 'x' }, {}, undefined]) {
        assert.throws(
          () => kind.open(wrong, { log, clock }),
          (error) => {
            holdsNoSecret(bench, error);
            return true;
          },
        );
      }
    });

    test('opens without a connection, and is closed twice without harm', async (t) => {
      const { kind, settings } = await make(t);
      const before = openSockets();
      const device = kind.open(settings, partsFor([]));
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

    test('a port that is not there is a final fault, is never off, and leaves the others as they are', async (t) => {
      const bench = await make(t);
      const { device, ports, missing, gives } = bench;
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
    });

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
  });
}
