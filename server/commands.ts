import { join } from 'node:path';
import { systemClock } from '../core/host/clock.ts';
import { exec } from '../core/host/exec.ts';
import { defaultInterface, localAddresses } from '../core/host/network.ts';
import { endSurvivors } from '../core/host/survivors.ts';
import type { Log } from '../core/log.ts';
import { lockRoot } from '../db/lock.ts';
import { detachOrphans } from '../exports/volumes/loops.ts';
import { readMounts } from '../exports/volumes/mountinfo.ts';
import { chooseAddress, onInterfaces } from './address.ts';
import type { Config } from './config.ts';
import { examine } from './doctor/doctor.ts';
import { tellFindings } from './doctor/judge.ts';
import { cleanImport } from './import/command.ts';
import { backendOf, databaseOf, withRealRoot } from './root.ts';

/** `npm start -- stop`: ends the NFS server that was left running for the Pis, and unmounts what Bakery mounted. */
export async function stopLeftovers(given: Config, log: Log): Promise<void> {
  const config = await withRealRoot(given);
  const root = config.BAKERY_ROOT;
  const unlock = lockRoot(join(root, 'lock.db'));
  try {
    await endSurvivors(root);
    await backendOf(config, log, { exec }).stop();
    const ours = (await readMounts()).filter((mount) => mount.mountPoint.startsWith(`${root}/`));
    for (const mount of ours.toReversed()) await exec('umount', [mount.mountPoint]);
    await detachOrphans(exec, root);
    log.info({ unmounted: ours.length }, 'stopped');
  } finally {
    unlock();
  }
}

/** `npm start -- doctor`: one line for each thing that Pis need, with the cure where it is not well. @returns false when one is bad. */
export async function consultDoctor(given: Config, print: (line: string) => void): Promise<boolean> {
  const config = await withRealRoot(given);
  const local = onInterfaces(localAddresses(), config.BAKERY_INTERFACES);
  const wished = config.BAKERY_ADDRESS ?? config.NFS_ADDRESS;
  const { address } = chooseAddress({ wished, addresses: local, defaultInterface: await defaultInterface() });
  const findings = await examine({
    root: config.BAKERY_ROOT,
    database: databaseOf(config),
    address,
    interface: local.find((own) => own.address === address)?.interface,
    ports: { tftp: config.BAKERY_TFTP_PORT, dhcp: config.BAKERY_DHCP_PORT },
    dhcp: config.BAKERY_DHCP,
    backend: config.BAKERY_NFS_BACKEND === 'nfsd' ? 'nfsd' : 'ganesha',
    exec,
    clock: systemClock,
  });
  for (const line of tellFindings(findings)) print(line);
  return findings.every(({ state }) => state !== 'bad');
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
