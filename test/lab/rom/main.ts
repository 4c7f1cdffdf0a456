import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootPi3b } from './pi3b.ts';

/** The boot ROM as a process, so that it can run where the Pi is on the network. Leaves in --workdir what it fetched. */
const { values } = parseArgs({
  options: {
    server: { type: 'string', default: '' },
    serial: { type: 'string', default: '' },
    workdir: { type: 'string', default: '' },
    'file-timeout-ms': { type: 'string', default: '30000' },
  },
});
const run = await bootPi3b({
  server: values.server,
  serial: values.serial,
  fileTimeoutMs: Number(values['file-timeout-ms']),
});
const put = (name: string, data: Buffer | string) => writeFileSync(join(values.workdir, name), data);
if (run.boot) {
  put('kernel', run.boot.kernel);
  put('dtb', run.boot.deviceTree);
  put('cmdline', run.boot.cmdline);
  if (run.boot.initramfs) put('initramfs', run.boot.initramfs);
}
process.stdout.write(`${JSON.stringify({ requests: run.requests, failure: run.failure, choice: run.boot?.choice })}\n`);
