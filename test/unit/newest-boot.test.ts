import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Boot } from '../../core/boot.ts';
import type { PiId } from '../../core/ids.ts';
import { newestBoot } from '../../server/boot/newest.ts';

const NOW = 1_000_000;
const boot: Boot = {
  id: 'a',
  pi: '5564247d' as PiId,
  startedAt: NOW - 5_000,
  heardAt: NOW - 5_000,
  stages: { 'power-on': NOW - 5_000 },
  ended: undefined,
  isStopTold: false,
  facts: { discovers: 0, files: 0, bytes: 0, misses: 0, missed: [], got: [], isPastRom: false, isUnbaked: false },
};

test('of a boot those who decide about power see how it is, when it gave a sign of its own, and whether firmware runs', () => {
  assert.deepEqual(newestBoot(boot, NOW), { id: 'a', state: 'under-way', hasFirmware: false, signAt: undefined });
  const asking = { ...boot, heardAt: NOW, stages: { ...boot.stages, dhcp: NOW } };
  assert.equal(newestBoot(asking, NOW)?.signAt, NOW);
  const loading = { ...boot, heardAt: NOW, stages: { ...boot.stages, firmware: NOW } };
  assert.equal(newestBoot(loading, NOW)?.hasFirmware, true);
  assert.equal(newestBoot({ ...boot, stages: { 'root-mounted': NOW } }, NOW)?.state, 'up');
  assert.equal(newestBoot(boot, NOW + 3_600_000)?.state, 'stopped');
});

test('a boot whose power was taken is none, and says nothing of the next', () => {
  assert.equal(newestBoot({ ...boot, ended: { at: NOW, by: 'off' } }, NOW), undefined);
  assert.equal(newestBoot(undefined, NOW), undefined);
});
