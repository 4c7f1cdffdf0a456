import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { allOf } from '../../core/all-of.ts';
import { BakeryError } from '../../core/errors.ts';
import { amendBeneath } from '../../core/host/beneath.ts';
import { readBeneath, removeBeneath } from '../../core/host/files.ts';
import { type NewFile, replaceAllBeneath } from '../../core/host/replace.ts';
import type { PiId } from '../../core/ids.ts';
import { blamingRoot } from './faults.ts';
import { metaDataWith } from './furnish.ts';
import { makeHostKeys } from './host-keys.ts';
import { findBootFolder } from './prepare.ts';

/** `/etc/hosts` with the host's own name, as Debian writes it. */
export function hostsWith(text: string, hostname: string): string {
  const kept = text.split('\n').filter((line) => !/^127\.0\.1\.1\s/.test(line));
  while (kept.at(-1) === '') kept.pop();
  return `${[...kept, `127.0.1.1\t${hostname}`].join('\n')}\n`;
}

async function folderIn(root: string, ...parts: string[]): Promise<boolean> {
  let at = root;
  for (const part of parts) {
    at = join(at, part);
    if (!(await lstat(at).catch(() => undefined))?.isDirectory()) return false;
  }
  return true;
}

/** On Debian a link to /etc/machine-id, which stays right. A copy of its own would not. */
async function forgetCopyOfMachineId(root: string): Promise<void> {
  if (!(await folderIn(root, 'var', 'lib', 'dbus'))) return;
  const copy = await lstat(join(root, 'var/lib/dbus/machine-id')).catch(() => undefined);
  if (copy?.isFile()) await removeBeneath(root, 'var/lib/dbus/machine-id');
}

/**
 * What a system that ran once keeps secret, or is known by. Each makes its own at the next start (systemd-random-seed.service(8),
 * systemd-creds(1), NetworkManager(8), dhcpcd(8)).
 */
const KEPT_SECRETS = [
  'var/lib/systemd/random-seed',
  'var/lib/systemd/credential.secret',
  'var/lib/NetworkManager/secret_key',
  'var/lib/dhcpcd/duid',
  'var/lib/dhcpcd/secret',
  'etc/dhcpcd.duid',
  'etc/dhcpcd.secret',
];

async function forgetSecrets(root: string): Promise<void> {
  for (const path of KEPT_SECRETS) {
    const folder = path.split('/').slice(0, -1);
    if (!(await folderIn(root, ...folder))) continue;
    const file = await lstat(join(root, path)).catch(() => undefined);
    // Of a folder by that name nobody reads a secret.
    if (file && !file.isDirectory()) await removeBeneath(root, path);
  }
}

/** An image that has cloud-init read its boot folder would be the same instance on every Pi, and after every bake. */
async function newInstance(root: string, instance: { instanceId: string; hostname: string }): Promise<void> {
  const boot = await findBootFolder(root);
  if (!(await folderIn(root, ...boot.split('/')))) return;
  const file = await lstat(join(root, boot, 'meta-data')).catch(() => undefined);
  if (!file?.isFile()) return;
  await amendBeneath(root, `${boot}/meta-data`, (text) => metaDataWith(text, instance));
}

async function newHostKeys(root: string, making: ReturnType<typeof makeHostKeys>): Promise<NewFile[]> {
  for (const name of await readdir(join(root, 'etc/ssh'))) {
    if (/^ssh_host_.*_key(\.pub)?$/.test(name)) await removeBeneath(root, `etc/ssh/${name}`);
  }
  const keys = await making;
  return keys.flatMap(({ type, privateFile, publicFile }) => [
    { path: `etc/ssh/ssh_host_${type}_key`, data: privateFile, mode: 0o600 },
    { path: `etc/ssh/ssh_host_${type}_key.pub`, data: publicFile },
  ]);
}

/**
 * Gives a mounted root what no two Pis may share: host name (its serial), machine-id, SSH host keys, the instance that cloud-init takes
 * it for; takes out what a system that ran once keeps secret; and makes the folder that the BOSH agent's files go to. Done again it
 * gives new keys.
 * @throws BakeryError `root-without-etc`, `root-unfit` (invalid), `path-refused` (forbidden).
 */
export function giveIdentity(pi: { mountPoint: string; piId: PiId }): Promise<void> {
  return blamingRoot(() => give(pi));
}

async function give(pi: { mountPoint: string; piId: PiId }): Promise<void> {
  const { mountPoint: root, piId } = pi;
  if (!(await folderIn(root, 'etc'))) {
    throw new BakeryError('invalid', 'root-without-etc', 'the root of the bakeform has no /etc');
  }
  // Made by other threads meanwhile.
  const making = (await folderIn(root, 'etc', 'ssh')) ? makeHostKeys(`root@${piId}`) : undefined;
  making?.catch(() => undefined);
  const machineId = randomBytes(16).toString('hex');
  let hosts = '';
  await allOf(
    [
      async () => {
        hosts = (await readBeneath(root, 'etc/hosts'))?.toString('utf8') ?? '127.0.0.1\tlocalhost\n';
      },
      () => removeBeneath(root, 'etc/machine-id'),
      () => forgetCopyOfMachineId(root),
      () => forgetSecrets(root),
      () => newInstance(root, { instanceId: `bakery-${machineId}`, hostname: piId }),
    ],
    (look): Promise<unknown> => look(),
  );
  const keys = making ? await newHostKeys(root, making) : [];
  // At once: what a bake waits for is the disk. The folder of the keys is synced also for those that were taken out.
  await replaceAllBeneath(root, [
    { path: 'etc/hostname', data: `${piId}\n` },
    { path: 'etc/hosts', data: hostsWith(hosts, piId) },
    { path: 'etc/machine-id', data: `${machineId}\n`, mode: 0o444 },
    ...keys,
  ]);
  await mkdir(join(root, 'piConfig'), { mode: 0o700 }).catch((error) => {
    if (!('code' in error && error.code === 'EEXIST')) throw error;
  });
}
