import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bar, median, passes, table } from '../bench/bars.ts';

const bar: Bar = { task: '1 MB', unit: 'MB/s', factor: 5, against: ['tftpd-hpa', 'dnsmasq', 'atftpd'] };
const figures = { bakery: [10, 30, 20], 'tftpd-hpa': [4, 4], dnsmasq: [1, 90, 3], atftpd: [2] };

test('a bar is about medians, and is reached against each', () => {
  assert.deepEqual([median([3, 1, 2]), median([4, 1]), median([])], [2, 2.5, Number.NaN]);
  assert.equal(passes(bar, figures), true);
  assert.equal(passes(bar, { ...figures, atftpd: [4.1] }), false);
  assert.equal(passes({ ...bar, against: ['dnsmasq'] }, { ...figures, atftpd: [4.1] }), true);
  assert.equal(passes(bar, { ...figures, bakery: [] }), false, 'not measured');
});

test('the table tells median, best, bar and whether it is reached', () => {
  const [, , line, other] = table([
    { bar, figures },
    {
      bar: { ...bar, unit: 'requests/s', factor: 9, against: ['atftpd'] },
      figures: { ...figures, bakery: [17, 17.4] },
    },
  ]).split('\n');
  assert.equal(line, '| 1 MB | MB/s | 20.00 (30.00) | 4.00 (4.00) | 3.00 (90.00) | 2.00 (2.00) | ≥ 5 × each | pass |');
  assert.equal(other, '| 1 MB | requests/s | 17 (17) | 4 (4) | 3 (90) | 2 (2) | ≥ 9 × atftpd | FAIL |');
});
