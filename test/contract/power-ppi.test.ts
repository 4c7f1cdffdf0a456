import assert from 'node:assert/strict';
import { chmod, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import { exec } from '../../core/host/exec.ts';
import type { PiId } from '../../core/ids.ts';
import type { PowerDriver } from '../../server/power/driver.ts';
import { createPowerDriver } from '../../server/power/registry.ts';
import { createPowerService } from '../../server/power/service.ts';
import { folderFor, logInto, PI } from './power-benches.ts';
import { faultOf, never } from './switch-expect.ts';

const bench = { secrets: ['s@crit/of the pdu'] };

describe('power driver ppi, its own', () => {
  async function driverFor(t: TestContext, script: string, config = 'not json'): Promise<[PowerDriver, string]> {
    const folder = await folderFor(t);
    const ppiPath = join(folder, 'ppi');
    const ppiConfigPath = join(folder, 'config');
    await writeFile(ppiPath, script);
    await chmod(ppiPath, 0o755);
    await writeFile(ppiConfigPath, config);
    return [createPowerDriver({ driver: 'ppi', ppiPath, ppiConfigPath, exec, log: logInto([]) }), ppiPath];
  }
  const reachOf = async (t: TestContext, config: string, pi: PiId) =>
    (await driverFor(t, '#!/bin/sh\n', config))[0].reach(pi);

  test('reaches every Pi when its configuration lists none', async (t) => {
    assert.equal(await reachOf(t, 'key = value', PI), 'port');
    assert.equal(await reachOf(t, '{"piList": null}', PI), 'port');
    assert.equal(await reachOf(t, '{"piList": {}}', PI), 'none');
  });

  test('a program that exits with a failure is quoted', async (t) => {
    const [driver] = await driverFor(t, '#!/bin/sh\nprintf ok\necho port 3 is locked >&2\nexit 4\n');
    const fault = await faultOf(bench, driver.on(PI, never));
    assert.match(fault.message, /exit 4.*okport 3 is locked/s);
  });

  test('neither what it is ended for nor what it says tells the password of a switch, whatever its spelling', async (t) => {
    const config = (url: string) => JSON.stringify({ piList: { [PI]: { url } } });
    for (const url of ['http://pdu:s%40crit%2Fof%20the%20pdu@192.0.2.1', 'http://pdu:100%of@192.0.2.1']) {
      for (const end of ['exit 1', 'kill -9 $$']) {
        const [driver] = await driverFor(
          t,
          `#!/bin/sh\ncat "$2" >&2\necho 's@crit/of the pdu 100%of' >&2\n${end}\n`,
          config(url),
        );
        const { message } = await faultOf({ secrets: [] }, driver.on(PI, never));
        assert.match(message, /piList/);
        assert.doesNotMatch(message, url.includes('s%40crit') ? /crit/ : /100%of|100%25of/);
      }
    }
  });

  test('a program that does not read its input may still succeed', async (t) => {
    const [driver] = await driverFor(t, '#!/bin/sh\nexec 0<&-\nprintf ok\n');
    await driver.on(PI, never);
  });

  test('a program that leaves a child behind with its output open does not outlast the limit of a call', async (t) => {
    const [driver] = await driverFor(t, '#!/bin/sh\nsleep 3\nprintf ok\n');
    const settings = { callTimeoutMs: 200, settleMs: 100, retryDelaysMs: [] };
    const service = createPowerService({ driver, clock: systemClock, log: logInto([]), settings });
    const before = Date.now();
    await assert.rejects(service.on(PI), (error) => error instanceof BakeryError && error.code === 'power-timeout');
    assert.ok(Date.now() - before < 2_000);
  });

  test('a program ended by a signal is a failure', async (t) => {
    const [driver] = await driverFor(t, '#!/bin/sh\nprintf ok\nkill -9 $$\n');
    assert.equal((await faultOf(bench, driver.on(PI, never))).severity, 'retryable');
  });

  test('a program that is gone or not executable is fatal, and at the start stops it', async (t) => {
    const [driver, ppiPath] = await driverFor(t, '#!/bin/sh\nprintf ok\n');
    await chmod(ppiPath, 0o644);
    assert.equal((await faultOf(bench, driver.on(PI, never))).severity, 'fatal');
    await unlink(ppiPath);
    assert.equal((await faultOf(bench, driver.off(PI, never))).severity, 'fatal');
    const settings = { driver: 'ppi', ppiPath, ppiConfigPath: '/dev/null', exec, log: logInto([]) } as const;
    assert.throws(
      () => createPowerDriver(settings),
      (error) => error instanceof BakeryError && error.code === 'power-config',
    );
  });
});
