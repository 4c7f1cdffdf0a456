import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootPi3b } from './pi3b.ts';

/**
 * The boot ROM as a process, so that it can run where the Pi is on the network. Leaves in --workdir what it fetched: kernel,
 * dtb, initramfs (if any) and cmdline. Tells by JSON lines: `request` for each, then `fetched` or `failed`.
 */
const { values } = parseArgs({
  options: {
    server: { type: 'string', default: '' },
    serial: { type: 'string', default: '' },
    workdir: { type: 'string', default: '' },
    'file-timeout-ms': { type: 'string', default: '30000' },
  },
});
const tell = (event: string, facts: object) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);
const put = (name: string, data: Buffer | string) => writeFileSync(join(values.workdir, name), data);

const { boot, failure, requests } = await bootPi3b({
  server: values.server,
  serial: values.serial,
  fileTimeoutMs: Number(values['file-timeout-ms']),
  onRequest: (request) => tell('request', { request }),
});
if (boot) {
  put('kernel', boot.kernel);
  put('dtb', boot.deviceTree);
  put('cmdline', boot.cmdline);
  if (boot.initramfs) put('initramfs', boot.initramfs);
  tell('fetched', { requests, prefix: boot.prefix, choice: boot.choice, cmdline: boot.cmdline });
} else {
  tell('failed', { requests, reason: failure });
}
