import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { NfsBackend } from '../../exports/nfs/backend.ts';
import { nfsdBackend } from '../../exports/nfs/nfsd/backend.ts';
import { runInMachine } from '../lab/x86/machine.ts';
import { isLongRun, size } from '../sizes.ts';
import { isolationOfNfsd, openPlace, type Served } from './isolation-nfsd.ts';
import { insideLab, type Lab, openLab } from './nfs-lab.ts';
import { nfsSuite } from './nfs-suite.ts';
import { nfsdTests } from './nfsd-beside.ts';
import { growthUnderNfsd } from './nfsd-growth.ts';
import { killsInStart } from './nfsd-kills.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const make = (root: string): NfsBackend => nfsdBackend({ root, log: quiet });
const folder = insideLab();

if (folder === undefined) {
  test("the kernel's NFS server, in an emulated machine", async () => {
    const { code, output } = await runInMachine(import.meta.filename, {
      limitMs: isLongRun ? 7_200_000 : 540_000,
      isLong: isLongRun,
    });
    assert.equal(code, 0, output.slice(-6_000));
    assert.match(output, /ℹ tests [1-9]/);
  });
} else {
  let lab: Lab;
  before(() => {
    lab = openLab(folder);
  });
  nfsdTests(make, () => lab);
  killsInStart(make, () => lab);
  describe('on a pool', () => {
    let served: Served | undefined;
    const get = () => served ?? assert.fail('there is no server');
    before(async () => {
      const place = await openPlace(folder);
      served = { place, backend: make(place.root) };
      await served.backend.start();
    });
    after(() => served?.backend.stop());
    growthUnderNfsd(get, () => lab);
    isolationOfNfsd(get);
  });
  nfsSuite({ name: 'nfsd', make, seenWithinMs: 0, many: size('nfsdExports') }, () => lab);
}
