import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dataHeader, decodePacket, encodeError, encodeOack } from '../../../netboot/tftp/packet.ts';
import { size } from '../../sizes.ts';

const text = (packet: string) => Buffer.from(packet, 'latin1');

test('a request is read with its options, names in any case', () => {
  const packet = decodePacket(text('\0\x01687680cd/start.elf\0OcTeT\0TSize\x000\0blksize\x001468\0'));
  assert.ok(packet?.kind === 'rrq');
  assert.deepEqual([packet.filename, packet.mode], ['687680cd/start.elf', 'octet']);
  assert.deepEqual(
    [...packet.options],
    [
      ['tsize', '0'],
      ['blksize', '1468'],
    ],
  );
});

test('of an option that is there twice the first counts; one without a value is left out', () => {
  const packet = decodePacket(text('\0\x01f\0octet\0blksize\x00512\0BLKSIZE\x001024\0tsize\0'));
  assert.ok(packet?.kind === 'rrq');
  assert.deepEqual([...packet.options], [['blksize', '512']]);
});

test('a request that is cut off, too long or empty is none', () => {
  for (const packet of [
    '\0\x01',
    '\0\x01f',
    '\0\x01f\0',
    '\0\x01f\0octet',
    '\0\x01\0octet\0',
    `\0\x01${'x'.repeat(600)}\0octet\0`,
  ]) {
    assert.equal(decodePacket(text(packet)), undefined, JSON.stringify(packet));
  }
});

test('ACK and ERROR are read; DATA and OACK from a client are not', () => {
  assert.deepEqual(decodePacket(Buffer.from([0, 4, 255, 255])), { kind: 'ack', block: 65_535 });
  assert.deepEqual(decodePacket(text('\0\x05\0\0Early terminate\0')), {
    kind: 'error',
    code: 0,
    message: 'Early terminate',
  });
  assert.deepEqual(decodePacket(text('\0\x05\0\x01')), { kind: 'error', code: 1, message: '' });
  assert.equal(decodePacket(text('\0\x03\0\x01data')), undefined);
  assert.equal(decodePacket(text('\0\x06tsize\x001\0')), undefined);
});

test('what is sent has the bytes of the RFCs', () => {
  assert.deepEqual(dataHeader(65_537), Buffer.from([0, 3, 0, 1]));
  assert.deepEqual(encodeError(1, 'No'), Buffer.from([0, 5, 0, 1, 0x4e, 0x6f, 0]));
  assert.deepEqual(encodeOack(new Map([['tsize', '9']])), text('\0\x06tsize\x009\0'));
});

test('no datagram makes it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 0, max: 7 }), (bytes, opcode) => {
      if (bytes.length > 1) bytes.set([0, opcode]);
      decodePacket(bytes);
    }),
    { numRuns: size('tftpPackets') },
  );
});
