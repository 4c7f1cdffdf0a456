import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { exec } from '../../core/host/exec.ts';
import type { PowerDriver } from '../../server/power/driver.ts';
import { createPowerDriver } from '../../server/power/registry.ts';
import { startWebDevice, type WebAnswer, type WebRequest } from '../lab/switches/web-device.ts';
import { folderFor, logInto, NEW, PI, simplewebBench, UNBOUND } from './power-benches.ts';
import { faultOf, never } from './switch-expect.ts';

describe('power driver simpleweb, its own', () => {
  async function driverFor(t: TestContext, config: unknown, logged: string[] = []): Promise<PowerDriver> {
    const ppiConfigPath = join(await folderFor(t), 'config.json');
    await writeFile(ppiConfigPath, typeof config === 'string' ? config : JSON.stringify(config));
    return createPowerDriver({ driver: 'simpleweb', ppiConfigPath, exec, log: logInto(logged) });
  }

  async function driverAt(
    t: TestContext,
    answer: (request: WebRequest) => WebAnswer,
    credentials = '',
  ): Promise<PowerDriver> {
    const server = await startWebDevice(answer);
    t.after(() => server.close());
    const url = `http://${credentials}${new URL(server.url).host}/pdu`;
    return driverFor(t, { piList: { [PI]: { id: 0, url } } });
  }

  test('a wrong configuration stops the start and says where it is wrong', async (t) => {
    const url = 'http://127.0.0.1:1';
    const wrong: [unknown, RegExp][] = [
      ['not json', /JSON/],
      [{}, /piList/],
      [{ piList: { [PI]: { id: -1, url } } }, /687680cd\.id/],
      [{ piList: { [PI]: { id: 0, url: 'ftp://127.0.0.1' } } }, /687680cd\.url/],
      [{ piList: { [PI]: { id: 0, url: `${url}?port=` } } }, /687680cd\.url/],
      [{ piList: { [PI]: { id: 0, url, piId: NEW } } }, /687680cd\.piId/],
      [{ piList: { xyz: { id: 0, url } } }, /piList\.xyz/],
      [{ piList: { [PI]: { id: 0, url }, [NEW]: { id: 0, url: `${url}/` } } }, /belongs to/],
    ];
    for (const [config, where] of wrong) {
      await assert.rejects(driverFor(t, config), (error) => {
        assert.ok(error instanceof BakeryError && error.code === 'power-config');
        assert.match(error.detail ?? '', where);
        assert.doesNotMatch(error.message, /127\.0\.0\.1/);
        return true;
      });
    }
  });

  test('a configuration that becomes wrong leaves the old one in force', async (t) => {
    const { driver, configure, logged } = await simplewebBench(t);
    await configure('malformed');
    assert.equal(driver.reach(PI), 'port');
    assert.equal(driver.reach(PI), 'port');
    assert.equal(logged.length, 1);
  });

  test('4xx and redirects are final, and redirects are not followed', async (t) => {
    for (const status of [302, 404]) {
      let requests = 0;
      const driver = await driverAt(t, () => {
        requests += 1;
        return { status, headers: { location: '/elsewhere' }, body: 'ok' };
      });
      assert.equal((await faultOf({ secrets: [] }, driver.on(PI, never))).severity, 'fatal');
      assert.equal(requests, 1);
    }
  });

  test('an endless answer is not read', async (t) => {
    const server = createServer((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(65_536, 'o')));
        response.once('drain', more);
      };
      more();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const driver = await driverFor(t, { piList: { [PI]: { id: 0, url: `http://127.0.0.1:${port}` } } });
    assert.equal((await faultOf({ secrets: [] }, driver.on(PI, never))).severity, 'fatal');
  });

  test('too many requests, or a server that has just started, are worth another try', async (t) => {
    for (const status of [408, 425, 429, 500, 503]) {
      const driver = await driverAt(t, () => ({ status, body: 'ok' }));
      const fault = await faultOf({ secrets: [] }, driver.on(PI, never));
      assert.equal(fault.severity, 'retryable');
      assert.match(fault.message, new RegExp(`^GET /pdu/poweron/0 at 127\\.0\\.0\\.1:\\d+ answered ${status}`));
    }
  });

  test('an answer that is not exactly ok is final, and is told without the credential that it repeats', async (t) => {
    const secrets = ['s@crit/of the pdu'];
    const driver = await driverAt(
      t,
      ({ headers }) => ({ status: 200, body: `ok, ${headers.authorization} may` }),
      `pdu:${encodeURIComponent(secrets[0] ?? '')}@`,
    );
    const fault = await faultOf({ secrets }, driver.off(PI, never));
    assert.equal(fault.severity, 'fatal');
    assert.match(fault.message, /poweroff\/0 at .* answered "ok, Basic \*\*\* may", and not "ok"$/);
  });

  test('Pis of one server share a queue', async (t) => {
    const url = 'http://127.0.0.1:1';
    const driver = await driverFor(t, {
      piList: {
        [PI]: { id: 0, url },
        [NEW]: { id: 1, url: `${url}/` },
        [UNBOUND]: { id: 0, url: 'http://127.0.0.1:2' },
      },
    });
    assert.equal(driver.queueOf(PI), driver.queueOf(NEW));
    assert.notEqual(driver.queueOf(PI), driver.queueOf(UNBOUND));
  });
});
