import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import { exec } from '../../core/host/exec.ts';
import type { OffOutcome, PowerReach } from '../../server/power/driver.ts';
import { createPowerDriver, POWER_DRIVER_NAMES, type PowerDriverName } from '../../server/power/registry.ts';
import { createPowerService } from '../../server/power/service.ts';
import {
  type ConfiguredBench,
  type DriverBench,
  folderFor,
  logInto,
  manualBench,
  NEW,
  PI,
  ppiBench,
  simplewebBench,
} from './power-benches.ts';
import { powerSuite } from './power-suite.ts';
import type { LeftOut } from './power-suite-faults.ts';
import type { Make } from './switch-bench.ts';
import { faultOf, never } from './switch-expect.ts';

/** One call is for one Pi, and none of these can be asked how a Pi is: what lags is not seen. */
const NEVER_TOLD: readonly LeftOut[] = ['several ports', 'query', 'survey', 'lags'];
const ASKS_NOBODY: readonly LeftOut[] = ['silent', 'half-dead', 'refusing', 'busy', 'broken', 'forgets', 'ignores'];

interface Row<Bench extends DriverBench = DriverBench> {
  readonly make: Make<Bench>;
  readonly leavesOut: readonly LeftOut[];
  readonly reach: PowerReach;
  readonly off: OffOutcome;
}

const CONFIGURED: Record<string, Row<ConfiguredBench>> = {
  simpleweb: { make: simplewebBench, leavesOut: NEVER_TOLD, reach: 'port', off: 'off' },
  // Why a program fails is known to nobody but it.
  ppi: { make: ppiBench, leavesOut: [...NEVER_TOLD, 'wrong credential'], reach: 'port', off: 'off' },
};

const DRIVERS: Record<string, Row> = {
  ...CONFIGURED,
  manual: {
    make: manualBench,
    leavesOut: [...NEVER_TOLD, ...ASKS_NOBODY, 'wrong credential', 'no such port'],
    reach: 'by-hand',
    off: 'unconfirmed',
  },
};

test('every driver has a place in this suite', () => {
  assert.deepEqual(Object.keys(DRIVERS).sort(), [...POWER_DRIVER_NAMES].sort());
});

for (const [name, { make, leavesOut, reach, off }] of Object.entries(DRIVERS)) {
  powerSuite(`power driver ${name}`, make, { leavesOut }, () => {
    test('says how it reaches a Pi and what its off is worth, and tells the service no state', async (t) => {
      const { driver } = await make(t);
      assert.deepEqual([driver.name, driver.reach(PI)], [name, reach]);
      assert.equal(await driver.off(PI, never), off);
      const service = createPowerService({ driver, clock: systemClock, log: logInto([]) });
      assert.equal(await service.observe(PI), undefined);
    });
  });
}

for (const [name, { make }] of Object.entries(CONFIGURED)) {
  describe(`the configuration of the power driver ${name}`, () => {
    test('a Pi that it does not list is out of reach, and is not switched, until it lists it', async (t) => {
      const bench = await make(t);
      const { driver, configure, changes } = bench;
      assert.equal(driver.reach(PI), 'port');
      assert.equal(driver.reach(NEW), 'none');
      const fault = await faultOf(bench, driver.off(NEW, never));
      assert.deepEqual([fault.severity, fault.message], ['fatal', `Pi ${NEW} is in no piList`]);
      await configure('new-pi');
      assert.equal(driver.reach(NEW), 'port');
      await driver.on(NEW, never);
      assert.deepEqual(await changes(), [`on ${NEW}`]);
    });

    test('when it disappears the old one stays in force, and it is told once', async (t) => {
      const { driver, configure, logged } = await make(t);
      await configure('gone');
      assert.equal(driver.reach(PI), 'port');
      assert.equal(driver.reach(NEW), 'none');
      assert.equal(logged.length, 1);
    });

    test('without it the driver is not made', async (t) => {
      const folder = await folderFor(t);
      for (const ppiConfigPath of [undefined, join(folder, 'nothing')]) {
        const driver = name as PowerDriverName;
        assert.throws(
          () => createPowerDriver({ driver, ppiPath: '/bin/true', ppiConfigPath, exec, log: logInto([]) }),
          (error) => error instanceof BakeryError && error.code === 'power-config',
        );
      }
    });
  });
}
