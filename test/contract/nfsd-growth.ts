import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync, statSync, truncateSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { NfsExport } from '../../exports/nfs/backend.ts';
import { mountAt } from '../../exports/volumes/mountinfo.ts';
import type { Served } from './isolation-nfsd.ts';
import { type Lab, must } from './nfs-lab.ts';
import { mountOnPi } from './nfsd-beside.ts';

const MIB = 1024 ** 2;
const RECORD = 4096;
/** asm-generic/errno.h */
const ESTALE = 116;
const recordOf = (i: number) => Buffer.alloc(RECORD, `record ${i}\n`);

/** Writes record after record into an open file, each for good, whatever becomes of it. */
function writeRecords(file: FileHandle) {
  const written: number[] = [];
  const errors: string[] = [];
  let goesOn = true;
  const ended = (async () => {
    for (let i = 0; goesOn; i++) {
      try {
        await file.write(recordOf(i), 0, RECORD, i * RECORD);
        await file.datasync();
        written.push(i);
      } catch (error) {
        // Node has no word for it.
        const isStale = error instanceof Error && 'errno' in error && error.errno === -ESTALE;
        errors.push(isStale ? 'ESTALE' : String(error));
        await systemClock.sleep(20);
      }
    }
  })();
  return {
    written,
    errors,
    /** Waits until some more are written. */
    async more(count: number) {
      const goal = written.length + count;
      for (let tries = 0; written.length < goal; tries++) {
        assert.ok(tries < 1_500, `${written.length} of ${goal} records written; ${[...new Set(errors)]}`);
        await systemClock.sleep(20);
      }
    },
    async end() {
      goesOn = false;
      await ended;
    },
  };
}

/** That each record is where it was written. */
function assertWritten(image: string, records: readonly number[]): void {
  const file = openSync(image, 'r');
  const bytes = Buffer.alloc(RECORD);
  for (const i of records) {
    readSync(file, bytes, 0, RECORD, i * RECORD);
    assert.ok(bytes.equals(recordOf(i)), `record ${i}`);
  }
  closeSync(file);
}

/** A disk that is attached grows as the product does it, under a kernel that is its client and writes. Only where there is nfsd. */
export function growthUnderNfsd(served: () => Served, lab: () => Lab): void {
  describe('a disk that grows while it is attached', () => {
    const [id, fsUuid] = ['cccc0001', randomUUID()];
    const disk = () => ({ id, fsUuid, at: served().place.at(id) });
    const image = () => join(disk().at, 'disk.img');
    const volume = () => served().place.pool.path('volumes', `${id}.ext4`);
    const entries: NfsExport[] = [];

    before(async () => {
      const { place, backend } = served();
      const client = { kind: 'address', address: lab().pi.address } as const;
      await place.volumes.createDisk({ ...disk(), sizeMiB: 8 });
      await place.volumes.mount(disk());
      // A Pi has its root, too: who has nothing at all is denied (EACCES).
      const home = lab().volume(place.root, 'growth-root');
      for (const [i, path] of [home, disk().at].entries())
        entries.push({ id: 20 + i, path, client, access: 'rw' } as const);
      for (const each of entries) await backend.add(each);
    });
    after(async () => {
      const { place, backend } = served();
      for (const each of entries) await backend.remove(each.id);
      await place.volumes.unmount(disk());
      must('umount', [entries[0]?.path ?? '']);
      await place.volumes.remove(disk());
    });

    /** Does it while a Pi writes into its open `disk.img`, which then goes on; what was written is there. @returns the errors of the Pi. */
    async function underWrites(act: (pi: { size(): Promise<number> }) => Promise<void>): Promise<readonly string[]> {
      const mounted = mountOnPi(lab(), disk().at, '3');
      const file = await open(join(mounted, 'disk.img'), 'r+');
      const writer = writeRecords(file);
      try {
        await writer.more(5);
        await act({
          async size() {
            await writer.more(3);
            return (await file.stat()).size;
          },
        });
      } finally {
        await writer.end();
        await file.close().catch(() => undefined);
        must('umount', ['-l', mounted]);
      }
      assertWritten(image(), writer.written);
      return writer.errors;
    }

    test('beside: what its Pi wrote before is all there, what it writes meanwhile fails with ESTALE or is there, and its open file goes on', async () => {
      const { place, backend } = served();
      const { volumes } = place;
      const [, entry] = entries;
      assert.ok(entry);
      const errors = await underWrites(async (pi) => {
        // The steps of the operation (server/operations/replace-disk.ts).
        await backend.remove(entry.id);
        await volumes.unmount(disk());
        await volumes.stage({ id, growTo: 16 });
        await volumes.replace({ id });
        await volumes.mount(disk());
        await backend.add(entry);
        assert.equal(await pi.size(), 16 * MIB, 'its Pi sees the new size');
      });
      assert.deepEqual(
        [...new Set(errors)].filter((word) => word !== 'ESTALE'),
        [],
      );
      assert.equal(statSync(image()).size, 16 * MIB);
    });

    test('in use: its Pi has no error, its open file goes on with the new size, and whatever part a kill comes after, the next growth ends it', async () => {
      const { place, backend } = served();
      const { volumes } = place;
      const loop = (await mountAt(disk().at))?.source ?? assert.fail('it is not mounted');
      const errors = await underWrites(async (pi) => {
        let size = 16;
        // What `extend` does first, as far as it came before it was killed.
        for (const [sizeMiB, parts] of [
          [64, [() => must('losetup', ['--set-capacity', loop])]],
          [100, [() => must('losetup', ['--set-capacity', loop]), () => must('resize2fs', [loop])]],
        ] as const) {
          truncateSync(volume(), (sizeMiB + 20) * MIB);
          for (const part of parts) part();
          await volumes.extend({ ...disk(), sizeMiB });
          assert.equal(statSync(image()).size, size * MIB, 'nobody has seen it yet');
          await volumes.lengthen({ ...disk(), sizeMiB });
          assert.equal(await pi.size(), sizeMiB * MIB, 'its Pi sees the new size');
          size = sizeMiB;
        }
      });
      assert.deepEqual(errors, []);
      must('dd', ['if=/dev/zero', `of=${image()}`, 'bs=1M', 'count=100', 'conv=notrunc,fsync', 'status=none']);
      for (const each of entries) await backend.remove(each.id);
      await volumes.unmount(disk());
      must('e2fsck', ['-f', '-n', volume()]);
    });
  });
}
