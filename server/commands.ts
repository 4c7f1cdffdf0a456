import { join } from 'node:path';
import { systemClock } from '../core/host/clock.ts';
import { exec } from '../core/host/exec.ts';
import { endSurvivors } from '../core/host/survivors.ts';
import type { Log } from '../core/log.ts';
import { lockRoot } from '../db/lock.ts';
import { detachOrphans } from '../exports/volumes/loops.ts';
import { readMounts } from '../exports/volumes/mountinfo.ts';
import type { Config } from './config.ts';
import { cleanImport } from './import/command.ts';
import { backendOf, databaseOf, withRealRoot } from './root.ts';

/** `npm start -- stop`: ends the NFS server that was left running for the Pis, and unmounts what Bakery mounted. */
export async function stopLeftovers(given: Config, log: Log): Promise<void> {
  const config = await withRealRoot(given);
  const root = config.BAKERY_ROOT;
  const unlock = lockRoot(join(root, 'lock.db'));
  try {
    await endSurvivors(root);
    await backendOf(config, log, exec).stop();
    const ours = (await readMounts()).filter((mount) => mount.mountPoint.startsWith(`${root}/`));
    for (const mount of ours.toReversed()) await exec('umount', [mount.mountPoint]);
    await detachOrphans(exec, root);
    log.info({ unmounted: ours.length }, 'stopped');
  } finally {
    unlock();
  }
}

/** `npm start -- import-clean`: deletes what was taken over from the original Bakery and still lies in its folders. */
export async function cleanLeftovers(
  given: Config,
  options: { really: boolean; print: (line: string) => void },
): Promise<void> {
  const config = await withRealRoot(given);
  const unlock = lockRoot(join(config.BAKERY_ROOT, 'lock.db'));
  try {
    const { BAKERY_ROOT: root } = config;
    await cleanImport({ root, file: databaseOf(config), now: systemClock.now(), ...options });
  } finally {
    unlock();
  }
}
