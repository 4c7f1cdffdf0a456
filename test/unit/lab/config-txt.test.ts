import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BootChoice, chooseBoot, readSettings, withKernel } from '../../lab/rom/config-txt.ts';
import { MODELS, type RomModel } from '../../lab/rom/models.ts';
import { settleBoot } from '../../lab/rom/os-prefix.ts';

const boardOf = (model: RomModel) => ({ ...MODELS[model], serial: '0564247d' });
const read = (text: string, more: Record<string, string> = {}, model: RomModel = '3b') =>
  readSettings(async (name) => ({ 'config.txt': text, ...more })[name], boardOf(model));
const choose = async (text: string, more: Record<string, string> = {}, model: RomModel = '3b') =>
  chooseBoot(await read(text, more, model), boardOf(model));
/** A kernel that stays what it is when nothing that follows applies. */
const DEFAULT = { kernel: 'kernel7.img' };

const rows: [promise: string, text: string, want: Partial<BootChoice>, more?: Record<string, string>][] = [
  [
    'an empty file means the 32-bit kernel',
    '',
    { kernel: 'kernel7.img', deviceTree: 'bcm2710-rpi-3-b.dtb', cmdline: 'cmdline.txt', arm64: false },
  ],
  ['arm_64bit means kernel8.img', 'arm_64bit=1', { kernel: 'kernel8.img', arm64: true, initramfs: undefined }],
  ['arm_64bit=0 is off', 'arm_64bit=0', { kernel: 'kernel7.img', arm64: false }],
  ['kernel= wins over arm_64bit', 'kernel=vmlinuz\narm_64bit=1', { kernel: 'vmlinuz', arm64: true }],
  ['an empty value is no name', 'kernel=\ncmdline=', { kernel: 'kernel7.img', cmdline: 'cmdline.txt' }],
  [
    'initramfs has no equals sign',
    'initramfs initrd.img followkernel',
    { initramfs: 'initrd.img', initramfsOptional: false },
  ],
  ['initramfs may name an address', 'initramfs i.gz 0x00800000', { initramfs: 'i.gz' }],
  ['ramfsfile names an initramfs too', 'ramfsfile=r.gz', { initramfs: 'r.gz' }],
  ['the later of initramfs and ramfsfile counts', 'initramfs a\nramfsfile=b\ninitramfs c', { initramfs: 'c' }],
  [
    'auto_initramfs follows the kernel’s name',
    'arm_64bit=1\nauto_initramfs=1',
    { initramfs: 'initramfs8', initramfsOptional: true },
  ],
  ['auto_initramfs knows no kernel of another name', 'kernel=vmlinuz\nauto_initramfs=1', { initramfs: undefined }],
  ['a named initramfs wins over the automatic one', 'auto_initramfs=1\ninitramfs mine', { initramfs: 'mine' }],
  [
    'a filter of another model is left out, and a new one replaces it',
    '[pi4]\nkernel=4\n[pi3]\nkernel=3\n[pi5]\nkernel=5',
    { kernel: '3' },
  ],
  ['a 3B is no 3B+', '[pi3+]\nkernel=plus', DEFAULT],
  ['a filter may be written in capitals', '[PI3]\nkernel=3', { kernel: '3' }],
  ['board-type is a model filter', '[board-type=0x11]\nkernel=4\n[pi3]\nkernel=3', { kernel: '3' }],
  ['[all] lifts every filter', '[pi4]\n[0x1]\n[none]\n[gpio4=1]\n[all]\nkernel=c', { kernel: 'c' }],
  ['[none] lasts until [all]', '[none]\nkernel=a\n[pi3]\nkernel=b', DEFAULT],
  ['a serial filter holds without its zeros', '[0x564247D]\nkernel=mine', { kernel: 'mine' }],
  ['a serial filter holds with its zeros', '[0x0564247d]\nkernel=mine', { kernel: 'mine' }],
  ['serial and model must both hold', '[0x11111111]\n[pi3]\nkernel=x', DEFAULT],
  ['a serial outlasts a model', '[0x564247d]\n[pi4]\nkernel=4\n[pi3]\nkernel=3', { kernel: '3' }],
  ['gpio holds on no board in a rack', '[gpio4=1]\nkernel=g', DEFAULT],
  ['EDID holds on no board in a rack', '[EDID=VSC-TD2220]\nkernel=e', DEFAULT],
  ['tryboot holds on no board in a rack', '[tryboot]\nkernel=t', DEFAULT],
  ['later values override', 'kernel=a\nkernel=b', { kernel: 'b' }],
  [
    'include reads another file, then goes on',
    'kernel=a\ninclude more.txt\ncmdline=c.txt',
    { kernel: 'b', cmdline: 'c.txt', filesRead: ['config.txt', 'more.txt'] },
    { 'more.txt': 'kernel=b\r\n' },
  ],
  [
    'a missing include is passed over',
    'include gone.txt\nkernel=a',
    { kernel: 'a', filesRead: ['config.txt', 'gone.txt'] },
  ],
  [
    'an include under a filter that does not hold is not read',
    '[pi4]\ninclude more.txt',
    { ...DEFAULT, filesRead: ['config.txt'] },
    { 'more.txt': 'kernel=b' },
  ],
  ['a file that includes itself ends', 'include config.txt\nkernel=x', { kernel: 'x' }],
  [
    'os_prefix goes before every name',
    'arm_64bit=1\ninitramfs i\nos_prefix=new/',
    {
      kernel: 'new/kernel8.img',
      initramfs: 'new/i',
      deviceTree: 'new/bcm2710-rpi-3-b.dtb',
      cmdline: 'new/cmdline.txt',
      overlayPrefix: 'new/overlays/',
    },
  ],
  ['an absolute name has no prefix', 'os_prefix=new/\nkernel=/k.img', { kernel: 'k.img' }],
  ['overlay_prefix comes after os_prefix', 'os_prefix=n/\noverlay_prefix=o/', { overlayPrefix: 'n/o/' }],
  [
    'upstream_kernel takes upstream’s device tree, from a folder of its own',
    'upstream_kernel=1',
    { deviceTree: 'upstream/bcm2837-rpi-3-b.dtb', upstreamKernel: true, osPrefix: 'upstream/' },
  ],
  ['os_prefix wins over upstream_kernel', 'upstream_kernel=1\nos_prefix=my/', { osPrefix: 'my/' }],
  ['device_tree names it', 'device_tree=my.dtb', { deviceTree: 'my.dtb' }],
  [
    'without arm_64bit the older 32-bit names are tried in turn',
    '',
    { kernels: ['kernel8-32.img', 'kernel7.img', 'kernel.img'] },
  ],
  ['kernel=kernel8.img means 64 bits', 'kernel=kernel8.img', { arm64: true, kernels: ['kernel8.img'] }],
  ['kernel=kernel7.img means 32 bits', 'arm_64bit=1\nkernel=kernel7.img', { arm64: false }],
  ['the automatic initramfs of 32 bits is initramfs7', 'auto_initramfs=1', { initramfs: 'initramfs7' }],
  [
    'overlays are asked for in their order, without their parameters',
    'dtoverlay=disable-bt\ndtoverlay=gpio-fan,gpiopin=14\ndtoverlay=\n[pi4]\ndtoverlay=vc4\n[all]\ndtoverlay=w1-gpio:pin=4',
    { overlays: ['overlays/disable-bt.dtbo', 'overlays/gpio-fan.dtbo', 'overlays/w1-gpio.dtbo'] },
  ],
  ['overlays have both prefixes', 'os_prefix=n/\noverlay_prefix=o/\ndtoverlay=a', { overlays: ['n/o/a.dtbo'] }],
  [
    'comments, blanks and unknown words are passed over',
    '#kernel=no\nnonsense\n  kernel=yes  \ndtparam=audio=on\r\n',
    { kernel: 'yes' },
  ],
  ['a line is cut at 98 characters', `kernel=${'k'.repeat(200)}`, { kernel: 'k'.repeat(91) }],
];
for (const [promise, text, want, more] of rows) {
  test(promise, async () => {
    const got = await choose(text, more);
    for (const [key, value] of Object.entries(want)) assert.deepEqual(got[key as keyof BootChoice], value, key);
  });
}

const models: [promise: string, model: RomModel, text: string, want: Partial<BootChoice>][] = [
  ['a 3B+ answers to [pi3] and [pi3+]', '3b+', '[pi3]\nkernel=3\n[pi3+]\nkernel=plus', { kernel: 'plus' }],
  ['a 3B+ has a device tree of its own', '3b+', '', { deviceTree: 'bcm2710-rpi-3-b-plus.dtb' }],
  ['a Pi 4 boots 64 bits untold', '4-2022', '', { kernel: 'kernel8.img', arm64: true }],
  ['a Pi 4 boots kernel7l.img when told 32 bits', '4-2022', 'arm_64bit=0', { kernels: ['kernel7l.img'], arm64: false }],
  ['a Pi 4 answers to [pi4]', '4-2020', '[pi4]\nkernel=4\n[pi3]\nkernel=3', { kernel: '4' }],
  ['a Pi 5 knows 64 bits only', '5', 'arm_64bit=0', { kernels: ['kernel_2712.img', 'kernel8.img'], arm64: true }],
  ['a Pi 5’s automatic initramfs', '5', 'auto_initramfs=1', { initramfs: 'initramfs_2712' }],
];
for (const [promise, model, text, want] of models) {
  test(promise, async () => {
    const got = await choose(text, {}, model);
    for (const [key, value] of Object.entries(want)) assert.deepEqual(got[key as keyof BootChoice], value, key);
  });
}

test('the automatic initramfs follows a kernel that is found under its second name', async () => {
  const wished = await choose('auto_initramfs=1\nos_prefix=n/', {}, '5');
  assert.equal(withKernel(wished, 'n/kernel8.img').initramfs, 'n/initramfs8');
  const named = await choose('initramfs mine', {}, '5');
  assert.equal(withKernel(named, 'kernel8.img').initramfs, 'mine');
});

const prefixes: [promise: string, files: string[], want: Partial<BootChoice>][] = [
  ['os_prefix is passed over when its kernel is missing', ['n/bcm2710-rpi-3-b.dtb'], { kernel: 'kernel8.img' }],
  ['os_prefix is passed over when its device tree is missing', ['n/kernel8.img'], { cmdline: 'cmdline.txt' }],
  [
    'os_prefix holds when both are there, and overlays without a README are shared',
    ['n/kernel8.img', 'n/bcm2710-rpi-3-b.dtb'],
    { kernel: 'n/kernel8.img', cmdline: 'n/cmdline.txt', overlays: ['overlays/a.dtbo'] },
  ],
  [
    'overlays with a README are its own',
    ['n/kernel8.img', 'n/bcm2710-rpi-3-b.dtb', 'n/overlays/README'],
    { overlays: ['n/overlays/a.dtbo'] },
  ],
];
for (const [promise, files, want] of prefixes) {
  test(promise, async () => {
    const settings = await read('arm_64bit=1\nos_prefix=n/\ndtoverlay=a');
    const got = await settleBoot(settings, boardOf('3b'), async (name) => files.includes(name));
    for (const [key, value] of Object.entries(want)) assert.deepEqual(got[key as keyof BootChoice], value, key);
  });
}

test('a missing config.txt is an empty one', async () => {
  const settings = await readSettings(async () => undefined, boardOf('3b'));
  const { kernel, initramfs } = chooseBoot(settings, boardOf('3b'));
  assert.deepEqual([kernel, initramfs], ['kernel7.img', undefined]);
});
