import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ipv4 } from '../../../core/ids.ts';
import { countSessions } from '../../../netboot/tftp/caps.ts';

const [A, B, C] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'] as Ipv4[] as [Ipv4, Ipv4, Ipv4];

test('one client has its share, all together theirs, and what has ended makes room', () => {
  const count = countSessions({ total: 3, perClient: 2 });
  assert.deepEqual([A, A, A, B, C].map(count.add), [true, true, false, true, false]);
  assert.equal(count.total, 3);
  count.remove(A);
  assert.deepEqual([C, C].map(count.add), [true, false]);
  for (const client of [A, B, C]) count.remove(client);
  assert.equal(count.total, 0);
  count.remove(A);
  assert.equal(count.total, 0, 'there is nothing left to remove');
});
