import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDevices } from '../../exports/nfs/ganesha/devices.ts';

test('devices are told to libblkid as it writes them itself, looked at just now', () => {
  const uuid = 'c7d7f9b4-1f6e-4a2e-9d3c-0a5b8e7f6d21';
  const text = renderDevices(
    [
      { name: '/dev/sda1', number: 0x801 },
      // 7:300, as glibc's makedev has it.
      { name: '/dev/loop300', number: 0x10072c, uuid },
    ],
    1_795_933_861_040,
  );
  assert.equal(
    text,
    `<device DEVNO="0x0801" TIME="1795933861.040000" TYPE="unknown">/dev/sda1</device>
<device DEVNO="0x10072c" TIME="1795933861.040000" UUID="${uuid}" TYPE="ext4">/dev/loop300</device>
`,
  );
});
