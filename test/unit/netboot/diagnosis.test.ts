import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Boot, BootFacts } from '../../../core/boot.ts';
import type { Ipv4, PiId } from '../../../core/ids.ts';
import { CAUSES } from '../../../netboot/boots/causes.ts';
import { bootState, DIAGNOSES, type DiagnosisFacts, diagnose } from '../../../netboot/boots/diagnosis.ts';

const NOTHING: BootFacts = {
  discovers: 0,
  files: 0,
  bytes: 0,
  misses: 0,
  missed: [],
  got: [],
  isPastRom: true,
  isUnbaked: false,
};

function boot(stages: readonly (keyof Boot['stages'])[], facts: Partial<BootFacts> = {}): Boot {
  return {
    id: 'boot',
    pi: '5564247d' as PiId,
    startedAt: 1_000,
    heardAt: 1_000,
    stages: Object.fromEntries(stages.map((stage) => [stage, 1_000])),
    ended: undefined,
    isStopTold: false,
    facts: { ...NOTHING, ...facts },
  };
}

const FETCHED = { got: ['firmware', 'config', 'device-tree', 'cmdline', 'kernel'] };
/** A boot for each diagnosis, and how DHCP is taken part in. */
const CASES: readonly (readonly [keyof typeof DIAGNOSES, Boot, DiagnosisFacts['dhcp']?])[] = [
  ['power-failed', boot([], { powerFailure: 'timeout' })],
  ['no-sign', boot(['power-on'])],
  ['no-offer', boot(['power-on', 'dhcp'], { sender: 'pi4' })],
  ['no-offer', boot(['dhcp'], { sender: 'rom-3b' })],
  ['no-address', boot(['dhcp'], { sender: 'pi4' }), 'proxy'],
  ['no-file', boot(['dhcp'], { sender: 'pi4', requestedAt: 1 })],
  ['no-file', boot(['dhcp'], { sender: 'rom-3b' }), 'proxy'],
  ['first-stage-only', boot(['dhcp', 'first-file'], { isPastRom: false, got: ['first-stage'] })],
  ['not-baked', boot(['first-file'], { isUnbaked: true, missed: ['start4.elf'] })],
  ['firmware-missing', boot(['first-file'], { missed: ['start4.elf', 'start.elf'] })],
  ['firmware-missing', boot(['first-file'], { missed: ['start4.elf', 'pieeprom.sig'], got: ['config'] })],
  ['firmware-missing', boot(['first-file'], { missed: ['config.txt'] })],
  ['firmware-stuck', boot(['first-file', 'firmware'], { got: ['firmware', 'config'], missed: ['recovery.elf'] })],
  ['transfer-broke', boot(['first-file'], { brokenFile: 'start4.elf', lastFile: 'start4.elf' })],
  ['kernel-missing', boot(['firmware', 'cmdline'], { missed: ['kernel8.img'], got: ['firmware', 'cmdline'] })],
  ['device-tree-missing', boot(['firmware'], { missed: ['bcm2711-rpi-4-b.dtb'] })],
  ['device-tree-missing', boot(['kernel'], { missed: ['bcm2711-rpi-4-b.dtb'], got: ['kernel'] })],
  ['cmdline-missing', boot(['firmware'], { missed: ['cmdline.txt'], got: ['device-tree'] })],
  ['initramfs-missing', boot(['kernel'], { ...FETCHED, missed: ['initramfs8'] })],
  ['kernel-silent', boot(['kernel'], { ...FETCHED, missed: ['armstub8.bin', 'recovery8.img'] })],
  ['root-not-asked', boot(['kernel'], { ...FETCHED, kernelAskedAt: 1 })],
  ['export-refused', boot(['kernel'], { ...FETCHED, kernelAskedAt: 1, nfsAskedAt: 2 })],
  ['not-ready', boot(['kernel', 'root-mounted'])],
  ['booted', boot(['root-mounted', 'ready'], { clockAheadMs: -2_000 })],
  ['clock-wrong', boot(['root-mounted', 'ready'], { clockAheadMs: -300_001 })],
];

test('each diagnosis there is has a boot that it is said of', () => {
  for (const [code, of, dhcp = 'listen'] of CASES) assert.equal(diagnose(of, { dhcp }).code, code, JSON.stringify(of));
  assert.deepEqual([...new Set(CASES.map(([code]) => code))].toSorted(), Object.keys(DIAGNOSES).toSorted());
});

test('each cause belongs to a diagnosis, and the next thing to check is that of the likeliest', () => {
  const named = new Set(
    CASES.flatMap(([, of, dhcp = 'listen']) => diagnose(of, { dhcp }).causes.map(({ code }) => code)),
  );
  assert.deepEqual([...named].toSorted(), Object.keys(CAUSES).toSorted());
  for (const [, of, dhcp = 'listen'] of CASES) {
    const { causes, next } = diagnose(of, { dhcp });
    const [first] = causes;
    assert.equal(next, first && `${CAUSES[first.code].check}.`);
  }
});

test('what is missed is named, with the file that broke off and the address that was refused', () => {
  const text = (of: Boot) => diagnose(of, { dhcp: 'listen' }).text;
  assert.equal(
    text(boot(['firmware'], { missed: ['armstub8.bin', 'kernel8.img', 'kernel7l.img'] })),
    'There is no kernel for it: kernel8.img, kernel7l.img.',
  );
  assert.match(text(boot(['first-file'], { brokenFile: 'a', lastFile: 'a' })), /broke off: a\.$/);
  const elsewhere = boot(['kernel'], { nfsAskedAt: 1, nfsAskedFrom: '10.0.0.9' as Ipv4 });
  assert.match(text(elsewhere), /from 10\.0\.0\.9\.$/);
  assert.equal(diagnose(elsewhere, { dhcp: 'listen' }).causes[0]?.code, 'address-changed');
});

test('STP is thought of first for boards that give up before it lets them through; without DHCP all of it may be', () => {
  const causes = (of: Boot, dhcp: DiagnosisFacts['dhcp']) => diagnose(of, { dhcp }).causes.map(({ code }) => code);
  assert.ok(causes(boot(['dhcp'], { sender: 'rom-3b' }), 'listen').includes('stp'));
  assert.ok(causes(boot(['power-on']), 'off').includes('option-43'));
  assert.ok(!causes(boot(['power-on']), 'proxy').includes('option-43'));
});

test('a boot has stopped when it was silent for longer than its stage takes, or ended before it was up', () => {
  const at = (of: Boot, ms: number) => bootState(of, of.heardAt + ms);
  assert.deepEqual([at(boot(['power-on']), 119_000), at(boot(['power-on']), 121_000)], ['under-way', 'stopped']);
  assert.deepEqual([at(boot(['firmware']), 89_000), at(boot(['firmware']), 91_000)], ['under-way', 'stopped']);
  assert.deepEqual([at(boot(['kernel']), 179_000), at(boot(['kernel']), 181_000)], ['under-way', 'stopped']);
  assert.equal(at({ ...boot(['kernel']), ended: { at: 2_000, by: 'off' } }, 10), 'stopped');
  assert.equal(at(boot(['root-mounted']), 1e9), 'up');
  assert.equal(at(boot(['kernel']), -1e9), 'stopped', 'the clock was set back by years');
});
