import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import { replaceBeneath } from '../../core/host/replace.ts';
import type { Ipv4 } from '../../core/ids.ts';
import type { ExportClient, NfsBackend, NfsExport } from '../../exports/nfs/backend.ts';
import { canonicalClient } from '../../exports/nfs/client.ts';
import { convergeExports } from '../../exports/nfs/converge.ts';
import { isBakeryCode } from './nfs-expect.ts';
import type { Client, Lab } from './nfs-lab.ts';

/** What the suite needs to know of a backend. */
export interface NfsSubject {
  readonly name: string;
  /** A new object for the server that belongs to `root`. */
  readonly make: (root: string) => NfsBackend;
  /** After how long a client sees what Bakery itself writes into a volume: how old attributes are that the server remembers, in ms. */
  readonly seenWithinMs: number;
  /** How many exports it is given at most. */
  readonly many: number;
}

const VERSIONS = [3, 4] as const;
/** libnfs has no words for a call that is denied by its sender (RFC 5531 §9, MSG_DENIED), as the kernel's server does it. */
const REFUSED = /ACCES|NOENT|PERM|STALE|mount_cb: \(null\)/;

/** Reads the file that every volume of the lab has, with both versions. */
export function assertServed(client: Client, path: string, name: string): void {
  for (const version of VERSIONS) {
    const { stdout, stderr } = client.cat(`${path}/name.txt`, version);
    assert.equal(stdout, `${name}\n`, `v${version} from ${client.name}: ${stderr}`);
  }
}

/** Neither version lists or reads anything at `path`. */
export function assertRefused(client: Client, path: string): void {
  for (const version of VERSIONS) {
    for (const ran of [client.ls(path, version), client.cat(`${path}/name.txt`, version)]) {
      assert.equal(ran.stdout, '', `v${version} from ${client.name} got something`);
      assert.match(ran.stderr, REFUSED, `v${version} from ${client.name}`);
    }
  }
}

/** The contract of NfsBackend, run for real with clients on two addresses. Every backend has to pass it. */
export function nfsSuite(subject: NfsSubject, lab: () => Lab): void {
  describe(`NFS backend ${subject.name}`, () => {
    let root: string;
    let backend: NfsBackend;
    let first: NfsExport;
    let second: NfsExport;
    let readOnly: NfsExport;

    before(() => {
      root = join(lab().folder, subject.name);
      backend = subject.make(root);
      const only: ExportClient = { kind: 'address', address: lab().pi.address };
      first = { id: 1, path: lab().volume(root, 'aaaa0001'), client: only, access: 'rw' };
      second = {
        id: 300,
        path: lab().volume(root, 'aaaa0002'),
        client: { kind: 'subnet', cidr: '10.99.1.7/24' },
        access: 'rw',
      };
      readOnly = { id: 65535, path: lab().volume(root, "disk 'three'"), client: only, access: 'ro' };
    });
    after(async () => {
      await backend.stop();
    });

    test('before start nothing answers', async () => {
      assert.equal(await backend.alive(), false);
      await assert.rejects(backend.list(), isBakeryCode('nfs-unavailable'));
      await assert.rejects(backend.add(first), isBakeryCode('nfs-unavailable'));
      await backend.stop();
    });

    test('start serves nothing; a start again adopts', async () => {
      assert.deepEqual(await backend.start(), { adopted: false });
      assert.equal(await backend.alive(), true);
      assert.deepEqual(await backend.list(), []);
      assert.deepEqual(await backend.start(), { adopted: true });
      assertRefused(lab().pi, first.path);
    });

    test('add serves at once what was asked, and list reads it back', async () => {
      for (const entry of [first, second, readOnly]) await backend.add(entry);
      const listed = await backend.list();
      assert.deepEqual(listed, [first, { ...second, client: { kind: 'subnet', cidr: '10.99.1.0/24' } }, readOnly]);
      assertServed(lab().pi, first.path, 'aaaa0001');
      assertServed(lab().pi, second.path, 'aaaa0002');
      assertServed(lab().pi, readOnly.path, "disk 'three'");
    });

    test('writes go where they may', () => {
      const source = join(lab().folder, 'source');
      writeFileSync(source, 'written\n');
      lab().pi.put(source, `${first.path}/new.txt`, 3);
      assert.equal(lab().pi.cat(`${first.path}/new.txt`, 4).stdout, 'written\n');
      const refused = lab().pi.put(source, `${readOnly.path}/new.txt`, 3);
      assert.match(refused.stdout + refused.stderr, /ROFS|Failed|ACCES/);
      assert.doesNotMatch(lab().pi.ls(readOnly.path, 3).stdout, /new\.txt/);
    });

    test(`what Bakery writes into a volume is seen by a client's next look within ${subject.seenWithinMs} ms`, async () => {
      lab().pi.ls(first.path, 3);
      writeFileSync(join(first.path, 'name.txt'), 'longer than before\n');
      writeFileSync(join(first.path, 'late.txt'), 'late\n');
      await systemClock.sleep(subject.seenWithinMs);
      for (const version of VERSIONS) {
        assert.equal(lab().pi.cat(`${first.path}/name.txt`, version).stdout, 'longer than before\n');
        assert.match(lab().pi.ls(first.path, version).stdout, /late\.txt/);
      }
      writeFileSync(join(first.path, 'name.txt'), 'aaaa0001\n');
      await systemClock.sleep(subject.seenWithinMs);
    });

    test('a file that Bakery replaces while the client changes its folder is what the client finds under its name', async () => {
      const mine = join(lab().folder, 'mine.txt');
      writeFileSync(mine, 'mine\n');
      for (const version of VERSIONS) {
        const folder = join(first.path, `shared-${version}`);
        const list = () => lab().pi.cat(`${folder}/list`, version).stdout;
        mkdirSync(folder);
        writeFileSync(join(folder, 'list'), 'as it was\n');
        assert.equal(list(), 'as it was\n');
        await replaceBeneath(first.path, `shared-${version}/list`, 'another\n');
        // libnfs 4 cannot write by NFSv4.
        assert.equal(lab().pi.put(mine, `${folder}/mine`, 3).code, 0);
      }
      await systemClock.sleep(subject.seenWithinMs);
      for (const version of VERSIONS) {
        const folder = join(first.path, `shared-${version}`);
        assert.equal(lab().pi.cat(`${folder}/list`, version).stdout, 'another\n', `v${version}`);
        rmSync(folder, { recursive: true });
      }
    });

    test('another address gets nothing, by either version, root and disk', () => {
      for (const { path } of [first, second, readOnly]) assertRefused(lab().other, path);
      // NFSv4's pseudo tree may show the way to the volumes, never a volume's name.
      for (const folder of ['/', join(root, 'nfs')]) {
        for (const version of VERSIONS) assert.doesNotMatch(lab().other.ls(folder, version).stdout, /aaaa|disk/);
      }
      assert.match(lab().pi.ls(join(root, 'nfs'), 4).stdout, /aaaa0001/);
    });

    test('who asks is known by address and time; a mount that is refused asks for no file, one that is made does', async () => {
      const { pi, other } = lab();
      const heard = async () => new Map((await backend.clients()).map(({ address, heardAt }) => [address, heardAt]));
      const nobody = '10.99.9.9' as Ipv4;
      assert.deepEqual(await backend.operations(nobody), { v3: 0, v4: 0, v4Failed: 0 });
      const began = Date.now();
      assertRefused(other, first.path);
      assertServed(pi, first.path, 'aaaa0001');
      const then = await heard();
      // Its time and ours may differ by what one of them rounds.
      for (const { address } of [pi, other]) assert.ok((then.get(address) ?? 0) >= began - 10, address);
      assert.equal(then.has(nobody), false);
      const refused = await backend.operations(other.address);
      const served = await backend.operations(pi.address);
      assert.equal(refused.v3, 0);
      assert.ok(refused.v4Failed > 0 && refused.v4 < 20 * (refused.v4Failed + 1), JSON.stringify(refused));
      assert.ok(served.v3 > 0 && served.v4 > 0, JSON.stringify(served));
      pi.ls(first.path, 3);
      assert.ok((await backend.operations(pi.address)).v3 > served.v3);
      pi.ls(`${first.path}-none`, 3);
      const again = await heard();
      assert.ok((again.get(pi.address) ?? 0) > (then.get(pi.address) ?? 0), 'a mount that is refused is heard');
    });

    test('add and update again change nothing', async () => {
      const listed = await backend.list();
      await backend.add(first);
      await backend.update(first);
      assert.deepEqual(await backend.list(), listed);
      assertServed(lab().pi, first.path, 'aaaa0001');
    });

    test('update moves the access to another address', async () => {
      const moved: NfsExport = { ...first, client: { kind: 'address', address: lab().other.address } };
      await backend.update(moved);
      assertRefused(lab().pi, first.path);
      assertServed(lab().other, first.path, 'aaaa0001');
      assert.deepEqual((await backend.list())[0], moved);
      // Other content under the same id through add is an update.
      await backend.add(first);
      assertServed(lab().pi, first.path, 'aaaa0001');
      assertRefused(lab().other, first.path);
    });

    test('a client that moves is served at both addresses, then at the new one alone', async () => {
      const [from, to] = [lab().pi.address, lab().other.address];
      const both: NfsExport = { ...first, client: { kind: 'address', address: to, also: from } };
      await backend.update(both);
      for (const client of [lab().pi, lab().other]) assertServed(client, first.path, 'aaaa0001');
      const listed = (await backend.list())[0]?.client;
      assert.ok(listed && canonicalClient(listed) === canonicalClient(both.client), JSON.stringify(listed));
      const nothing = await convergeExports(backend, [both, second, readOnly]);
      assert.deepEqual(nothing, { removed: [], updated: [], added: [], failed: [] });
      await backend.update({ ...first, client: { kind: 'address', address: to } });
      assertRefused(lab().pi, first.path);
      assertServed(lab().other, first.path, 'aaaa0001');
      await backend.update(first);
    });

    test('anyone', async () => {
      await backend.update({ ...first, client: { kind: 'any' } });
      assertServed(lab().other, first.path, 'aaaa0001');
      assert.deepEqual((await backend.list())[0]?.client, { kind: 'any' });
      await backend.update(first);
    });

    test('an update of what is not there adds it; another path under an id replaces it', async () => {
      await backend.remove(second.id);
      await backend.update(second);
      assertServed(lab().pi, second.path, 'aaaa0002');
      await backend.remove(readOnly.id);
      await backend.add({ ...second, path: readOnly.path });
      assertRefused(lab().pi, second.path);
      assertServed(lab().pi, readOnly.path, "disk 'three'");
      await convergeExports(backend, [first, second, readOnly]);
      assertServed(lab().pi, second.path, 'aaaa0002');
    });

    test('remove refuses at once, twice is fine, and the same id heals', async () => {
      await backend.remove(first.id);
      await backend.remove(first.id);
      assertRefused(lab().pi, first.path);
      assert.deepEqual(
        (await backend.list()).map(({ id }) => id),
        [300, 65535],
      );
      await backend.add(first);
      assertServed(lab().pi, first.path, 'aaaa0001');
    });

    test('what cannot be served is refused and leaves the others alone', async () => {
      await assert.rejects(
        backend.add({ ...first, id: 7, path: join(root, 'nfs/nothing') }),
        isBakeryCode('export-refused'),
      );
      await assert.rejects(backend.add({ ...first, id: 7 }), isBakeryCode('export-refused'));
      await assert.rejects(backend.add({ ...first, id: 0 }), isBakeryCode('export-invalid'));
      await assert.rejects(backend.add({ ...first, id: 8, path: '/a"b' }), isBakeryCode('export-invalid'));
      assert.deepEqual(
        (await backend.list()).map(({ id }) => id),
        [1, 300, 65535],
      );
      assertServed(lab().pi, first.path, 'aaaa0001');
    });

    test('a second object adopts the server with its exports', async () => {
      const again = subject.make(root);
      assert.deepEqual(await again.start(), { adopted: true });
      assert.deepEqual(await again.list(), await backend.list());
    });

    test('converge puts right what drifted and nothing else', async () => {
      await backend.update({ ...first, access: 'ro' });
      await backend.remove(second.id);
      const result = await convergeExports(backend, [first, second]);
      assert.deepEqual(result, { removed: [65535], updated: [1], added: [300], failed: [] });
      const nothing = await convergeExports(backend, [first, second]);
      assert.deepEqual(nothing, { removed: [], updated: [], added: [], failed: [] });
      const missing = { ...readOnly, path: join(root, 'nfs/nothing') };
      const partly = await convergeExports(backend, [missing, first, second]);
      assert.deepEqual(
        partly.failed.map(({ id }) => id),
        [65535],
      );
      assertServed(lab().pi, first.path, 'aaaa0001');
    });

    test(`${subject.many} exports`, async (t) => {
      const many = Array.from({ length: subject.many }, (_, i): NfsExport => {
        const path = lab().cheapVolume(root, `many${i}`);
        return { id: 1000 + i, path, client: { kind: 'address', address: lab().pi.address }, access: 'rw' };
      });
      const added = performance.now();
      for (const entry of many) await backend.add(entry);
      const listed = performance.now();
      assert.equal((await backend.list()).length, subject.many + 2);
      const removed = performance.now();
      for (const { id } of many) await backend.remove(id);
      const end = performance.now();
      const ms = (value: number) => value.toFixed(0);
      t.diagnostic(`adds ${ms(listed - added)} ms, list ${ms(removed - listed)} ms, removes ${ms(end - removed)} ms`);
      assert.equal((await backend.list()).length, 2);
    });

    test('a new one serves what it is given from its first answer on, and no unfit one keeps it from starting', async () => {
      await backend.stop();
      const unfit = [
        { ...readOnly, id: 70_000 },
        { ...readOnly, path: join(root, 'nowhere') },
        { ...second, path: first.path },
      ];
      assert.deepEqual(await backend.start(async () => [...unfit, first]), { adopted: false });
      const ids = (await backend.list()).filter(({ path }) => path === first.path).map(({ id }) => id);
      assert.equal(ids.length, 1, 'a path is served once');
      await convergeExports(backend, [first, second]);
      assertServed(lab().pi, first.path, 'aaaa0001');
      await backend.stop();
      assert.deepEqual(await backend.start(async () => [first, second]), { adopted: false });
      // Nothing was added since.
      assertServed(lab().pi, first.path, 'aaaa0001');
      assertServed(lab().pi, second.path, 'aaaa0002');
      await backend.update({ ...first, client: { kind: 'address', address: lab().pi.address }, access: 'ro' });
      await backend.remove(second.id);
      assertRefused(lab().pi, second.path);
      assert.deepEqual(await backend.list(), [{ ...first, access: 'ro' }]);
      await backend.update(first);
    });

    test('stop ends it, twice is fine, and a start comes back with the same ids', async () => {
      await backend.stop();
      await backend.stop();
      assert.equal(await backend.alive(), false);
      assert.deepEqual(await backend.start(), { adopted: false });
      assert.deepEqual(await backend.list(), []);
      await convergeExports(backend, [first, second]);
      assertServed(lab().pi, first.path, 'aaaa0001');
    });
  });
}
