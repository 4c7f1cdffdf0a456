import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { sh } from '../lab/sh.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

// What the other tests rest on: whatever is wrong in the world, the check tells it, and nothing else.
inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery | undefined;
  let root: string;
  let pi: string;
  /** Attached to the Pi. */
  let disk: string;

  before(async () => {
    rack = await makeRack(1);
    root = rack.world.root;
    bakery = await rack.start();
    pi = rack.serials[0] ?? '';
    await register(bakery, pi);
    await call(bakery, 'POST', '/bakeforms/tiny', rack.image);
    await call(bakery, 'POST', '/fridge', { bakeformName: 'tiny' });
    await untilAtRest(rack.world, 30_000);
    disk = ((await call(bakery, 'POST', '/disks', { size: 4 })).body as { id: string }).id;
    assert.equal((await call(bakery, 'POST', `/oven/${pi}/disks`, { diskId: disk })).status, 200);
    // It would repair things; mounts and exports stay without it.
    await bakery.stop();
  });
  after(() => rack?.close(bakery));

  function sql(statement: string): void {
    const db = new Database(join(root, 'bakery.db'));
    // Rows may be wrong here on purpose.
    db.pragma('foreign_keys = OFF');
    db.prepare(statement).run();
    db.close();
  }
  const file = (path: string) => join(root, path);
  const volume = () => file(`pool/volumes/${disk}.ext4`);
  const place = () => file(`nfs/${disk}`);
  const mount = () => sh('mount', '-t', 'ext4', '-o', 'loop', volume(), place());
  const exports = () => ganeshaBackend({ root, log: quiet });
  async function served(at: string) {
    const found = (await exports().list()).find(({ path }) => path === at);
    assert.ok(found);
    return found;
  }

  test('a world in order has no fault', async () => assert.deepEqual(await checkWorld(rack.world), []));

  /** Does harm; gives what takes it back. */
  type Harm = () => unknown | Promise<unknown>;
  const leftFile = (path: string): { harm: Harm; mend: Harm } => ({
    harm: () => writeFileSync(file(path), ''),
    mend: () => rmSync(file(path)),
  });
  const row = (wrong: string, right: string): { harm: Harm; mend: Harm } => ({
    harm: () => sql(wrong.replace('$DISK', disk).replace('$PI', pi)),
    mend: () => sql(right.replace('$DISK', disk).replace('$PI', pi)),
  });
  const CASES: Readonly<Record<string, { harm: Harm; mend: Harm; faults: readonly RegExp[] }>> = {
    'a folder below nfs': {
      harm: () => mkdirSync(file('nfs/stray')),
      mend: () => rmdirSync(file('nfs/stray')),
      faults: [/^folder leaked: .*\/nfs\/stray$/],
    },
    'a volume of no disk': { ...leftFile('pool/volumes/stray.ext4'), faults: [/^volume leaked: stray\.ext4$/] },
    'a half-made volume': {
      ...leftFile('pool/volumes/stray.ext4.partial'),
      faults: [/^volume leaked: stray\.ext4\.partial$/],
    },
    'a golden volume of no bakeform': {
      ...leftFile('pool/golden/stray.ext4'),
      faults: [/^golden volume leaked: stray\.ext4$/],
    },
    'an upload': { ...leftFile('pool/incoming/stray'), faults: [/^incoming leaked: stray$/] },
    'a loop device': {
      harm() {
        writeFileSync(file('pool/trash/stray'), Buffer.alloc(4096));
        sh('losetup', '-f', file('pool/trash/stray'));
      },
      mend() {
        sh('losetup', '-d', sh('losetup', '-j', file('pool/trash/stray')).split(':')[0] ?? '');
        rmSync(file('pool/trash/stray'));
      },
      faults: [/^loop device leaked: .*\/pool\/trash\/stray$/, /^volume in the trash leaked: stray$/],
    },
    'a mount that is gone': {
      harm: () => sh('umount', '-l', place()),
      mend: mount,
      // Nobody but the NFS server holds it now.
      faults: [/^mount missing: /],
    },
    'a mount on a mount': {
      harm: () => sh('mount', '--bind', place(), place()),
      mend: () => sh('umount', place()),
      faults: [/^mount twice: /],
    },
    'an export that is gone': {
      harm: async () => exports().remove((await served(place())).id),
      mend: () => exports().add({ id: 2, path: place(), client: { kind: 'any' }, access: 'rw' }),
      faults: [/^export missing: 2 .* rw for any$/],
    },
    'an export that nobody may have': {
      harm: async () =>
        exports().update({ ...(await served(place())), client: { kind: 'subnet', cidr: '10.0.0.0/8' } }),
      mend: async () => exports().update({ ...(await served(place())), client: { kind: 'any' } }),
      faults: [/^export missing: 2 .* for any$/, /^export leaked: 2 .* for subnet$/],
    },
    'another file system in a volume': {
      ...row("UPDATE disks SET fs_uuid = 'x' || fs_uuid WHERE id = '$DISK'", ''),
      mend: () => sql(`UPDATE disks SET fs_uuid = substr(fs_uuid, 2) WHERE id = '${disk}'`),
      faults: [/^volume .* holds the file system .*, not x/],
    },
    'a volume file that is gone': {
      harm: () => renameSync(volume(), file('pool/trash/away')),
      mend: () => renameSync(file('pool/trash/away'), volume()),
      faults: [
        /^volume missing: /,
        /^volume in the trash leaked: away$/,
        /^volume .* undefined/,
        /^loop.*missing/,
        /^loop.*leaked/,
        /^mount miss/,
        /^mount leak/,
      ],
    },
    'a record of the trash without its volume': {
      ...row(
        "INSERT INTO trash (disk, role, size_mib, fs_uuid, discarded_at) VALUES ('lost', 'data', 4, 'x', 1)",
        "DELETE FROM trash WHERE disk = 'lost'",
      ),
      faults: [/^volume in the trash missing: lost\.ext4$/],
    },
    'a claim of nobody': {
      harm: () => sql("INSERT INTO claims SELECT 'pi:x', id, 'bake' FROM operations LIMIT 1"),
      mend: () => sql("DELETE FROM claims WHERE resource = 'pi:x'"),
      faults: [/^claim left: pi:x by /],
    },
    'an open operation': {
      ...row("UPDATE operations SET state = 'stuck' WHERE kind = 'bake'", "UPDATE operations SET state = 'done'"),
      faults: [/^operation open: bake .* is stuck$/],
    },
    'a Pi in no end state': {
      ...row("UPDATE pis SET state = 'baking'", "UPDATE pis SET state = 'baked'"),
      faults: [/^Pi .* is baking$/],
    },
    'a Pi in the fridge with disks': {
      ...row("UPDATE pis SET state = 'fridge'", "UPDATE pis SET state = 'baked'"),
      faults: [/^Pi .* is in the fridge with 2 disks of tiny$/],
    },
    'a Pi without a root': {
      ...row("UPDATE disks SET position = 9 WHERE role = 'root'", "UPDATE disks SET position = 0 WHERE role = 'root'"),
      faults: [/^Pi .* is baked with 0 roots of tiny$/],
    },
    'a disk that is not ready': {
      ...row("UPDATE disks SET state = 'removing' WHERE id = '$DISK'", "UPDATE disks SET state = 'ready'"),
      faults: [/^disk .* is removing$/],
    },
    'a bakeform that is not ready': {
      ...row("UPDATE bakeforms SET state = 'making'", "UPDATE bakeforms SET state = 'ready'"),
      faults: [/^bakeform tiny is making$/],
    },
  };
  for (const [name, { harm, mend, faults }] of Object.entries(CASES)) {
    test(`tells ${name}, and nothing else`, async () => {
      await harm();
      let told: string[] = [];
      try {
        told = await checkWorld(rack.world);
      } finally {
        await mend();
      }
      assert.equal(told.length, faults.length, told.join('\n'));
      for (const fault of faults)
        assert.ok(
          told.some((one) => fault.test(one)),
          `${fault}: ${told.join('\n')}`,
        );
      assert.deepEqual(await checkWorld(rack.world), []);
    });
  }
});
