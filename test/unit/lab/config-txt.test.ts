import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateConfig } from '../../lab/rom/config-txt.ts';

const read = (files: Record<string, string>) => async (name: string) => files[name];
const choose = (text: string, more: Record<string, string> = {}) =>
  evaluateConfig(read({ 'config.txt': text, ...more }), { models: ['pi3'], serial: '5564247d' });

const cases: [string, string, Record<string, string | undefined>, Record<string, string>?][] = [
  [
    'an empty file means the 32-bit kernel',
    '',
    { kernel: 'kernel7.img', deviceTree: 'bcm2710-rpi-3-b.dtb', cmdline: 'cmdline.txt' },
  ],
  ['arm_64bit means kernel8.img', 'arm_64bit=1', { kernel: 'kernel8.img', initramfs: undefined }],
  ['auto_initramfs follows the kernel’s name', 'arm_64bit=1\nauto_initramfs=1', { initramfs: 'initramfs8' }],
  [
    'initramfs has no equals sign',
    'kernel=vmlinuz\ninitramfs initrd.img followkernel',
    { kernel: 'vmlinuz', initramfs: 'initrd.img' },
  ],
  [
    'a filter of another model is left out',
    '[pi4]\nkernel=four\n[pi3]\nkernel=three\n[pi5]\nkernel=five',
    { kernel: 'three' },
  ],
  ['[all] lifts every filter', '[pi4]\nkernel=a\n[none]\nkernel=b\n[all]\nkernel=c', { kernel: 'c' }],
  ['a serial filter holds for its Pi', '[0x5564247d]\nkernel=mine\n[0x11111111]\nkernel=other', { kernel: 'mine' }],
  ['model and serial must both hold', '[0x11111111]\n[pi3]\nkernel=both', { kernel: 'kernel7.img' }],
  ['later values override', 'kernel=a\nkernel=b', { kernel: 'b' }],
  ['include reads another file', 'include more.txt', { kernel: 'included' }, { 'more.txt': 'kernel=included' }],
  ['a file that includes itself ends', 'include config.txt\nkernel=x', { kernel: 'x' }],
  [
    'os_prefix goes before every name',
    'os_prefix=new/\narm_64bit=1',
    { kernel: 'new/kernel8.img', cmdline: 'new/cmdline.txt', overlayPrefix: 'new/overlays/' },
  ],
  ['upstream_kernel takes upstream’s device tree', 'upstream_kernel=1', { deviceTree: 'bcm2837-rpi-3-b.dtb' }],
  ['device_tree names it', 'device_tree=my.dtb\nupstream_kernel=1', { deviceTree: 'my.dtb' }],
  ['comments and unknown words are passed over', '# kernel=no\nnonsense\n  kernel=yes  ', { kernel: 'yes' }],
  ['a line is cut at 98 characters', `kernel=${'k'.repeat(200)}`, { kernel: 'k'.repeat(91) }],
];
for (const [promise, text, expected, more] of cases) {
  test(promise, async () => {
    const choice = await choose(text, more);
    for (const [key, value] of Object.entries(expected)) assert.equal(choice[key as keyof typeof choice], value, key);
  });
}
