import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ipv4, Mac } from '../../../core/ids.ts';
import {
  addressOption,
  type DhcpPacket,
  decodePacket,
  encodePacket,
  messageTypeOf,
} from '../../../netboot/dhcp/packet.ts';
import { CONSTANT_GUID, romPacket } from '../../lab/rom/discover.ts';
import { size } from '../../sizes.ts';

const MAC = 'b8:27:eb:64:24:7d' as Mac;
const plain = (options: Iterable<[number, Uint8Array]>) => [...options].map(([code, value]) => [code, [...value]]);

/** A packet with nothing but the options given as bytes, and the fields sname and file. */
function packetOf(options: readonly number[], fields: { sname?: readonly number[]; file?: readonly number[] } = {}) {
  const head = romPacket({ mac: MAC }).subarray(0, 240);
  head.set(fields.sname ?? [], 44);
  head.set(fields.file ?? [], 108);
  return Buffer.concat([head, Buffer.from(options)]);
}

test('the DISCOVER of a boot ROM is read, also with PADs between its options', () => {
  for (const pads of [0, 3]) {
    const packet = decodePacket(romPacket({ mac: MAC, guid: CONSTANT_GUID, asksFor: '10.0.0.5', pads }));
    assert.ok(packet);
    assert.deepEqual([packet.op, packet.xid, packet.mac, packet.giaddr], ['request', 0x26f30339, MAC, '0.0.0.0']);
    assert.equal(messageTypeOf(packet), 'discover');
    assert.equal(addressOption(packet, 50), '10.0.0.5');
    assert.deepEqual([...packet.options.keys()], [53, 55, 50, 93, 94, 97, 60]);
  }
});

test('what is encoded is decoded as it was', () => {
  const address = fc.ipV4() as fc.Arbitrary<Ipv4>;
  const packets: fc.Arbitrary<DhcpPacket> = fc.record({
    op: fc.constantFrom('request' as const, 'reply' as const),
    hops: fc.nat(255),
    xid: fc.nat(0xffffffff),
    secs: fc.nat(0xffff),
    flags: fc.nat(0xffff),
    ciaddr: address,
    yiaddr: address,
    siaddr: address,
    giaddr: address,
    mac: fc.nat(0xffffff).map(
      (n) =>
        `b8:27:eb:${n
          .toString(16)
          .padStart(6, '0')
          .replace(/..(?!$)/g, '$&:')}` as Mac,
    ),
    file: fc.stringMatching(/^[ -~]{0,127}$/),
    options: fc
      .uniqueArray(fc.tuple(fc.nat({ max: 253 }), fc.uint8Array({ maxLength: 700 })), { selector: ([code]) => code })
      .map((all) => new Map(all.map(([code, value]) => [code + 1, value] as const).filter(([code]) => code !== 52))),
  });
  fc.assert(
    fc.property(packets, (packet) => {
      const bytes = encodePacket(packet);
      assert.ok(bytes.length >= 300);
      const decoded = decodePacket(bytes);
      assert.ok(decoded);
      assert.deepEqual({ ...decoded, options: plain(decoded.options) }, { ...packet, options: plain(packet.options) });
    }),
    { numRuns: Math.ceil(size('dhcpPackets') / 20) },
  );
});

test('options in file and sname are read after the others, in that order, and joined with them', () => {
  const file = [43, 2, 3, 4, 255];
  const sname = [0, 43, 1, 5, 67, 1, 9, 255, 43, 1, 6];
  const decoded = decodePacket(packetOf([52, 1, 3, 43, 2, 1, 2, 255, 43, 1, 7], { file, sname }));
  assert.deepEqual(plain(decoded?.options ?? []), [
    [43, [1, 2, 3, 4, 5]],
    [67, [9]],
  ]);
  assert.equal(decoded?.file, '');
  const text = decodePacket(packetOf([52, 1, 2, 255], { file: [0x61, 0x62], sname }));
  assert.deepEqual(
    [text?.file, plain(text?.options ?? [])],
    [
      'ab',
      [
        [43, [5]],
        [67, [9]],
      ],
    ],
  );
  const untouched = decodePacket(packetOf([53, 1, 1, 255], { file: [0x61], sname }));
  assert.deepEqual([untouched?.file, plain(untouched?.options ?? [])], ['a', [[53, [1]]]]);
});

test('a packet that is cut off, not ethernet’s, from no board’s MAC, or of an option over its end is none', () => {
  const whole = romPacket({ mac: MAC, guid: CONSTANT_GUID });
  for (const length of [0, 1, 28, 239, 241, 250, 290]) {
    assert.equal(decodePacket(whole.subarray(0, length)), undefined, String(length));
  }
  const changed = (at: number, byte: number) => decodePacket(whole.map((old, i) => (i === at ? byte : old)));
  assert.ok(changed(3, 4));
  for (const [at, byte] of [
    [0, 3],
    [1, 6],
    [2, 16],
    [236, 0],
    [28, 1],
  ] as const) {
    assert.equal(changed(at, byte), undefined, String(at));
  }
  assert.equal(decodePacket(packetOf([53])), undefined);
  assert.equal(decodePacket(packetOf([53, 9, 1, 255])), undefined);
  assert.equal(decodePacket(packetOf([52, 1, 1, 255], { file: [97, 200] })), undefined);
  assert.ok(decodePacket(packetOf([53, 1, 1])), 'without END it is one');
});

test('a message type or address of a wrong length, or an unknown one, is none', () => {
  for (const options of [
    [53, 0],
    [53, 2, 1, 1],
    [53, 1, 0],
    [53, 1, 99],
    [53, 1, 1, 53, 1, 1],
    [50, 3, 1, 2, 3],
  ]) {
    const packet = decodePacket(packetOf([...options, 255]));
    assert.ok(packet);
    assert.equal(messageTypeOf(packet), undefined, String(options));
    assert.equal(addressOption(packet, 50), undefined);
  }
});

test('no datagram makes the DHCP decoder throw', () => {
  const whole = romPacket({ mac: MAC, guid: CONSTANT_GUID });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(2), fc.nat(4), (bytes, kind, overload) => {
      // Noise alone rarely gets past the head.
      const tail = kind === 0 ? bytes : Buffer.concat([packetOf(kind === 1 ? [] : [52, 1, overload]), bytes]);
      if (kind === 2) tail.set(bytes.subarray(0, 192), 44);
      decodePacket(tail);
      decodePacket(whole.map((byte, i) => byte ^ (i % 7 === overload ? (bytes[i] ?? 0) : 0)));
    }),
    { numRuns: size('dhcpPackets') },
  );
});
