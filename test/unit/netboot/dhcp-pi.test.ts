import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ipv4 } from '../../../core/ids.ts';
import { type BootRom, identify } from '../../../netboot/dhcp/client.ts';
import { type DhcpPacket, decodePacket, encodePacket } from '../../../netboot/dhcp/packet.ts';
import { decodeGuid, renderMenu } from '../../../netboot/dhcp/pi-options.ts';
import { decideOffer, sight } from '../../../netboot/dhcp/proxy.ts';
import { QUIRKS } from '../../../netboot/dhcp/quirks.ts';
import { CONSTANT_GUID, type RomPacket, romPacket, serialGuid, structuredGuid } from '../../lab/rom/discover.ts';

const SERVER = '10.0.0.1' as Ipv4;
const MAC_3B = 'b8:27:eb:64:24:7d';
const MAC_4 = 'e4:5f:01:09:02:f7';
const SERIAL_4 = '91cdf03d';
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const BOARD_4 = { revision: 'd03114', mac: MAC_4, serial: SERIAL_4 };
const BOARD_5 = { revision: 'c04170', mac: '88:a2:9e:01:02:03', serial: '7bf18f79' };
const OF_3B = { mac: MAC_3B, guid: CONSTANT_GUID };
const OF_4 = { mac: MAC_4, guid: structuredGuid('4iPR', BOARD_4), xid: 1592577310 };
const OF_5 = { mac: BOARD_5.mac, guid: structuredGuid('RPi5', BOARD_5), xid: 1076043725 };
const PC = '4c4c4544004a5610804db6c04f4d4432';

function read(packet: RomPacket): DhcpPacket {
  const decoded = decodePacket(romPacket(packet));
  assert.ok(decoded);
  return decoded;
}
const offer = (packet: RomPacket, isKnown = false) => decideOffer(read(packet), { isKnown, server: SERVER });

test('option 97 of real boards is read: vectors of a Pi 4, both orders of the letters, and of a Pi 3', () => {
  const pi4 = { form: 'structured', generation: 4, revision: 0xd03114 };
  assert.deepEqual(decodeGuid(hex('00 34695052 1431d000 010902f7 3df0cd91')), { ...pi4, serial: '91cdf03d' });
  assert.deepEqual(decodeGuid(hex('00 52506934 1431d000 32b023c3 d80092e0')), { ...pi4, serial: 'e09200d8' });
  assert.deepEqual(decodeGuid(hex(`00${'164c6cb6'.repeat(4)}`)), { form: 'serial', serial: 'b66c4c16' });
  assert.deepEqual(decodeGuid(hex(`00${'4456efa2'.repeat(4)}`)), { form: 'serial', serial: 'a2ef5644' });
  assert.deepEqual(decodeGuid(hex(`00${CONSTANT_GUID}`)), { form: 'constant' });
  for (const letters of ['RPi5', '5iPR']) {
    assert.deepEqual(decodeGuid(hex(`00${structuredGuid(letters, BOARD_5)}`)), {
      form: 'structured',
      generation: 5,
      revision: 0xc04170,
      serial: '7bf18f79',
    });
  }
});

test('option 97 of a PC, of another length or type, or without a serial is no Pi’s', () => {
  const serial = serialGuid(SERIAL_4);
  for (const bytes of [
    `00${PC}`,
    `00${'00'.repeat(16)}`,
    `00${'ff'.repeat(16)}`,
    `00${'11'.repeat(16)}`,
    `01${serial}`,
    `00${serial.slice(2)}`,
    `00${serial}00`,
    '',
    '00 34695052 1431d000 010902f7 00000000',
    '00 33695052 1431d000 010902f7 3df0cd91',
  ]) {
    assert.equal(decodeGuid(hex(bytes)), undefined, bytes);
  }
  assert.equal(decodeGuid(undefined), undefined);
});

test('the menu has the bytes that boards were seen to boot from', () => {
  const captured = '060103 0a0400505845 0914000011 52617370626572727920506920426f6f74 ff';
  assert.deepEqual(renderMenu('Raspberry Pi Boot'), hex(captured));
  assert.equal(renderMenu('Raspberry Pi Boot').length, 0x20);
  const spaced = renderMenu('Raspberry Pi Boot   ');
  assert.equal(spaced.length, 0x23);
  assert.deepEqual(spaced.subarray(9), hex('0917000014 52617370626572727920506920426f6f74 202020 ff'));
});

test('every boot ROM is told from the others, with the serial and revision that it tells', () => {
  const cases: [RomPacket, BootRom | 'os', string | undefined, boolean?][] = [
    [OF_3B, 'rom-3b', undefined],
    [{ mac: MAC_3B, guid: serialGuid('5564247d') }, 'bootcode', '5564247d'],
    [{ mac: MAC_4, guid: serialGuid(SERIAL_4) }, 'pi4-2019', SERIAL_4],
    [OF_4, 'pi4', SERIAL_4],
    [{ ...OF_4, guid: structuredGuid('RPi4', BOARD_4) }, 'pi4', SERIAL_4],
    // A REQUEST of January 2020.
    [{ ...OF_4, type: 3, vendorClass: null }, 'pi4', SERIAL_4],
    [OF_5, 'pi5', '7bf18f79'],
    [{ mac: MAC_4, guid: PC }, 'by-mac', undefined, true],
    [{ mac: MAC_4 }, 'by-mac', undefined, true],
    [{ mac: MAC_4, vendorClass: null, architecture: null }, 'os', undefined, true],
  ];
  for (const [packet, sender, serial, isKnown = false] of cases) {
    const found = identify(read(packet), { isKnown });
    assert.deepEqual([found?.sender, found?.serial], [sender, serial], JSON.stringify(packet));
    assert.equal(found?.revision !== undefined, sender === 'pi4' || sender === 'pi5');
  }
});

const NOT_PIS: readonly (RomPacket & { isKnown?: boolean })[] = [
  // PCs: BIOS, UEFI by PXE and by HTTP.
  { mac: '52:54:00:12:34:56', guid: PC },
  { mac: '52:54:00:12:34:56', guid: '00'.repeat(16) },
  { mac: '52:54:00:12:34:56', guid: 'ff'.repeat(16) },
  { mac: '52:54:00:12:34:56', guid: PC, vendorClass: 'PXEClient:Arch:00007:UNDI:003016', architecture: 7 },
  { mac: '52:54:00:12:34:56', guid: PC, vendorClass: 'HTTPClient:Arch:00016:UNDI:003001', architecture: 16 },
  // An ARM64 board with UEFI, also when that board is a Pi that is known.
  { mac: '52:54:00:12:34:56', guid: PC, vendorClass: 'PXEClient:Arch:00011:UNDI:003000', architecture: 11 },
  { mac: MAC_4, guid: PC, vendorClass: 'PXEClient:Arch:00011:UNDI:003000', architecture: 11, isKnown: true },
  { mac: MAC_4, guid: PC, architecture: 11, isKnown: true },
  { mac: MAC_4, guid: PC, vendorClass: 'PXEClient:Arch:00007:UNDI:003000', architecture: null, isKnown: true },
  // A Pi's MAC prefix, and nothing else.
  { mac: MAC_3B },
  { mac: MAC_3B, guid: PC },
  { mac: MAC_4, vendorClass: null, architecture: null },
  // What only a Pi 3B has, at another board's MAC; a serial that is not its MAC's.
  { mac: '52:54:00:12:34:56', guid: CONSTANT_GUID },
  { mac: MAC_3B, guid: serialGuid('5564247e') },
  { mac: MAC_3B, guid: CONSTANT_GUID, vendorClass: null },
];

test('only Pis are answered: no PC, no UEFI, no MAC prefix, no id at another board’s MAC', () => {
  for (const { isKnown = false, ...packet } of NOT_PIS) {
    assert.equal(offer(packet, isKnown), undefined, JSON.stringify(packet));
    assert.equal(sight(read(packet), { isKnown, now: 1 }), undefined, JSON.stringify(packet));
  }
  assert.equal(NOT_PIS.length, 15);
});

test('a DISCOVER of a boot ROM gets an offer without an address, with its xid, its flags and its option 97', () => {
  for (const packet of [OF_3B, OF_4, OF_5, { mac: MAC_4, guid: serialGuid(SERIAL_4) }]) {
    const sent = offer(packet)?.packet;
    assert.ok(sent);
    const received = decodePacket(encodePacket(sent));
    assert.ok(received);
    assert.deepEqual([received.op, received.yiaddr, received.ciaddr], ['reply', '0.0.0.0', '0.0.0.0']);
    assert.deepEqual([received.xid, received.flags, received.mac], [read(packet).xid, 0, packet.mac]);
    const text = (code: number) => Buffer.from(received.options.get(code) ?? []).toString('latin1');
    assert.deepEqual([...(received.options.get(53) ?? [])], [2]);
    assert.deepEqual([...(received.options.get(54) ?? [])], [10, 0, 0, 1]);
    assert.equal(text(60), 'PXEClient');
    assert.deepEqual(Buffer.from(received.options.get(97) ?? []), hex(`00${packet.guid}`));
    assert.deepEqual(
      [received.siaddr, text(66), received.file, text(67)],
      [SERVER, SERVER, 'bootcode.bin', 'bootcode.bin'],
    );
    assert.deepEqual([...received.options.keys()], [53, 54, 60, 97, 43, 66, 67]);
  }
});

test('what follows the DISCOVER is the DHCP server’s: no REQUEST, no kernel and no relay is answered, and all but the relay’s is seen', () => {
  const request = { ...OF_4, type: 3, server: '10.0.0.2', asksFor: '10.0.0.50' };
  assert.equal(offer(request), undefined);
  assert.equal(offer({ ...request, server: SERVER }), undefined);
  const seen = sight(read(request), { isKnown: false, now: 7 });
  assert.deepEqual(seen, {
    mac: MAC_4,
    sender: 'pi4',
    messageType: 'request',
    serial: SERIAL_4,
    revision: 0xd03114,
    address: '10.0.0.50',
    at: 7,
  });
  const kernel = { mac: MAC_4, vendorClass: null, architecture: null };
  assert.equal(offer(kernel, true), undefined);
  assert.equal(sight(read(kernel), { isKnown: true, now: 7 })?.sender, 'os');
  assert.equal(
    sight(read({ ...kernel, type: 3, ciaddr: '10.0.0.51' }), { isKnown: true, now: 7 })?.address,
    '10.0.0.51',
  );
  const relayed = { ...OF_4, giaddr: '10.1.0.1' };
  assert.equal(offer(relayed), undefined);
  assert.equal(sight(read(relayed), { isKnown: true, now: 7 }), undefined);
  // Four letters prove a Pi; an offer wants a client that boots.
  assert.equal(offer({ ...OF_4, vendorClass: null }), undefined);
  const bootp = decodePacket(Buffer.concat([romPacket(OF_4).subarray(0, 240), Buffer.from([255])]));
  assert.ok(bootp);
  assert.equal(sight(bootp, { isKnown: true, now: 7 }), undefined);
});

test('the first 3B ROM gets three spaces in the menu, and waits for a second; no other does', () => {
  const menu = (packet: RomPacket, isKnown = false) =>
    Buffer.from(offer(packet, isKnown)?.packet.options.get(43) ?? [])
      .toString('latin1', 14)
      .slice(0, -1);
  assert.equal(menu(OF_3B), 'Raspberry Pi Boot   ');
  assert.equal(offer(OF_3B)?.delayMs, 1_000);
  const others: [RomPacket, boolean?][] = [
    [{ mac: MAC_3B, guid: serialGuid('5564247d') }],
    [{ mac: MAC_4, guid: serialGuid(SERIAL_4) }],
    [OF_4],
    [OF_5],
    [{ mac: MAC_3B, guid: PC }, true],
  ];
  for (const [packet, isKnown] of others) {
    assert.equal(menu(packet, isKnown), 'Raspberry Pi Boot');
    assert.equal(offer(packet, isKnown)?.delayMs, 0);
  }
});

test('every row of the quirk table changes the offer, and says why and whence', () => {
  const request = read(OF_3B);
  for (const quirk of QUIRKS) {
    const draft = { delayMs: 0, siaddr: '0.0.0.0' as Ipv4, file: '', options: new Map<number, Uint8Array>() };
    quirk.apply(draft, { request, server: SERVER });
    const isChanged = draft.delayMs > 0 || draft.file !== '' || draft.options.size > 0 || draft.siaddr !== '0.0.0.0';
    assert.ok(isChanged, quirk.name);
    assert.ok(quirk.why.length > 20 && quirk.source.length > 10, quirk.name);
  }
  assert.equal(new Set(QUIRKS.map(({ name }) => name)).size, QUIRKS.length);
});
