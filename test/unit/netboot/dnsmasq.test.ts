import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ipv4, Mac, PiId } from '../../../core/ids.ts';
import { isInside, parseSubnet, type Subnet } from '../../../core/subnet.ts';
import { type DnsmasqPlan, renderDnsmasq } from '../../../netboot/dhcp/dnsmasq.ts';

const subnet: Subnet = { network: '10.99.0.0' as Ipv4, mask: '255.255.255.0' as Ipv4 };
const known = { id: '91cdf03d' as PiId, mac: 'e4:5f:01:09:02:f7' as Mac };
const PIS = [
  { ...known, address: '10.99.0.14' as Ipv4 },
  { id: 'e09200d8' as PiId, mac: 'dc:a6:32:b0:23:c3' as Mac, address: undefined },
];
const FULL = { kind: 'full', first: '10.99.0.100' as Ipv4, last: '10.99.0.200' as Ipv4, router: undefined } as const;
const lines = (mode: DnsmasqPlan['mode']) => {
  const text = renderDnsmasq({ server: '10.99.0.1' as Ipv4, subnet, mode, pis: PIS });
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
};

test('a dnsmasq beside a DHCP server gives no addresses, and ignores whatever is no Pi', () => {
  const proxy = lines({ kind: 'proxy' });
  assert.ok(proxy.includes('dhcp-range=10.99.0.0,proxy,255.255.255.0'));
  assert.ok(proxy.includes('dhcp-ignore=tag:!pi'));
  assert.deepEqual(proxy.slice(-2), [
    'dhcp-host=e4:5f:01:09:02:f7,id:*,set:known-pi # 91cdf03d',
    'dhcp-host=dc:a6:32:b0:23:c3,id:*,set:known-pi # e09200d8',
  ]);
});

test('a dnsmasq that is the DHCP server ignores nobody, and keeps the addresses of known Pis', () => {
  const full = lines(FULL);
  assert.ok(full.includes('dhcp-range=10.99.0.100,10.99.0.200,255.255.255.0,24h'));
  assert.ok(!full.some((line) => line.startsWith('dhcp-ignore')));
  assert.ok(full.includes('dhcp-option=option:router'), 'it would name itself');
  assert.ok(lines({ ...FULL, router: '10.99.0.254' as Ipv4 }).includes('dhcp-option=option:router,10.99.0.254'));
  assert.equal(full.at(-2), 'dhcp-host=e4:5f:01:09:02:f7,id:*,set:known-pi,10.99.0.14 # 91cdf03d');
});

test('in both every word about booting is for a Pi only, and no tag makes a Pi by its MAC alone', () => {
  for (const mode of [{ kind: 'proxy' }, FULL] as const) {
    const words = lines(mode).filter((line) =>
      /^(?:pxe-service|dhcp-boot|dhcp-reply-delay|dhcp-option=.*66|.*tftp)/.test(line),
    );
    assert.equal(words.length, 5);
    assert.ok(words.includes('dhcp-reply-delay=tag:rom3b,1'));
    assert.ok(words.includes('pxe-service=tag:rom3b,0,"Raspberry Pi Boot   "'));
    assert.ok(words.every((line) => /=tag:(?:pi|rom3b),/.test(line)));
    const makes = lines(mode).filter((line) => /set:(?:pi|rom3b),/.test(line));
    assert.equal(makes.length, 4);
    assert.ok(makes.every((line) => line.startsWith('tag-if=') && line.includes('tag:pxe')));
  }
});

test('a subnet is read, with whatever address of it stands before the slash', () => {
  const read = (text: string) => Object.values(parseSubnet(text) ?? {}).join(' ');
  assert.equal(read('10.99.0.7/24'), '10.99.0.0 255.255.255.0');
  assert.equal(read('192.168.255.255/17'), '192.168.128.0 255.255.128.0');
  assert.equal(read('203.0.113.9/32'), '203.0.113.9 255.255.255.255');
  assert.equal(read('203.0.113.9/0'), '0.0.0.0 0.0.0.0');
  for (const text of ['', '10.0.0.0', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/8/8', '10.0.0.256/8']) {
    assert.equal(parseSubnet(text), undefined, text);
  }
  assert.ok(isInside('10.99.0.255' as Ipv4, subnet) && !isInside('10.99.1.0' as Ipv4, subnet));
});
