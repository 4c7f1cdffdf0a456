import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootRom } from './boot.ts';
import { askDhcp } from './dhcp.ts';
import { type DhcpStage, MODELS, type RomModel } from './models.ts';
import { clearAddress, takeAddress, withWire } from './wire.ts';

/**
 * The boot ROM as a process, so that it can run where the Pi is on the network. With --server its interface has its address, or it has
 * the one of this machine named by --from; else it asks by DHCP, and takes the address that it is given. Leaves in --workdir, if any, what it fetched: kernel, dtb, initramfs (if any) and
 * cmdline. Tells by JSON lines: `lease` for each DHCP, `request` for each file, then `fetched` or `failed`.
 */
const { values } = parseArgs({
  options: {
    model: { type: 'string', default: '3b' },
    server: { type: 'string', default: '' },
    'tftp-port': { type: 'string', default: '69' },
    from: { type: 'string' },
    serial: { type: 'string', default: '' },
    mac: { type: 'string', default: '' },
    revision: { type: 'string', default: '0' },
    prefix: { type: 'string' },
    'boot-order': { type: 'string', default: 'f21' },
    'too-new': { type: 'boolean', default: false },
    workdir: { type: 'string', default: '' },
    'file-timeout-ms': { type: 'string', default: '30000' },
  },
});
const tell = (event: string, facts: object) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);
const put = (name: string, data: Buffer | string) =>
  values.workdir === '' || writeFileSync(join(values.workdir, name), data);
if (!Object.keys(MODELS).includes(values.model)) throw new Error(`there is no model ${values.model}`);

async function locate(stage: DhcpStage): Promise<string> {
  clearAddress();
  const lease = await withWire((wire) => askDhcp(stage, values, wire));
  takeAddress(lease, stage);
  tell('lease', { lease });
  return lease.tftp;
}

// Read from the right; 2 is the network (raspberry-pi/eeprom-bootloader.adoc, BOOT_ORDER). Without it a board asks nobody.
if (!values['boot-order'].includes('2')) {
  tell('failed', { requests: [], reason: `BOOT_ORDER=0x${values['boot-order']} has no network in it` });
  process.exit(0);
}

const { boot, failure, requests } = await bootRom({
  model: values.model as RomModel,
  server: values.server === '' ? locate : values.server,
  port: Number(values['tftp-port']),
  ...(values.from === undefined ? {} : { from: values.from }),
  serial: values.serial,
  ...(values.prefix === undefined ? {} : { prefix: values.prefix }),
  isTooNew: values['too-new'],
  fileTimeoutMs: Number(values['file-timeout-ms']),
  onRequest: (request) => tell('request', { request }),
});
if (boot) {
  put('kernel', boot.kernel);
  if (boot.deviceTree) put('dtb', boot.deviceTree);
  put('cmdline', boot.cmdline);
  if (boot.initramfs) put('initramfs', boot.initramfs);
  const { prefix, choice, cmdline, overlays } = boot;
  tell('fetched', { requests, prefix, choice, cmdline, overlays });
} else {
  tell('failed', { requests, reason: failure });
}
