import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRevision, formatRevision, parseRevision } from '../../core/revision.ts';

/** Every code that Raspberry Pi's documentation lists: code, model, revision, MiB, manufacturer. */
const LISTED: readonly (readonly [string, string, string, number | undefined, string])[] = [
  ['0002', 'B', '1.0', 256, 'Egoman'],
  ['0003', 'B', '1.0', 256, 'Egoman'],
  ['0004', 'B', '2.0', 256, 'Sony UK'],
  ['0005', 'B', '2.0', 256, 'Qisda'],
  ['0006', 'B', '2.0', 256, 'Egoman'],
  ['0007', 'A', '2.0', 256, 'Egoman'],
  ['0008', 'A', '2.0', 256, 'Sony UK'],
  ['0009', 'A', '2.0', 256, 'Qisda'],
  ['000d', 'B', '2.0', 512, 'Egoman'],
  ['000e', 'B', '2.0', 512, 'Sony UK'],
  ['000f', 'B', '2.0', 512, 'Egoman'],
  ['0010', 'B+', '1.2', 512, 'Sony UK'],
  ['0011', 'CM1', '1.0', 512, 'Sony UK'],
  ['0012', 'A+', '1.1', 256, 'Sony UK'],
  ['0013', 'B+', '1.2', 512, 'Embest'],
  ['0014', 'CM1', '1.0', 512, 'Embest'],
  ['0015', 'A+', '1.1', undefined, 'Embest'],
  ['900021', 'A+', '1.1', 512, 'Sony UK'],
  ['900032', 'B+', '1.2', 512, 'Sony UK'],
  ['a01040', '2B', '1.0', 1024, 'Sony UK'],
  ['a01041', '2B', '1.1', 1024, 'Sony UK'],
  ['a21041', '2B', '1.1', 1024, 'Embest'],
  ['a02042', '2B', '1.2', 1024, 'Sony UK'],
  ['a22042', '2B', '1.2', 1024, 'Embest'],
  ['900061', 'CM1', '1.1', 512, 'Sony UK'],
  ['a02082', '3B', '1.2', 1024, 'Sony UK'],
  ['a22082', '3B', '1.2', 1024, 'Embest'],
  ['a32082', '3B', '1.2', 1024, 'Sony Japan'],
  ['a52082', '3B', '1.2', 1024, 'Stadium'],
  ['a22083', '3B', '1.3', 1024, 'Embest'],
  ['900092', 'Zero', '1.2', 512, 'Sony UK'],
  ['920092', 'Zero', '1.2', 512, 'Embest'],
  ['900093', 'Zero', '1.3', 512, 'Sony UK'],
  ['920093', 'Zero', '1.3', 512, 'Embest'],
  ['a020a0', 'CM3', '1.0', 1024, 'Sony UK'],
  ['a220a0', 'CM3', '1.0', 1024, 'Embest'],
  ['9000c1', 'Zero W', '1.1', 512, 'Sony UK'],
  ['a020d3', '3B+', '1.3', 1024, 'Sony UK'],
  ['a020d4', '3B+', '1.4', 1024, 'Sony UK'],
  ['9020e0', '3A+', '1.0', 512, 'Sony UK'],
  ['9020e1', '3A+', '1.1', 512, 'Sony UK'],
  ['a02100', 'CM3+', '1.0', 1024, 'Sony UK'],
  ['a03111', '4B', '1.1', 1024, 'Sony UK'],
  ['b03111', '4B', '1.1', 2048, 'Sony UK'],
  ['c03111', '4B', '1.1', 4096, 'Sony UK'],
  ['b03112', '4B', '1.2', 2048, 'Sony UK'],
  ['c03112', '4B', '1.2', 4096, 'Sony UK'],
  ['b03114', '4B', '1.4', 2048, 'Sony UK'],
  ['c03114', '4B', '1.4', 4096, 'Sony UK'],
  ['d03114', '4B', '1.4', 8192, 'Sony UK'],
  ['b03115', '4B', '1.5', 2048, 'Sony UK'],
  ['c03115', '4B', '1.5', 4096, 'Sony UK'],
  ['d03115', '4B', '1.5', 8192, 'Sony UK'],
  ['902120', 'Zero 2 W', '1.0', 512, 'Sony UK'],
  ['c03130', '400', '1.0', 4096, 'Sony UK'],
  ['a03140', 'CM4', '1.0', 1024, 'Sony UK'],
  ['b03140', 'CM4', '1.0', 2048, 'Sony UK'],
  ['c03140', 'CM4', '1.0', 4096, 'Sony UK'],
  ['d03140', 'CM4', '1.0', 8192, 'Sony UK'],
  ['b04170', '5', '1.0', 2048, 'Sony UK'],
  ['c04170', '5', '1.0', 4096, 'Sony UK'],
  ['d04170', '5', '1.0', 8192, 'Sony UK'],
  ['a04171', '5', '1.1', 1024, 'Sony UK'],
  ['b04171', '5', '1.1', 2048, 'Sony UK'],
  ['c04171', '5', '1.1', 4096, 'Sony UK'],
  ['d04171', '5', '1.1', 8192, 'Sony UK'],
  ['e04171', '5', '1.1', 16384, 'Sony UK'],
  ['b04180', 'CM5', '1.0', 2048, 'Sony UK'],
  ['c04180', 'CM5', '1.0', 4096, 'Sony UK'],
  ['d04180', 'CM5', '1.0', 8192, 'Sony UK'],
  ['e04180', 'CM5', '1.0', 16384, 'Sony UK'],
  ['d04190', '500', '1.0', 8192, 'Sony UK'],
  ['e04190', '500+', '1.0', 16384, 'Sony UK'],
  ['b041a0', 'CM5 Lite', '1.0', 2048, 'Sony UK'],
  ['c041a0', 'CM5 Lite', '1.0', 4096, 'Sony UK'],
  ['d041a0', 'CM5 Lite', '1.0', 8192, 'Sony UK'],
  ['e041a0', 'CM5 Lite', '1.0', 16384, 'Sony UK'],
];

test('every revision code that Raspberry Pi lists is decoded as listed, and written as /proc/cpuinfo has it', () => {
  for (const [text, model, revision, memoryMiB, manufacturer] of LISTED) {
    const code = parseRevision(text) ?? -1;
    const board = decodeRevision(code);
    assert.deepEqual(
      [board?.model, board?.revision, board?.memoryMiB, board?.manufacturer],
      [model, revision, memoryMiB, manufacturer],
      text,
    );
    assert.equal(formatRevision(code), text);
  }
  assert.equal(LISTED.length, 77);
});

test('the processor is the one on the board, also where a model was made with two', () => {
  const processors = ['0010', 'a01041', 'a22042', 'a020d3', 'c03111', 'd04170'].map(
    (code) => decodeRevision(parseRevision(code) ?? -1)?.processor,
  );
  assert.deepEqual(processors, ['BCM2835', 'BCM2836', 'BCM2837', 'BCM2837', 'BCM2711', 'BCM2712']);
});

test('flags of the firmware change nothing, and what is newer than the table is left open', () => {
  const plain = decodeRevision(0xa020d3);
  // Overvoltage, OTP and warranty bits.
  for (const flag of [0x02000000, 0x20000000, 0x40000000, 0x80000000, 0xe2000000]) {
    assert.deepEqual(decodeRevision(flag + 0xa020d3), plain, flag.toString(16));
  }
  assert.deepEqual(decodeRevision(0x1000010), decodeRevision(0x10), 'an old board without its warranty');
  const unknown = decodeRevision(0xf8fff2);
  assert.deepEqual(unknown, {
    model: undefined,
    memoryMiB: undefined,
    processor: undefined,
    manufacturer: undefined,
    revision: '1.2',
  });
  assert.equal(decodeRevision(0x16), undefined);
  for (const text of ['', 'a02', 'a020d3a02', 'xyz1', '0xa020d3', ' a020d3']) {
    assert.equal(parseRevision(text), undefined, text);
  }
});
