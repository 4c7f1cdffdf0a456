import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canReadByHandle, foreignRegistrations, requireMtab } from '../../exports/nfs/ganesha/host.ts';
import { parseListeningPorts, parseRpcinfo } from '../../exports/nfs/rpcbind.ts';

test('listening ports of /proc/net/tcp', () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:006F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20187 1
   1: 0100007F:0801 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20188 1
   2: 0100007F:C350 0100007F:0801 01 00000000:00000000 00:00000000 00000000     0        0 20189 1
`;
  assert.deepEqual(parseListeningPorts(text), new Set([111, 2049]));
  assert.deepEqual(parseListeningPorts(''), new Set());
});

describe('another NFS server in rpcbind', () => {
  const text = `   program vers proto   port  service
    100000    4   tcp    111  portmapper
    100003    3   tcp   2049  nfs
    100005    1   udp  20048  mountd
    100005    3   tcp  20048  mountd
`;

  test('rpcinfo is read without its header', () => {
    assert.deepEqual(parseRpcinfo(text)[1], { program: 100003, version: 3, protocol: 'tcp', port: 2049 });
    assert.equal(parseRpcinfo(text).length, 4);
  });

  test('living when someone listens behind a TCP port, left over when nobody does', () => {
    const all = parseRpcinfo(text);
    assert.deepEqual(
      foreignRegistrations(all, new Set([111, 2049])).map(({ port }) => port),
      [2049],
    );
    assert.deepEqual(foreignRegistrations(all, new Set([111])), []);
    assert.deepEqual(foreignRegistrations([], new Set([2049])), []);
  });

  test('UDP alone cannot be seen to be dead', () => {
    const udp = parseRpcinfo(text).filter(({ protocol }) => protocol === 'udp');
    assert.equal(foreignRegistrations(udp, new Set()).length, 1);
  });
});

test('CAP_DAC_READ_SEARCH is bit 2 of CapEff', () => {
  const status = (hex: string) => `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${hex}\nCapBnd:\t0\n`;
  assert.equal(canReadByHandle(status('000001fffeffffff')), true);
  assert.equal(canReadByHandle(status('0000000000000004')), true);
  // What Docker gives by default.
  assert.equal(canReadByHandle(status('00000000a80425fb')), false);
  assert.equal(canReadByHandle(''), false);
});

test('a system without /etc/mtab is told so, with the line that makes it', async () => {
  await assert.rejects(requireMtab('/no/such/mtab'), { code: 'mtab-missing', detail: /ln -s/ });
});
