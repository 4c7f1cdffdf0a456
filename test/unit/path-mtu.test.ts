import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import { createPathMtu, parseLink, parseRoute } from '../../core/host/path-mtu.ts';
import type { Ipv4 } from '../../core/ids.ts';

const HERE = '127.0.0.1' as Ipv4;
const AWAY = '198.51.100.9' as Ipv4;

test('the way to a client is read from what ip prints, and nothing else is', () => {
  const plain = '[{"dst":"198.51.100.9","gateway":"10.0.0.1","dev":"eth0","prefsrc":"10.0.0.5","flags":[],"cache":[]}]';
  assert.deepEqual(parseRoute(plain), { interface: 'eth0', mtu: undefined });
  const told = '[{"dst":"198.51.100.9","dev":"eth0","flags":[],"expires":590,"cache":[],"metrics":[{"mtu":1400}]}]';
  assert.deepEqual(parseRoute(told), { interface: 'eth0', mtu: 1400 });
  assert.equal(parseLink('[{"ifindex":2,"ifname":"eth0","flags":["UP"],"mtu":9000}]'), 9000);
  for (const text of ['', '[]', '{}', 'RTNETLINK answers: Network is unreachable']) {
    assert.deepEqual([parseRoute(text), parseLink(text)], [undefined, undefined]);
  }
});

test('a neighbour’s MTU is the interface’s, of the others the way is asked for; each once in a while', async () => {
  const asked: string[] = [];
  let now = 0;
  const pathMtu = createPathMtu(
    async (program, args) => {
      asked.push([program, ...args].join(' '));
      const stdout = args.includes('link') ? '[{"mtu":9000}]' : '[{"dev":"eth9","metrics":[{"mtu":1400}]}]';
      return { stdout, stderr: '', code: 0 };
    },
    { ...systemClock, monotonic: () => now },
  );
  for (const client of ['127.0.0.9', '127.0.0.10'] as Ipv4[]) assert.equal(await pathMtu(HERE, client), 9000);
  assert.deepEqual(asked, ['ip -json link show dev lo']);
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => pathMtu(HERE, AWAY))), [1400, 1400, 1400]);
  assert.deepEqual(asked.slice(1), [`ip -json -4 route get ${AWAY} from ${HERE}`]);
  now = 31_000;
  await pathMtu(HERE, AWAY);
  assert.equal(asked.length, 3);
});

test('where nobody knows the way, nothing is known', async () => {
  const pathMtu = createPathMtu(async () => {
    throw new Error('ip: not found');
  }, systemClock);
  assert.deepEqual([await pathMtu(HERE, AWAY), await pathMtu(HERE, HERE)], [undefined, undefined]);
});
