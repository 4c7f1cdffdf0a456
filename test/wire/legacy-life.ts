import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BoshCpi } from '../lab/bosh-cpi.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';
import type { LegacyWorld } from './legacy-world.ts';

/** What BOSH does with a deployment, from the first stemcell to the last disk. */
export function legacyLife(of: () => LegacyWorld): void {
  test('the whole life of two VMs as the BOSH CPI goes through it, with a stemcell that is fixed meanwhile', async () => {
    const world = of();
    const cpi = new BoshCpi(world.go);
    const { image, lit } = world.rack;
    const stemcell = await cpi.createStemcell('bosh-stemcell-3541.10', image);
    const vm = await cpi.createVm(stemcell, { agent: 'agent-1', ephemeralMiB: 8 });
    assert.ok(lit.has(vm));
    assert.equal(await cpi.hasVm(vm), true);
    const piConfig = (name: string, of = vm) =>
      JSON.parse(readFileSync(join(world.bakery.root, 'nfs', of, 'piConfig', name), 'utf8'));
    const [ephemeral] = piConfig('disks.json');
    assert.deepEqual([piConfig('settings.json').agent_id, ephemeral.size], ['agent-1', 8]);
    assert.deepEqual(await cpi.getDisks(vm), [ephemeral.id]);

    const disk = await cpi.createDisk(4);
    assert.equal(await cpi.hasDisk(disk), true);
    await cpi.attachDisk(vm, disk);
    assert.deepEqual(await cpi.getDisks(vm), [ephemeral.id, disk]);
    assert.deepEqual(
      piConfig('disks.json').map(({ id }: { id: string }) => id),
      [ephemeral.id, disk],
    );
    assert.deepEqual(Object.keys(piConfig('settings.json').disks.persistent), [disk]);
    const reboot = cpi.rebootVm(vm);

    // bosh upload-stemcell --fix, while a VM of it lives.
    assert.equal(await cpi.createStemcell('bosh-stemcell-3541.10', image), stemcell);
    const second = await cpi.createVm(stemcell, { agent: 'agent-2', ephemeralMiB: 4 });
    assert.notEqual(second, vm);
    await reboot;
    assert.deepEqual([lit.has(vm), lit.has(second)], [true, true]);

    // The disk moves on to the second VM.
    await cpi.detachDisk(vm, disk);
    await cpi.attachDisk(second, disk);
    assert.deepEqual(await cpi.getDisks(vm), [ephemeral.id]);
    assert.equal(piConfig('disks.json', second)[1]?.id, disk);
    await cpi.detachDisk(second, disk);

    await cpi.deleteVm(vm);
    assert.equal(await cpi.hasVm(vm), false);
    await cpi.deleteVm(vm);
    await cpi.deleteVm(second);
    assert.equal(await cpi.hasVm(second), false);
    assert.equal(await cpi.hasDisk(disk), true);
    await cpi.deleteDisk(disk);
    assert.equal(await cpi.hasDisk(disk), false);
    await cpi.deleteDisk(disk);
    await cpi.deleteStemcell(stemcell);
    await assert.rejects(cpi.createVm(stemcell, { agent: 'agent-3', ephemeralMiB: 4 }), /status code 400/);

    await untilAtRest(world.rack.world, 60_000);
    assert.deepEqual(await checkWorld(world.rack.world), []);
    assert.deepEqual([lit.has(vm), lit.has(second)], [false, false]);
  });

  test('a VM that BOSH takes back because its agent never came leaves nothing, and the Pi serves the next', async () => {
    const world = of();
    const cpi = new BoshCpi(world.go);
    world.rack.broken.add(world.rack.serials[0] ?? '');
    // The first Pi of the fridge is picked; its port does not work, the power-cycle is refused, the CPI rolls back.
    await assert.rejects(
      cpi.createVm('tiny', { agent: 'agent-1', ephemeralMiB: 4 }),
      /PowercyclePi returned status code 503/,
    );
    world.rack.broken.clear();
    const { id } = await world.vm();
    await cpi.deleteVm(id);
    await untilAtRest(world.rack.world, 60_000);
    assert.deepEqual(await checkWorld(world.rack.world), []);
    assert.deepEqual((await world.must<{ disks: object }>({ method: 'GET', path: '/disks' })).disks, {});
  });
}
