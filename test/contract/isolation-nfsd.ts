import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import type { NfsBackend } from '../../exports/nfs/backend.ts';
import { openPool } from '../../exports/volumes/pool.ts';
import { createVolumes } from '../../exports/volumes/volumes.ts';
import { makeDisk } from '../lab/host-disk.ts';
import { nfsdFileSystems, nfsdLayout, nfsdOddities } from '../lab/nfs/nfsd-handles.ts';
import { isLongRun, size } from '../sizes.ts';
import { isolationByForgeries } from './isolation-forgeries.ts';
import { isolationByHandles } from './isolation-handles.ts';
import { isolationByNames } from './isolation-names.ts';
import { addAddresses, placeOf, serveTenants } from './isolation-server.ts';
import { type IsolationSubject, numbered } from './isolation-subject.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A pool, and the kernel's server for what is on it. */
export interface Served {
  readonly place: Place;
  readonly backend: NfsBackend;
}

/** On a disk of its own: the folders above the volumes, which are in NFSv4's tree, are on an ext4 that holds the host's files. */
export async function openPlace(folder: string) {
  makeDisk(join(folder, 'host.img'), join(folder, 'host'), { mib: 1024, type: 'ext4' });
  const root = join(folder, 'host', 'bakery');
  mkdirSync(root);
  const pool = await openPool({ root, mode: 'plain', exec, log: quiet });
  const volumes = createVolumes({ pool, exec, log: quiet });
  return { root, pool, volumes, at: (name: string) => join(root, 'nfs', name) };
}
type Place = Awaited<ReturnType<typeof openPlace>>;

/** The attacks of a Pi, against the kernel's server as Bakery runs it; only where there is one. */
export function isolationOfNfsd(served: () => Served): void {
  describe('isolation by nfsd', () => {
    let subject: IsolationSubject | undefined;
    before(async () => {
      addAddresses();
      const { place, backend } = served();
      subject = await serveTenants(place, backend, {
        layout: nfsdLayout,
        ways: { listsAll: true, treeIsFor: 'owners', followsPaths: true, slashIsGarbage: true },
        counts: {
          forgedInodes: size('nfsdForgedInodes'),
          spoiltHandles: size('nfsdSpoiltHandles'),
          stolenHandleRaces: size('nfsdStolenHandleRaces'),
          oddNameFolders: size('nfsdOddNameFolders'),
        },
        oddHandles: nfsdOddities,
        fileSystems: async (path) => nfsdFileSystems(await placeOf(path)),
        throughTree(tree, _own, inode) {
          return [nfsdLayout.build(numbered(nfsdLayout.parse(tree), inode))];
        },
      });
    });
    const get = () => subject ?? assert.fail('there is no server');
    // NFSv4.2 is what kernels begin with.
    const minors = isLongRun ? ([0, 1, 2] as const) : ([2] as const);
    for (const minor of minors) isolationByHandles(get, minor);
    for (const minor of minors) isolationByForgeries(get, minor);
    for (const minor of minors) isolationByNames(get, minor);
  });
}
