import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Boot, MAX_MISSED, stageOf } from '../../../core/boot.ts';
import type { PiId } from '../../../core/ids.ts';
import { roleOf } from '../../../netboot/boots/files.ts';
import { advanceBoot, type Sign } from '../../../netboot/boots/timeline.ts';

const PI = '5564247d' as PiId;
type Untimed<S> = S extends Sign ? Omit<S, 'at'> : never;

/** The boots that signs make of a Pi, one second apart unless one is a number: so many ms pass. */
function boots(...signs: readonly (Untimed<Sign> | number)[]): Boot[] {
  const all = new Map<string, Boot>();
  let boot: Boot | undefined;
  let at = 1_000_000;
  let count = 0;
  for (const sign of signs) {
    at += typeof sign === 'number' ? sign : 1_000;
    if (typeof sign === 'number') continue;
    const step = advanceBoot(boot, { ...sign, at } as Sign, { pi: PI, mint: () => `boot-${++count}` });
    for (const one of [step.ended, step.boot]) if (one) all.set(one.id, one);
    boot = step.boot;
  }
  return [...all.values()];
}
const on = { kind: 'power-on' } as const;
const off = { kind: 'power-off' } as const;
const discover = (sender: string) => ({ kind: 'dhcp', sender, isDiscover: true }) as const;
const ask = (path: string, isUnbaked = false) => ({ kind: 'asked', path, isUnbaked }) as const;
const file = (path: string, outcome: 'sent' | 'probed' | 'missing' | 'broken' = 'sent', bytes = 10) =>
  ({ kind: 'file', path, outcome, bytes }) as const;
const get = (...paths: string[]) => paths.flatMap((path) => [ask(path), file(path)]);
const stages = (boot: Boot | undefined) => Object.keys(boot?.stages ?? {});

/** As a Pi 3B does it (netboot-facts §2.3). */
const PI3 = [
  discover('rom-3b'),
  ...get('bootcode.bin'),
  ask('bootsig.bin'),
  file('bootsig.bin', 'missing', 0),
  discover('bootcode'),
  ask('start.elf'),
  file('start.elf', 'probed', 0),
  ...get('config.txt', 'start.elf', 'fixup.dat', 'config.txt', 'bcm2710-rpi-3-b.dtb', 'cmdline.txt'),
  ask('recovery8.img'),
  file('recovery8.img', 'missing', 0),
  file('kernel8.img', 'probed', 0),
  ...get('kernel8.img'),
  discover('os'),
  { kind: 'root-mounted' },
  { kind: 'ready', clockAheadMs: 12 },
] as const;

test('a Pi 3B that asks twice by DHCP makes one boot, with each stage at the time of its first sign', () => {
  const [boot, ...more] = boots(on, ...PI3);
  assert.deepEqual(more, []);
  assert.deepEqual(stages(boot), [
    'power-on',
    'dhcp',
    'first-file',
    'firmware',
    'cmdline',
    'kernel',
    'root-mounted',
    'ready',
  ]);
  const times = Object.values(boot?.stages ?? {});
  assert.deepEqual(times, times.toSorted());
  assert.deepEqual([boot?.stages['power-on'], boot?.startedAt], [1_001_000, 1_001_000]);
  const { files, bytes, misses, missed, discovers, clockAheadMs } = boot?.facts ?? {};
  assert.deepEqual([files, bytes, misses, missed], [8, 80, 2, ['bootsig.bin', 'recovery8.img']]);
  assert.deepEqual([discovers, clockAheadMs], [2, 12]);
});

test('a probe reaches no stage, nor does a file that broke off', () => {
  const [boot] = boots(...get('start4.elf'), file('cmdline.txt', 'probed', 0), file('kernel8.img', 'broken', 5));
  assert.equal(stageOf(boot ?? { stages: {} }), 'firmware');
  assert.deepEqual([boot?.facts.files, boot?.facts.bytes, boot?.facts.brokenFile], [1, 15, 'kernel8.img']);
});

test('a Pi 5 needs no start.elf, and a kernel of any name is one', () => {
  assert.deepEqual(stages(boots(...get('config.txt', 'cmdline.txt'))[0]), ['first-file', 'firmware', 'cmdline']);
  const [boot] = boots(...get('cmdline.txt'), file('my-own', 'sent', 9_000_000));
  assert.equal(stageOf(boot ?? { stages: {} }), 'kernel');
  assert.deepEqual(
    [
      'RPI_EFI.fd',
      'vmlinuz-6.12',
      'kernel_2712.img',
      'recovery8.img',
      'boot.img',
      'initrd.img',
      'overlays/vc4.dtbo',
    ].map(roleOf),
    ['other', 'kernel', 'kernel', 'other', 'everything', 'initramfs', 'other'],
  );
});

test('a new attempt begins with the power, with a DISCOVER of a ROM, and with first files after a kernel', () => {
  const whole = PI3.slice(0, -1);
  for (const again of [discover('rom-3b'), ask('bootcode.bin'), ask('start4.elf'), ask('config.txt')]) {
    const [first, second, ...more] = boots(...whole, again);
    assert.deepEqual([first?.ended?.by, second?.ended, more.length], ['next', undefined, 0], JSON.stringify(again));
  }
  assert.equal(boots(on, ...PI3, off, on, discover('rom-3b')).length, 2);
  assert.equal(boots(on, ...PI3, off)[0]?.ended?.by, 'off');
  // A Pi 4 that finds no kernel begins again with DHCP; where that is not read, with its first file after a while.
  const failed = [...get('start4.elf', 'config.txt'), file('kernel8.img', 'missing', 0)];
  assert.equal(boots(...failed, discover('pi4')).length, 2);
  assert.equal(boots(...failed, ask('start4.elf')).length, 1);
  assert.equal(boots(...failed, 61_000, ask('start4.elf')).length, 2);
});

test('DISCOVERs that nobody answers are one attempt, and one heard in the call that switched on is of that boot', () => {
  const [boot, ...more] = boots(on, discover('pi4'), 20_000, discover('pi4'), 20_000, discover('pi4'));
  assert.deepEqual([boot?.facts.discovers, more.length], [3, 0]);
  assert.equal(boots(discover('pi4'), on).length, 1);
  assert.equal(boots(discover('pi4'), 700_000, discover('pi4')).length, 2);
});

test('switching on what is on, or what does not come on, is no attempt of its own', () => {
  assert.equal(boots(on, ...PI3, on).length, 1);
  const failed = { kind: 'power-on', failed: 'timeout' } as const;
  const [boot, ...more] = boots(failed, failed, on, discover('pi5'));
  assert.deepEqual([stages(boot), boot?.facts.powerFailure, more.length], [['power-on', 'dhcp'], undefined, 0]);
  assert.deepEqual(stages(boots(failed)[0]), []);
});

test('a kernel, an NFS server and a power-off tell of no boot that was not seen; a Pi that says it is ready does', () => {
  assert.deepEqual(boots(discover('os'), { kind: 'root-mounted' }, { kind: 'nfs-asked' }, off), []);
  assert.deepEqual(stages(boots({ kind: 'ready' })[0]), ['ready']);
});

test('whatever firmware asks for, the names of missing files stay few', () => {
  const many = Array.from({ length: 500 }, (_, i) => file(`overlays/${i % 100}.dtbo`, 'missing', 0));
  const [boot] = boots(...many);
  assert.deepEqual([boot?.facts.misses, boot?.facts.missed.length], [500, MAX_MISSED]);
});
