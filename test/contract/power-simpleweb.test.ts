import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { exec } from '../../core/host/exec.ts';
import type { PowerDriver } from '../../server/power/driver.ts';
import { createPowerDriver } from '../../server/power/registry.ts';
import { faultOf, folderFor, listen, logInto, NEW, never, PI, simplewebBench, UNBOUND } from './power-benches.ts';

describe('power driver simpleweb, its own', () => {
  async function driverFor(t: TestContext, config: unknown, logged: string[] = []): Promise<PowerDriver> {
    const ppiConfigPath = join(await folderFor(t), 'config.json');
    await writeFile(ppiConfigPath, typeof config === 'string' ? config : JSON.stringify(config));
    return createPowerDriver({ driver: 'simpleweb', ppiConfigPath, exec, log: logInto(logged) });
  }

  async function driverAt(t: TestContext, listener: RequestListener, credentials = ''): Promise<PowerDriver> {
    const port = await listen(t, listener);
    return driverFor(t, { piList: { [PI]: { id: 0, url: `http://${credentials}127.0.0.1:${port}/pdu` } } });
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
      const driver = await driverAt(t, (_, response) => {
        requests += 1;
        response.writeHead(status, { location: '/elsewhere' }).end('ok');
      });
      assert.equal((await faultOf(driver.on(PI, never))).severity, 'fatal');
      assert.equal(requests, 1);
    }
  });

  test('an endless answer is not read', async (t) => {
    const driver = await driverAt(t, (_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(65_536, 'o')));
        response.once('drain', more);
      };
      more();
    });
    assert.equal((await faultOf(driver.on(PI, never))).severity, 'fatal');
  });

  test('a connection that breaks or is refused is worth another try', async (t) => {
    const driver = await driverAt(t, (request) => request.socket.destroy());
    assert.equal((await faultOf(driver.on(PI, never))).severity, 'retryable');
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const dead = await driverFor(t, { piList: { [PI]: { id: 0, url: `http://127.0.0.1:${port}` } } });
    const fault = await faultOf(dead.on(PI, never));
    assert.equal(fault.severity, 'retryable');
    assert.match(fault.message, /ECONNREFUSED|refused/);
  });

  test('credentials of its address go into a header and into no message', async (t) => {
    let header: string | undefined;
    const driver = await driverAt(
      t,
      (request, response) => {
        header = request.headers.authorization;
        response.writeHead(401).end();
      },
      'pdu:s%40crit@',
    );
    const fault = await faultOf(driver.on(PI, never));
    assert.equal(header, `Basic ${Buffer.from('pdu:s@crit').toString('base64')}`);
    assert.doesNotMatch(fault.message, /crit/);
    assert.match(fault.message, /\/pdu\/poweron\/0 answered 401/);
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
