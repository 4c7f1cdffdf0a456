import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RomRequest } from '../../lab/rom/ask.ts';
import { bootRom } from '../../lab/rom/boot.ts';
import { MODELS, type RomModel } from '../../lab/rom/models.ts';
import { BOOT, type Files, OPTIONS, PI_5, TRANSCRIPTS, transcript, words } from '../../lab/rom/transcripts.ts';
import { startTinyTftp } from './tiny-tftp.ts';

const SERIAL = '91cdf03d';
const told = (requests: readonly RomRequest[]) => transcript(requests, SERIAL);

async function boot(
  context: TestContext,
  model: RomModel,
  { files = {}, without = [] }: { files?: Files; without?: readonly string[] } = {},
) {
  const there = Object.entries({ ...BOOT, ...files }).filter(([name]) => !without.includes(name));
  // A Pi 5 has two slashes before some names.
  const own = there.flatMap(([name, text]) => [`${SERIAL}/`, `${SERIAL}//`].map((folder) => [folder + name, text]));
  const tftp = await startTinyTftp({ 'bootcode.bin': 'b', ...Object.fromEntries(own) });
  context.after(() => tftp.close());
  return bootRom({ model, server: '127.0.0.1', port: tftp.port, firstPort: 0, fileTimeoutMs: 20_000, serial: SERIAL });
}

for (const model of Object.keys(MODELS) as RomModel[]) {
  test(`a ${model} asks for its files in the order of a real one, with its options`, async (context) => {
    const { requests, boot: got, failure } = await boot(context, model);
    assert.equal(failure, undefined);
    assert.deepEqual(told(requests), words(TRANSCRIPTS[model]));
    const isOfRom = ({ path }: RomRequest) => model.startsWith('3') && /^boot(code|sig)\.bin$/.test(path);
    for (const request of requests) {
      assert.equal(request.options.join(' '), isOfRom(request) ? '' : OPTIONS[model], request.path);
      if (request.outcome === 'fetched' && !isOfRom(request)) assert.equal(request.size, request.bytes, request.path);
    }
    assert.deepEqual(got?.overlays, ['overlays/disable-bt.dtbo']);
    assert.equal(got.cmdline, 'console=tty1 root=/dev/nfs');
    const kernel = model === '5' ? BOOT['kernel_2712.img'] : BOOT['kernel8.img'];
    assert.equal(got.kernel.toString(), kernel);
  });

  test(`a ${model} takes everything from the root when its folder has nothing`, async (context) => {
    const tftp = await startTinyTftp({ 'bootcode.bin': 'b', ...BOOT });
    context.after(() => tftp.close());
    const { port } = tftp;
    const run = await bootRom({
      ...{ model, server: '127.0.0.1', port, firstPort: 0 },
      ...{ fileTimeoutMs: 20_000, serial: SERIAL },
    });
    assert.equal(run.boot?.prefix, '', run.failure);
    const own = told(run.requests.filter(({ path }) => path.startsWith(SERIAL)));
    const probes = model.startsWith('3') ? ['S/start.elf-'] : ['S/start4.elf-', 'S/start.elf-'];
    assert.deepEqual(own, model === '5' ? ['S/config.txt-'] : probes);
  });
}

test('a 3B that is told nothing looks for 32-bit kernels by three names, and takes the stub of 32 bits', async (context) => {
  const files = { 'config.txt': '', 'kernel.img': 'old' };
  const { requests, boot: got } = await boot(context, '3b', { files });
  const last = words(`S/recovery7.img- S/kernel8-32.img- S/kernel7.img- S/kernel.img? S/armstub8-32.bin- S/kernel.img?
    S/kernel.img`);
  assert.deepEqual(told(requests).slice(-last.length), last);
  assert.deepEqual([got?.choice.arm64, got?.choice.kernel, got?.kernel.toString()], [false, 'kernel.img', 'old']);
});

test('a Pi 4 that is told arm_64bit=0 loads kernel7l.img', async (context) => {
  const files = { 'config.txt': 'arm_64bit=0', 'kernel7l.img': 'lpae' };
  const { requests, boot: got } = await boot(context, '4-2022', { files });
  const last = words(
    `S/recovery7l.img- S/kernel7l.img? S/kernel7l.img? S/kernel7l.img? S/armstub8-32-gic.bin- S/kernel7l.img`,
  );
  assert.deepEqual(told(requests).slice(-last.length), last);
  assert.equal(got?.kernel.toString(), 'lpae');
});

test('a Pi 5 without its own kernel takes kernel8.img, and the initramfs of that', async (context) => {
  const { requests } = await boot(context, '5', { without: ['kernel_2712.img'] });
  const expected = words(`${PI_5('S/kernel_2712.img- S/kernel8.img?', 'initramfs8')} S/kernel8.img`);
  assert.deepEqual(told(requests), expected);
});

test('a Pi 5 goes on without a device tree, a Pi 4 does not', async (context) => {
  const { boot: got } = await boot(context, '5', { without: ['bcm2712-rpi-5-b.dtb'] });
  assert.ok(got && got.deviceTree === undefined);
  const { failure } = await boot(context, '4-2022', { without: ['bcm2711-rpi-4-b.dtb'] });
  assert.equal(failure, `no ${SERIAL}/bcm2711-rpi-4-b.dtb (missing)`);
});

test('an os_prefix that leads nowhere is passed over after a look, one that leads somewhere is used', async (context) => {
  const config = { 'config.txt': 'arm_64bit=1\nos_prefix=new/\n' };
  const nowhere = await boot(context, '4-2022', { files: config });
  assert.deepEqual(
    told(nowhere.requests).filter((line) => line.includes('new/')),
    ['S/new/kernel8.img-'],
  );
  assert.equal(nowhere.boot?.choice.kernel, 'kernel8.img');
  const files = {
    ...config,
    ...{ 'new/kernel8.img': 'new', 'new/bcm2711-rpi-4-b.dtb': 'd', 'new/cmdline.txt': 'new root' },
  };
  const somewhere = await boot(context, '4-2022', { files });
  assert.deepEqual(
    told(somewhere.requests).filter((line) => line.includes('new/')),
    words(`S/new/kernel8.img? S/new/bcm2711-rpi-4-b.dtb? S/new/overlays/README- S/new/bcm2711-rpi-4-b.dtb? S/new/bcm2711-rpi-4-b.dtb
      S/new/cmdline.txt S/new/kernel8.img? S/new/kernel8.img? S/new/kernel8.img? S/new/kernel8.img`),
  );
  assert.deepEqual([somewhere.boot?.cmdline, somewhere.boot?.kernel.toString()], ['new root', 'new']);
});
