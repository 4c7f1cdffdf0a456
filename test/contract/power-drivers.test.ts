import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { exec } from '../../core/host/exec.ts';
import type { FaultSeverity } from '../../server/power/driver.ts';
import { createPowerDriver, POWER_DRIVER_NAMES } from '../../server/power/registry.ts';
import {
  type Bench,
  faultOf,
  folderFor,
  logInto,
  NEW,
  never,
  PI,
  ppiBench,
  simplewebBench,
  UNBOUND,
} from './power-benches.ts';

interface Expectations {
  readonly make: (t: TestContext) => Promise<Bench>;
  readonly port: string;
  readonly wrongAnswer: FaultSeverity;
}

const SWITCHING: Record<string, Expectations> = {
  simpleweb: { make: simplewebBench, port: '3', wrongAnswer: 'fatal' },
  ppi: { make: ppiBench, port: PI, wrongAnswer: 'retryable' },
};

test('every driver has a place in this suite', () => {
  assert.deepEqual([...Object.keys(SWITCHING), 'manual'].sort(), [...POWER_DRIVER_NAMES].sort());
});

for (const [name, { make, port, wrongAnswer }] of Object.entries(SWITCHING)) {
  describe(`power driver ${name}`, () => {
    test('switches on and off, each as often as it is asked', async (t) => {
      const { driver, seen } = await make(t);
      assert.equal(driver.name, name);
      await driver.on(PI, never);
      await driver.on(PI, never);
      assert.equal(await driver.off(PI, never), 'off');
      assert.deepEqual(await seen(), [`on ${port}`, `on ${port}`, `off ${port}`]);
    });

    test('a switch that is busy is worth another try', async (t) => {
      const { driver, farEnd } = await make(t);
      await farEnd('busy');
      assert.equal((await faultOf(driver.on(PI, never))).severity, 'retryable');
      await farEnd('works');
      await driver.on(PI, never);
    });

    test('an answer that is not exactly ok is a failure', async (t) => {
      const { driver, farEnd } = await make(t);
      await farEnd('wrong-answer');
      const fault = await faultOf(driver.off(PI, never));
      assert.equal(fault.severity, wrongAnswer);
      assert.match(fault.message, /ok/);
    });

    for (const behaviour of ['hangs', 'half-dead'] as const) {
      test(`aborted, it ends soon, with the signal's reason (far end: ${behaviour})`, async (t) => {
        const { driver, farEnd, seen } = await make(t);
        await farEnd(behaviour);
        const abort = new AbortController();
        const reason = new Error('enough');
        const call = driver.on(PI, abort.signal);
        call.catch(() => undefined);
        while ((await seen()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
        await new Promise((resolve) => setTimeout(resolve, 50));
        const before = Date.now();
        abort.abort(reason);
        await assert.rejects(call, (error) => error === reason);
        assert.ok(Date.now() - before < 3_000);
      });
    }

    test('a Pi that its configuration does not list is out of reach, until the configuration lists it', async (t) => {
      const { driver, configure } = await make(t);
      assert.equal(driver.reach(PI), 'port');
      assert.equal(driver.reach(UNBOUND), 'none');
      assert.equal(driver.reach(NEW), 'none');
      await configure('new-pi');
      assert.equal(driver.reach(NEW), 'port');
      await driver.on(NEW, never);
    });

    test('a configuration that disappears leaves the old one in force and is told once', async (t) => {
      const { driver, configure, logged } = await make(t);
      await configure('gone');
      assert.equal(driver.reach(PI), 'port');
      assert.equal(driver.reach(UNBOUND), 'none');
      assert.equal(logged.length, 1);
    });

    test('without its configuration it is not made', async (t) => {
      const folder = await folderFor(t);
      for (const ppiConfigPath of [undefined, join(folder, 'nothing')]) {
        const settings = { driver: name as 'ppi', ppiPath: '/bin/true', ppiConfigPath, exec, log: logInto([]) };
        assert.throws(
          () => createPowerDriver(settings),
          (error) => error instanceof BakeryError && error.code === 'power-config',
        );
      }
    });
  });
}

describe('power driver manual', () => {
  test('asks a person and confirms nothing', async () => {
    const logged: string[] = [];
    const driver = createPowerDriver({ driver: 'manual', exec, log: logInto(logged) });
    assert.equal(driver.reach(PI), 'by-hand');
    await driver.on(PI, never);
    assert.equal(await driver.off(PI, never), 'unconfirmed');
    assert.deepEqual(logged, ['please switch this Pi on by hand', 'please switch this Pi off by hand']);
  });
});
