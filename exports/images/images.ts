import { mkdir, rm, rmdir, stat, statfs, writeFile } from 'node:fs/promises';
import { BakeryError, describeError, isErrno } from '../../core/errors.ts';
import { withMounted } from '../../core/host/beneath.ts';
import type { Exec } from '../../core/host/exec.ts';
import { exists, removeFile } from '../../core/host/files.ts';
import type { PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { mountExt4 } from '../volumes/loop-mount.ts';
import { detachLoop, loopsOf } from '../volumes/loops.ts';
import { mountAt } from '../volumes/mountinfo.ts';
import type { Pool } from '../volumes/pool.ts';
import { readDiskState, writeDiskList } from './disk-list.ts';
import { keepFirmware } from './firmware.ts';
import { carryPiConfig, type Furnishing, furnishRoot } from './furnish.ts';
import { finishGolden, makeGoldenVolume, placeBootFiles, readBootFiles } from './golden.ts';
import { giveIdentity } from './identity.ts';
import { type IntakeFiles, type Unpacked, unpackUpload } from './intake.ts';
import { inspectImage } from './layout.ts';
import { findBootFolder, type Prepared, prepareRoot } from './prepare.ts';
import { receiveImage } from './receive.ts';
import { extractBootFiles, extractTar, makeTreeVolume } from './tree-volume.ts';
import { adoptUpload } from './uploads.ts';

/** What was made of an image, and what was found in it. */
export interface PreparedImage extends Prepared {
  readonly root: { readonly usedBytes: number; readonly sizeBytes: number };
}

/** An upload that may be packed. */
export interface UnpackedImage {
  readonly id: string;
  readonly signal: AbortSignal;
  onBytes?(done: number, total: number): void;
}

/** Image intake: an upload becomes a golden volume. `id` names the golden volume to be. Every call may be repeated. */
export interface Images {
  receive(
    body: AsyncIterable<Uint8Array>,
    image: { id: string; signal: AbortSignal; onBytes?(done: number): void },
  ): Promise<{ bytes: number; sha256: string }>;
  /** Takes an upload that came in pieces for what was received. */
  adopt(image: {
    id: string;
    upload: { readonly id: string; readonly bytes: number };
    signal: AbortSignal;
    onBytes?(done: number): void;
  }): Promise<{ bytes: number; sha256: string }>;
  /** Unpacks what was received until it is an image or a root. */
  unpack(image: UnpackedImage): Promise<Unpacked>;
  makeGolden(image: { id: string; signal: AbortSignal; onBytes?(done: number, total: number): void }): Promise<void>;
  /** With `isLeft` the root stays as it was uploaded, and is looked at only. */
  prepare(image: { id: string; signal: AbortSignal; isLeft?: boolean }): Promise<PreparedImage>;
  tidy(image: { id: string }): Promise<void>;
  giveIdentity(root: { mountPoint: string; piId: PiId }): Promise<void>;
  furnish(root: Furnishing & { mountPoint: string }): Promise<void>;
  carryPiConfig(roots: { from: string; to: string }): Promise<{ files: number; skipped: number }>;
  writeDiskList(root: { mountPoint: string; text: string }): Promise<void>;
  readDiskState(root: { mountPoint: string }): Promise<readonly string[]>;
}

const SPARE_BYTES = 64 * 1024 ** 2;

/** Makes a file durably, and takes it away. Throws the system's error. */
async function writeOnce(file: string): Promise<void> {
  try {
    await writeFile(file, 'x', { flush: true });
  } finally {
    await removeFile(file);
  }
}

/** Builds the intake of a pool. */
export function createImages(options: {
  pool: Pool;
  exec: Exec;
  log: Log;
  /** Size of a Pi's root: a golden volume is grown to it. */
  rootBytes: number;
  /** The most that an image may have once it is unpacked. */
  imageBytes: number;
  /** `$BAKERY_ROOT/boot`: the first-stage firmware that any Pi may ask for. */
  firmwareFolder: string;
}): Images {
  const { pool, exec } = options;
  const imageOf = (id: string) => pool.path('incoming', `${id}.img`);
  const filesOf = (id: string): IntakeFiles => ({
    image: imageOf(id),
    root: pool.path('incoming', `${id}.root.tar`),
    boot: pool.path('incoming', `${id}.boot.tar`),
    partial: pool.path('incoming', `${id}.partial`),
  });
  const bootOf = (id: string) => pool.path('incoming', `${id}.boot`);
  const goldenOf = (id: string) => pool.path('golden', `${id}.ext4`);
  const workOf = (id: string) => pool.path('work', `golden-${id}`);

  async function unmountWork(id: string): Promise<void> {
    const at = workOf(id);
    while (await mountAt(at)) await exec('umount', [at]);
    for (const file of [goldenOf(id), `${goldenOf(id)}.partial`]) {
      for (const loop of await loopsOf(exec, file)) await detachLoop(exec, loop.name);
    }
    await rmdir(at).catch(() => undefined);
  }

  async function mounted<T>(id: string, file: string, use: (root: string) => Promise<T>): Promise<T> {
    await unmountWork(id);
    await mkdir(workOf(id), { recursive: true, mode: 0o700 });
    try {
      await mountExt4(exec, file, workOf(id));
    } catch (cause) {
      await unmountWork(id);
      throw new BakeryError('invalid', 'filesystem-unmountable', 'this server cannot mount the root of the image', {
        cause,
        detail: describeError(cause),
      });
    }
    try {
      return await use(workOf(id));
    } catch (error) {
      if (!isErrno(error, 'EROFS')) throw error;
      // A file system turns read-only where the kernel finds it broken, also by what e2fsck passes. Where it is the pool below it that
      // takes nothing, that throws.
      await pool.ensureFree(SPARE_BYTES);
      await writeOnce(pool.path('work', `probe-${id}`));
      throw new BakeryError('invalid', 'filesystem-broken', 'the ext4 file system is broken beyond repair', {
        cause: error,
        detail: describeError(error),
      });
    } finally {
      await unmountWork(id);
    }
  }

  async function makeFromTree(id: string, signal: AbortSignal): Promise<void> {
    const [{ root: tar, boot }, partial] = [filesOf(id), `${goldenOf(id)}.partial`];
    const hasBoot = await exists(boot);
    if (hasBoot) await extractBootFiles({ exec, pool }, { tar: boot, folder: bootOf(id), signal });
    await makeTreeVolume(
      { exec, pool },
      { file: partial, tarBytes: (await stat(tar)).size, rootBytes: options.rootBytes },
    );
    await mounted(id, partial, async (root) => {
      await extractTar(exec, { tar, folder: root, signal });
      if (hasBoot) await placeBootFiles(bootOf(id), root, await findBootFolder(root));
    });
    await finishGolden(partial, goldenOf(id));
  }

  return {
    receive: (body, { id, signal, onBytes }) =>
      receiveImage(body, { file: imageOf(id), pool, signal, ...(onBytes ? { onBytes } : {}) }),

    adopt: ({ id, upload, ...how }) => adoptUpload(pool, { ...upload, to: imageOf(id), ...how }),

    unpack: ({ id, ...how }) => unpackUpload({ exec, pool, limitBytes: options.imageBytes }, filesOf(id), how),

    async makeGolden({ id, signal, onBytes }) {
      if (await exists(goldenOf(id))) return;
      const [image, partial] = [imageOf(id), `${goldenOf(id)}.partial`];
      await unmountWork(id);
      if (await exists(filesOf(id).root)) return makeFromTree(id, signal);
      const layout = await inspectImage(exec, image);
      await readBootFiles(exec, { image, extent: layout.boot, folder: bootOf(id), signal });
      const { rootBytes } = options;
      await makeGoldenVolume(
        { exec, pool },
        { image, layout, file: partial, rootBytes, signal, ...(onBytes ? { onBytes } : {}) },
      );
      await mounted(id, partial, async (root) => {
        await placeBootFiles(bootOf(id), root, await findBootFolder(root));
      });
      await finishGolden(partial, goldenOf(id));
    },

    async prepare({ id, isLeft = false }) {
      return mounted(id, goldenOf(id), async (root) => {
        const prepared = await prepareRoot(root, { isLeft });
        await keepFirmware(root, prepared.bootFolder, options.firmwareFolder);
        const { blocks, bfree, bsize } = await statfs(root);
        return { ...prepared, root: { usedBytes: (blocks - bfree) * bsize, sizeBytes: blocks * bsize } };
      });
    },

    async tidy({ id }) {
      await unmountWork(id);
      const files = Object.values(filesOf(id));
      for (const file of files.flatMap((one) => [one, `${one}.unpacked`])) await removeFile(file);
      await rm(bootOf(id), { recursive: true, force: true });
    },

    // An operation that gave up waiting for one of these undoes its mount: they keep it until they have ended.
    giveIdentity: ({ mountPoint, piId }) => withMounted(mountPoint, (root) => giveIdentity({ mountPoint: root, piId })),
    furnish: ({ mountPoint, ...furnishing }) => withMounted(mountPoint, (root) => furnishRoot(root, furnishing)),
    writeDiskList: ({ mountPoint, text }) => withMounted(mountPoint, (root) => writeDiskList(root, text)),
    readDiskState: ({ mountPoint }) => withMounted(mountPoint, readDiskState),
    carryPiConfig: (roots) => withMounted(roots.from, (from) => withMounted(roots.to, (to) => carryPiConfig(from, to))),
  };
}
