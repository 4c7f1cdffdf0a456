import { BakeryError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Exec } from '../../core/host/exec.ts';
import type { OpenFiles } from '../../core/host/open-files.ts';
import type { Log } from '../../core/log.ts';
import { detachLoop, hasBehind, type Loop, loopsOf } from './loops.ts';
import { type Mount, mountAt, readMounts } from './mountinfo.ts';

const UMOUNT_TRIES = 50;
const PAUSE_MS = 100;
/** Who looks at a loop device for a moment (losetup, udev) keeps one that is not used any more: so often it is looked at again. */
const HELD_TRIES = 20;
/** Unmounted frozen it would keep its loop, and nobody could thaw it any more. */
const UNMOUNT = `
fsfreeze --unfreeze "$1" 2>/dev/null && echo thawed
exec umount "$1"
`;

/** Knows what on this machine has a volume's file, and makes it let go. */
export interface Custody {
  /**
   * Waits a moment for a loop device that nothing has mounted to let go of the file.
   * @throws BakeryError `volume-busy` (conflict) while one has it.
   */
  refuseWhileHeld(file: string): Promise<void>;
  /** The mount of `file` at `at`, if it is there. @throws BakeryError `mount-foreign` (conflict) when something else is. */
  mountOf(file: string, at: string): Promise<Mount | undefined>;
  /** Thaws what is mounted at `at`; fine when it is not frozen. */
  thaw(at: string): Promise<void>;
  /** Unmounts it and waits until no loop device has the file. @throws BakeryError `volume-busy`, `mount-foreign` (conflict). */
  release(file: string, at: string): Promise<void>;
}

/** Builds it. `openFiles` are asked to be closed where a mount point is busy. */
export function createCustody(ports: {
  exec: Exec;
  clock: Clock;
  log: Log;
  openFiles?: Pick<OpenFiles, 'end'> | undefined;
}): Custody {
  const { exec, clock, log, openFiles } = ports;

  const busy = (file: string, loop: Loop) =>
    new BakeryError('conflict', 'volume-busy', 'the volume is still in use on the server', {
      detail: `${file} is behind ${loop.name}`,
    });

  async function refuseWhileHeld(file: string): Promise<void> {
    for (let tries = 0; ; tries++) {
      const loops = await loopsOf(exec, file);
      const [loop] = loops;
      if (!loop) return;
      const mounted = new Set((await readMounts()).map((mount) => mount.source));
      const isMounted = loops.some(({ name }) => mounted.has(name));
      if (isMounted || tries >= HELD_TRIES) throw busy(file, loop);
      await clock.sleep(Math.min(PAUSE_MS, 5 * 2 ** tries));
    }
  }

  async function mountOf(file: string, at: string): Promise<Mount | undefined> {
    const there = await mountAt(at);
    if (!there || (await hasBehind(exec, there.source, file))) return there;
    throw new BakeryError('conflict', 'mount-foreign', 'something else is mounted where the volume belongs', {
      detail: `${there.source} at ${at}`,
    });
  }

  const tellThawed = (at: string) => log.warn({ at }, 'a volume was frozen, and was thawed');

  /** It is an error to thaw what is not frozen, which is how it nearly always is. */
  async function thaw(at: string): Promise<void> {
    const { code } = await exec('fsfreeze', ['--unfreeze', at], { okCodes: [0, 1] });
    if (code === 0) tellThawed(at);
  }

  async function unmount(at: string): Promise<void> {
    const { stdout } = await exec('sh', ['-c', UNMOUNT, 'umount', at], { timeoutMs: 30_000 });
    if (stdout !== '') tellThawed(at);
  }

  /** umount, and the wait until the loop is gone: a mount in another namespace or a frozen file system keeps it. */
  async function release(file: string, at: string): Promise<void> {
    for (let tries = 0; await mountOf(file, at); tries++) {
      try {
        await unmount(at);
      } catch (error) {
        if (tries >= UMOUNT_TRIES) {
          throw new BakeryError('conflict', 'volume-busy', 'the volume is still in use on the server', {
            cause: error,
            detail: at,
          });
        }
        // Each time: one may have been opened since, by who had looked before the Pi was unbaked.
        openFiles?.end(at);
        await clock.sleep(PAUSE_MS);
      }
    }
    for (let tries = 0; ; tries++) {
      const loops = await loopsOf(exec, file);
      const [loop] = loops;
      if (!loop) return;
      if (tries >= HELD_TRIES) throw busy(file, loop);
      const mounted = new Set((await readMounts()).map((mount) => mount.source));
      for (const loop of loops) if (!mounted.has(loop.name)) await detachLoop(exec, loop.name);
      await clock.sleep(PAUSE_MS);
    }
  }

  return { refuseWhileHeld, mountOf, thaw, release };
}
