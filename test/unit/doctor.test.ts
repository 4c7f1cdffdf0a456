import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ipv4 } from '../../core/ids.ts';
import {
  type Finding,
  judgeClock,
  judgeDhcp,
  judgeInterface,
  judgeNfs,
  judgePort,
  judgeSpace,
  judgeStp,
  tellFindings,
} from '../../server/doctor/judge.ts';
import { decodeAnswer, encodeCall } from '../../server/doctor/rpc.ts';

const US = '10.0.0.1' as Ipv4;
const states = (...findings: readonly Finding[]) => findings.map(({ state }) => state).join(' ');

test('whatever is not well has a cure on its line, and what is has none', () => {
  const all = [
    judgeInterface({ address: US, interface: undefined, isUp: false }),
    judgeInterface({ address: US, interface: 'lo', isUp: true }),
    judgeInterface({ address: US, interface: 'eth0', isUp: false }),
    judgeInterface({ address: US, interface: 'eth0', isUp: true }),
    judgeStp({ heard: undefined }),
    judgeStp({ heard: [] }),
    judgeStp({ heard: ['STP 802.1d, Config, forwarding-delay 15.00s'] }),
    judgeSpace({ available: 1, total: 100 }),
    judgeSpace({ available: 10, total: 100 }),
    judgeSpace({ available: 50, total: 100 }),
  ];
  assert.equal(states(...all), 'bad bad bad ok look ok look bad look ok');
  for (const { state, cure } of all) assert.equal(cure === undefined, state === 'ok');
  assert.deepEqual(tellFindings(all).length, all.length);
  assert.match(tellFindings(all)[6] ?? '', /^look stp {8}the switch speaks STP, and keeps a port closed for 30 s; /);
});

test('a port is the server’s, free for it, or another program’s', () => {
  const judge = (state: 'answers' | 'silent' | 'free' | 'denied', isRunning: boolean) =>
    judgePort('tftp', { port: 'UDP 69', state, isRunning }).state;
  assert.deepEqual([judge('answers', true), judge('free', false)], ['ok', 'ok']);
  assert.deepEqual([judge('silent', false), judge('free', true), judge('silent', true)], ['bad', 'bad', 'bad']);
  assert.equal(judge('denied', false), 'bad');
});

test('NFS is told by rpcbind, by a call and by a mount; before a start another server is in the way', () => {
  const rpcbind = { nfs: 2049, mountd: 20048 };
  const well = { isRunning: true, rpcbind, isNfsAnswering: true, mount: 'refused' } as const;
  assert.equal(states(...judgeNfs(well)), 'ok ok');
  assert.equal(states(...judgeNfs({ ...well, mount: 'given' })), 'ok look');
  assert.equal(states(...judgeNfs({ ...well, mount: 'no answer' })), 'ok bad');
  assert.equal(states(...judgeNfs({ ...well, rpcbind: { nfs: 0, mountd: 0 }, isNfsAnswering: false })), 'bad bad');
  assert.equal(states(...judgeNfs({ ...well, rpcbind: undefined })), 'bad');
  assert.equal(states(...judgeNfs({ ...well, isRunning: false })), 'bad');
  assert.equal(states(...judgeNfs({ ...well, isRunning: false, rpcbind: undefined })), 'ok');
});

test('a Pi needs one server for its address and one for boot files, which may be the same', () => {
  const offer = (server: string, hasAddress: boolean, hasBootFiles: boolean) => ({ server, hasAddress, hasBootFiles });
  const judge = (
    offers: Parameters<typeof judgeDhcp>[0]['offers'],
    mode: 'listen' | 'proxy' = 'listen',
    isRunning = true,
  ) => judgeDhcp({ offers, mode, isRunning });
  const [address, boots] = [offer('a', true, false), offer('b', false, true)];
  assert.equal(judge([address, boots]).state, 'ok');
  assert.equal(judge([offer('a', true, true)]).state, 'ok');
  assert.equal(judge([boots]).state, 'bad');
  assert.equal(judge([address]).state, 'bad');
  assert.match(judge([address], 'proxy', false).text, /once it runs/);
  assert.equal(judge([address], 'proxy', true).state, 'bad');
  assert.equal(judge([address, offer('c', true, false), boots]).state, 'look');
  assert.equal(judge([address, boots, offer('c', false, true)]).state, 'look');
  assert.equal(judge(undefined).state, 'look');
});

test('a clock that is before what was written is wrong, one that nobody synchronises may be', () => {
  const now = Date.parse('2026-11-28T07:00:00Z');
  const judge = (newest: number | undefined, isSynchronised?: boolean) =>
    judgeClock({ now, newest, isSynchronised }).state;
  assert.deepEqual(
    [judge(now + 120_000), judge(now - 1, false), judge(now - 1, true), judge(undefined)],
    ['bad', 'look', 'ok', 'ok'],
  );
});

test('a call of RPC is as RFC 5531 writes it; an answer that is cut off, refused or another’s is none', () => {
  assert.equal(
    encodeCall(100_003, 3, 0).toString('hex'),
    `80000028${'00000001'}${'00000000'}${'00000002'}000186a3${'00000003'}${'00000000'}${'00000000'.repeat(4)}`,
  );
  const words = (...values: readonly number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, i * 4);
    return bytes;
  };
  assert.deepEqual(decodeAnswer(words(1, 1, 0, 0, 0, 0, 2049)), words(2049));
  assert.deepEqual(decodeAnswer(words(1, 1, 0, 0, 4, 9, 0, 7)), words(7), 'behind a verifier');
  for (const answer of [
    words(2, 1, 0, 0, 0, 0, 1),
    words(1, 1, 1, 0, 0, 0),
    words(1, 1, 0, 0, 0, 1),
    words(1, 1, 0, 0, 400, 0),
  ]) {
    assert.equal(decodeAnswer(answer), undefined);
  }
  for (let length = 0; length < 24; length++) assert.equal(decodeAnswer(Buffer.alloc(length, 1)), undefined);
});
