import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abilitiesWithout, CAPABILITIES, missingCapabilities } from '../../server/capabilities.ts';

/** /proc/self/status of a process with these capabilities (proc(5)). */
const status = (mask: string) =>
  `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${mask}\nCapBnd:\t000001ffffffffff\n`;

test('disks grow in use only where CAP_SYS_RESOURCE is effective', () => {
  const missing = (mask: string) => missingCapabilities(status(mask));
  assert.deepEqual(missing('000001ffffffffff'), []);
  assert.deepEqual(
    missing('000001fffeffffff').map(({ name }) => name),
    ['SYS_RESOURCE'],
  );
  assert.deepEqual(missingCapabilities(''), CAPABILITIES);
  assert.deepEqual(
    ['000001ffffffffff', '000001fffeffffff', '0000000000000000'].map((mask) => abilitiesWithout(missing(mask))),
    [{ growsMounted: true }, { growsMounted: false }, { growsMounted: false }],
  );
});
