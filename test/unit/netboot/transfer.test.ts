import assert from 'node:assert/strict';
import { test } from 'node:test';
import { negotiate } from '../../../netboot/tftp/options.ts';
import {
  advanceTransfer,
  beginTransfer,
  blockRange,
  isAbandoned,
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

test('a timeout is in seconds or, as tftpd-hpa has it, in microseconds', () => {
  assert.equal(negotiate(options({ timeout: '3' }), 77).timeoutMs, 3000);
  const fine = negotiate(options({ utimeout: '250000' }), 77);
  assert.deepEqual([fine.timeoutMs, [...fine.acknowledged]], [250, [['utimeout', '250000']]]);
  for (const text of ['9999', '255000001', '1e5']) {
    assert.equal(negotiate(options({ utimeout: text }), 77).acknowledged.size, 0);
  }
});

test('a block fits in one packet of the way to the client, and never takes more than an Ethernet frame', () => {
  const agreed = (asked: string, mtu?: number) => negotiate(options({ blksize: asked }), 77, mtu).blockSize;
  assert.deepEqual([agreed('1468'), agreed('1468', 1280), agreed('1024', 1280)], [1468, 1248, 1024]);
  assert.deepEqual([agreed('8192', 9000), agreed('1468', 68), agreed('8', 20)], [1468, 36, 8]);
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
  assert.equal(ack(gap.state, 2).send, undefined, 'the same report again');
  const next = ack(gap.state, 6);
  assert.deepEqual(next.send, { from: 7, to: 10 });
});

test('an ACK of blocks that were sent twice may be an echo: it moves the window on, and a loss is the timer’s', () => {
  const resent = timeout(ack(begin({ windowsize: '4' }, 20 * 512).state, 0).state);
  assert.deepEqual(resent.send, { from: 1, to: 4 });
  const echo = ack(resent.state, 2);
  assert.deepEqual(echo.send, { from: 5, to: 6 });
  assert.equal(ack(echo.state, 2).send, undefined);
  assert.deepEqual(timeout(echo.state).send, { from: 3, to: 6 });
  const atEnd = timeout(ack(begin({ windowsize: '4' }, 2 * 512).state, 0).state);
  assert.deepEqual(
    [ack(atEnd.state, 1).send, ack(atEnd.state, 1).state.sent],
    [undefined, 3],
    'nothing beyond the last',
  );
});

test('a lost first block of a window is sent again at the duplicate ACK that reports it', () => {
  const second = ack(ack(begin({ windowsize: '4' }, 20 * 512).state, 0).state, 4);
  const gap = ack(second.state, 4);
  assert.deepEqual(gap.send, { from: 5, to: 8 });
  assert.equal(ack(gap.state, 4).send, undefined);
});

/** A client that acknowledges each window, each gap and each copy (RFC 7440 §4), at a server whose block `lost` is lost once. */
function copiesSent(windowSize: number, lost: number): { end: string | undefined; extra: number } {
  let step = begin({ windowsize: String(windowSize) }, 400 * 512);
  let [got, inWindow, sent, now] = [-1, 0, 0, 0];
  let isLost = false;
  const acks: number[] = [];
  for (;;) {
    for (let block = step.send?.from ?? 1; block <= (step.send?.to ?? 0); block++) {
      sent++;
      if (block === lost && !isLost) {
        isLost = true;
        continue;
      }
      const isNext = block === got + 1;
      if (isNext) [got, inWindow] = [block, inWindow + 1];
      if (!isNext || block === 0 || inWindow === windowSize || block === step.state.lastBlock) {
        acks.push(got);
        inWindow = 0;
      }
    }
    const extra = sent - step.state.lastBlock - 1;
    if (step.end || extra > 1000) return { end: step.end, extra };
    const block = acks.shift();
    now += block === undefined ? 300 : 1;
    step = block === undefined ? timeout(step.state, now) : ack(step.state, block % 65_536, now);
  }
}

test('one lost block costs a window or two, not a copy of all that follows', () => {
  for (const windowSize of [2, 4, 16, 64]) {
    for (const lost of [0, 1, 2, 5, 6, 7, 8, 63, 64, 65, 400, 401]) {
      const { end, extra } = copiesSent(windowSize, lost);
      assert.equal(end, 'sent', `window ${windowSize}, block ${lost} lost`);
      assert.ok(extra <= 3 * windowSize, `window ${windowSize}, block ${lost} lost: ${extra} sent for nothing`);
    }
  }
});

test('a client that comes back in the middle of its transfer has begun anew', () => {
  const asked = begin({}, 5000).state;
  assert.equal(isAbandoned(asked, 60_000), false, 'nothing acknowledged: the request is a repetition');
  const live = ack(asked, 1, 1000).state;
  assert.equal(isAbandoned(live, 2000), false);
  assert.equal(isAbandoned(live, 3000), true);
  const withOptions = begin({ tsize: '0' }, 5000).state;
  assert.equal(isAbandoned(withOptions, 60_000), false);
  assert.equal(isAbandoned(ack(withOptions, 0, 1000).state, 3000), true);
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
  for (let now = 0; !step.end; step = timeout(step.state, now)) {
    waits.push(step.timerMs ?? 0);
    now += step.timerMs ?? 0;
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 8000, 8000]);
  assert.equal(step.end, 'timed-out');
  assert.equal(timeout(begin({}, 5000).state, 30_000).end, 'timed-out', 'after 30 s without progress');
});

test('a client’s pace is measured by blocks that were sent once, and a doubled time stays until there is one', () => {
  const record = { windowsize: '1', timeout: '6' };
  const fast = ack(ack(begin(record, 20 * 512).state, 0, 5).state, 1, 10);
  assert.equal(fast.timerMs, 100);
  const again = timeout(fast.state, 110);
  assert.equal(again.timerMs, 200);
  const late = ack(again.state, 2, 2_000);
  assert.deepEqual([late.state.roundTrip, late.timerMs], [fast.state.roundTrip, 200], 'which copy was acknowledged?');
  const measuredAnew = ack(late.state, 3, 2_005);
  assert.deepEqual([measuredAnew.timerMs, measuredAnew.state.tries], [100, 0]);
});

test('a window’s time is that of its last block, and a gap is not timed', () => {
  const first = ack(begin({ windowsize: '4' }, 40 * 512).state, 0, 2);
  const gap = ack(first.state, 2, 400);
  assert.equal(gap.state.roundTrip?.smoothed, 2, 'only the OACK was measured');
  const next = ack(gap.state, 6, 410);
  assert.deepEqual([next.send, next.state.roundTrip?.smoothed], [{ from: 7, to: 10 }, 0.875 * 2 + 0.125 * 10]);
});
