import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { NfsExport } from '../../exports/nfs/backend.ts';
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

/** A disk that is attached grows as the product does it, under a kernel that is its client and writes. Only where there is nfsd. */
export function growthUnderNfsd(served: () => Served, lab: () => Lab): void {
  describe('a disk that grows while it is attached', () => {
    test('NFSv3: what its Pi wrote before is all there, what it writes meanwhile fails with ESTALE or is there, and its open file goes on', async (t) => {
      const { place, backend } = served();
      const { root, volumes, at } = place;
      const client = { kind: 'address', address: lab().pi.address } as const;
      // A Pi has its root, too: who has nothing at all is denied (EACCES).
      const home: NfsExport = { id: 20, path: lab().volume(root, 'growth-root'), client, access: 'rw' };
      await backend.add(home);
      const disk = { id: 'cccc0001', fsUuid: randomUUID(), at: at('cccc0001') };
      await volumes.createDisk({ ...disk, sizeMiB: 8 });
      await volumes.mount(disk);
      const entry: NfsExport = { id: 21, path: disk.at, client, access: 'rw' };
      await backend.add(entry);

      const mounted = mountOnPi(lab(), disk.at, '3');
      const file = await open(join(mounted, 'disk.img'), 'r+');
      const writer = writeRecords(file);
      try {
        await writer.more(5);
        // The steps of the operation (server/operations/replace-disk.ts).
        await backend.remove(entry.id);
        await volumes.unmount(disk);
        await volumes.stage({ id: disk.id, growTo: 16 });
        await volumes.replace({ id: disk.id });
        await volumes.mount(disk);
        await backend.add(entry);
        await writer.more(5);
        assert.equal((await file.stat()).size, 16 * MIB, 'its Pi sees the new size');
      } finally {
        await writer.end();
        await file.close().catch(() => undefined);
        must('umount', ['-l', mounted]);
      }
      assert.deepEqual(
        [...new Set(writer.errors)].filter((word) => word !== 'ESTALE'),
        [],
      );
      const image = join(disk.at, 'disk.img');
      assert.equal(statSync(image).size, 16 * MIB);
      const bytes = readFileSync(image);
      for (const i of writer.written) {
        assert.ok(bytes.subarray(i * RECORD, (i + 1) * RECORD).equals(recordOf(i)), `record ${i}`);
      }
      for (const { id } of [home, entry]) await backend.remove(id);
      await volumes.unmount(disk);
      must('umount', [home.path]);
      t.diagnostic(`${writer.written.length} records, ${writer.errors.length} failed meanwhile`);
    });
  });
}
