import { after, before } from 'node:test';
import { inOwnNamespace } from '../lab/namespace.ts';
import { diskBakeforms } from './disks-bakeforms.ts';
import { diskGrowth } from './disks-growth.ts';
import { diskLife } from './disks-life.ts';
import { diskPages } from './disks-pages.ts';
import { diskSnapshots } from './disks-snapshots.ts';
import { type DiskWorld, makeDiskWorld } from './disks-world.ts';

// One server for all of it: what one part leaves behind, the next would see.
inOwnNamespace(import.meta.url, () => {
  let made: DiskWorld | undefined;
  const world = () => {
    if (!made) throw new Error('there is no world yet');
    return made;
  };
  before(async () => {
    made = await makeDiskWorld();
  });
  after(() => made?.close());

  diskLife(world);
  diskGrowth(world);
  diskSnapshots(world);
  diskBakeforms(world);
  diskPages(world);
});
