import assert from 'node:assert/strict';
import { test } from 'node:test';
import { negotiate } from '../../../netboot/tftp/options.ts';
import {
  advanceTransfer,
  beginTransfer,
  blockRange,
  type TransferState,
  type TransferStep,
} from '../../../netboot/tftp/transfer.ts';

const options = (record: Record<string, string>) => new Map(Object.entries(record));
const begin = (record: Record<string, string>, size: number) =>
  beginTransfer(negotiate(options(record), size), size, 0);
const ack = (state: TransferState, block: number, now = 1) => advanceTransfer(state, { kind: 'ack', block, now });
const timeout = (state: TransferState, now = 1) => advanceTransfer(state, { kind: 'timeout', now });

test('without options the first block is sent at once, and each ACK brings the next', () => {
  let step = begin({}, 1000);
  assert.deepEqual(step.send, { from: 1, to: 1 });
  step = ack(step.state, 1);
  assert.deepEqual(step.send, { from: 2, to: 2 });
  assert.deepEqual(blockRange(step.state, 2), { start: 512, end: 1000 });
  assert.equal(ack(step.state, 2).end, 'sent');
});

test('a file of an exact multiple ends with an empty block, an empty file is one', () => {
  for (const [size, blocks] of [
    [0, 1],
    [511, 1],
    [512, 2],
    [513, 2],
    [1024, 3],
  ] as const) {
    const { state } = begin({}, size);
    assert.equal(state.lastBlock, blocks, `${size} bytes`);
    const { start, end } = blockRange(state, blocks);
    assert.equal(end - start, size % 512);
  }
});

test('options are answered first, and only those that make sense', () => {
  const chosen = negotiate(options({ blksize: '65464', tsize: '0', windowsize: '4', timeout: '0', unknown: 'x' }), 77);
  assert.deepEqual(
    [...chosen.acknowledged],
    [
      ['blksize', '1468'],
      ['tsize', '77'],
      ['windowsize', '4'],
    ],
  );
  const nothing = negotiate(options({ blksize: '7', tsize: '-1', windowsize: 'many' }), 77);
  assert.deepEqual([nothing.acknowledged.size, nothing.blockSize], [0, 512]);
  const step = begin({ tsize: '0' }, 600);
  assert.deepEqual(step.send, { from: 0, to: 0 });
  assert.deepEqual(ack(step.state, 0).send, { from: 1, to: 1 });
});

test('a duplicate ACK brings nothing: only the timer sends a block again (no Sorcerer’s Apprentice)', () => {
  let step = ack(begin({}, 5000).state, 1);
  for (let i = 0; i < 20; i++) {
    step = ack(step.state, 1);
    assert.equal(step.send, undefined);
  }
  assert.deepEqual(timeout(step.state).send, { from: 2, to: 2 });
});

test('a lock-step client’s block is not sent again within a second', () => {
  assert.ok((begin({}, 5000).timerMs ?? 0) >= 1000);
});

test('block numbers wrap to 0 after 65535', () => {
  let step: TransferStep = begin({}, 70_000 * 512);
  for (let block = 1; block <= 65_536; block++) step = ack(step.state, block % 65_536);
  assert.deepEqual(step.send, { from: 65_537, to: 65_537 });
  assert.equal(step.state.acknowledged, 65_536);
});

test('a window is sent whole, and after a gap from the gap on, once', () => {
  const first = ack(begin({ windowsize: '4' }, 20 * 512).state, 0);
  assert.deepEqual(first.send, { from: 1, to: 4 });
  const gap = ack(first.state, 2);
  assert.deepEqual(gap.send, { from: 3, to: 6 });
  const stale = ack(gap.state, 2);
  assert.deepEqual(stale.send, { from: 3, to: 6 });
  assert.equal(ack(stale.state, 2).send, undefined, 'the same report again');
  assert.deepEqual(ack(stale.state, 6).send, { from: 7, to: 10 });
});

test('an ACK from outside the window changes nothing', () => {
  const { state } = ack(begin({}, 50_000).state, 1);
  for (const block of [3, 9, 40_000, 65_535])
    assert.deepEqual(ack(state, block), { state, send: undefined, timerMs: undefined, end: undefined });
});

test('an ERROR ends it quietly: firmware ends its probes so', () => {
  assert.equal(advanceTransfer(begin({ tsize: '0' }, 50).state, { kind: 'error', code: 0 }).end, 'aborted');
});

test('it waits longer each time and gives up', () => {
  let step = begin({}, 5000);
  const waits: number[] = [];
  while (!step.end) {
    waits.push(step.timerMs ?? 0);
    step = timeout(step.state);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 8000, 8000, 8000]);
  assert.equal(step.end, 'timed-out');
  assert.equal(timeout(begin({}, 5000).state, 30_000).end, 'timed-out', 'after 30 s without progress');
});
