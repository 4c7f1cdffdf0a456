import { BakeryError } from '../../core/errors.ts';
import { amendBeneath, type Copied, copyBeneath, listBeneath, makeFolderBeneath } from '../../core/host/beneath.ts';
import { type Owner, readBeneath, removeBeneath } from '../../core/host/files.ts';
import { replaceBeneath } from '../../core/host/replace.ts';
import {
  type Account,
  authorizedKeysWith,
  findAccount,
  groupWith,
  gshadowWith,
  passwdWith,
  shadowWith,
} from './accounts.ts';
import { blamingRoot } from './faults.ts';
import { findBootFolder } from './prepare.ts';

const ROOT: Owner = { uid: 0, gid: 0 };

/** What a root gets beside its identity. */
export interface Furnishing {
  readonly user?: { readonly name: string; readonly passwordHash?: string | undefined } | undefined;
  /** Lines that core/ssh-key has read; for the user, or for root when there is none. */
  readonly authorizedKeys?: readonly string[] | undefined;
  /** For cloud-init, with the id of the instance that it is for. */
  readonly seed?: { readonly userData: string; readonly instanceId: string; readonly hostname: string } | undefined;
}

/** cloud-init's description of the machine, with another id and name; what else it says stays. */
export function metaDataWith(text: string, machine: { instanceId: string; hostname: string }): string {
  const isOurs = /^\s*(?:instance[-_]id|local[-_]hostname)\s*:/;
  // One that is JSON cannot be amended by lines.
  const lines = text.trimStart().startsWith('{') ? [] : text.split('\n');
  const kept = lines.filter((line) => line.trim() !== '' && !isOurs.test(line));
  return [...kept, `instance-id: ${machine.instanceId}`, `local-hostname: ${machine.hostname}`, ''].join('\n');
}

async function addUser(root: string, user: NonNullable<Furnishing['user']>): Promise<Account> {
  const hasBash = (await listBeneath(root, 'bin', 10_000).catch(() => [])).some(({ name }) => name === 'bash');
  const isMerged = (await listBeneath(root, 'usr/bin', 10_000)).some(({ name }) => name === 'bash');
  const group = (await readBeneath(root, 'etc/group'))?.toString('utf8') ?? '';
  const wish = { name: user.name, shell: hasBash || isMerged ? '/bin/bash' : '/bin/sh', group };
  const missing = { mode: 0o644, owner: ROOT };
  let isNew = false;
  const passwd = await amendBeneath(
    root,
    'etc/passwd',
    (text) => {
      const made = passwdWith(text, wish);
      isNew = made.isNew;
      return made.text;
    },
    missing,
  );
  const account = findAccount(passwd ?? '', user.name);
  if (!account) throw new Error('a user that was just added is not there');
  await amendBeneath(root, 'etc/group', (text) => groupWith(text, account), missing);
  await amendBeneath(root, 'etc/gshadow', (text) => gshadowWith(text, account));
  await amendBeneath(root, 'etc/shadow', (text) => shadowWith(text, user), { mode: 0o640, owner: ROOT });
  const sudoers = `etc/sudoers.d/010_${user.name}-nopasswd`;
  await replaceBeneath(root, sudoers, `${user.name} ALL=(ALL) NOPASSWD: ALL\n`, 0o440, ROOT);
  const { uid, gid, home } = account;
  const isMade = await makeFolderBeneath(root, home, { mode: 0o755, owner: { uid, gid } });
  if (isMade && isNew) {
    const limits = { entries: 1000, bytes: 16 * 1024 ** 2, depth: 8 };
    await copyBeneath({ root, path: 'etc/skel' }, { root, path: home, owner: { uid, gid } }, limits);
  }
  // Raspberry Pi OS asks for the name of its first user, on the screen, until somebody says it, and tells so at every login.
  await removeBeneath(root, 'etc/systemd/system/multi-user.target.wants/userconfig.service');
  await removeBeneath(root, 'etc/ssh/sshd_config.d/rename_user.conf');
  return account;
}

async function addKeys(root: string, keys: readonly string[], account: Account | undefined): Promise<void> {
  const { uid, gid, home } = account ?? { ...ROOT, home: 'root' };
  const owner = { uid, gid };
  await makeFolderBeneath(root, home, { mode: 0o700, owner });
  await makeFolderBeneath(root, `${home}/.ssh`, { mode: 0o700, owner });
  const file = `${home}/.ssh/authorized_keys`;
  await amendBeneath(root, file, (text) => authorizedKeysWith(text, keys), { mode: 0o600, owner });
  // Raspberry Pi OS has its SSH server off until it finds this file.
  const units = await listBeneath(root, 'usr/lib/systemd/system', 10_000);
  if (units.some(({ name }) => name === 'sshswitch.service')) {
    await replaceBeneath(root, `${await findBootFolder(root)}/ssh`, '');
  }
}

async function addSeed(root: string, seed: NonNullable<Furnishing['seed']>): Promise<void> {
  const folder = 'var/lib/cloud/seed/nocloud';
  await replaceBeneath(root, `${folder}/user-data`, seed.userData, 0o600);
  await replaceBeneath(root, `${folder}/meta-data`, metaDataWith('', seed), 0o644);
  // Raspberry Pi OS and Ubuntu for Pis have cloud-init read the boot folder, and ship it with these files.
  const boot = await findBootFolder(root);
  const names = (await listBeneath(root, boot, 10_000)).map(({ name }) => name);
  const reads = names.includes('user-data') || names.includes('meta-data');
  if (!reads && (await readBeneath(root, 'etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg')) === undefined) return;
  await replaceBeneath(root, `${boot}/user-data`, seed.userData, 0o600);
  await amendBeneath(root, `${boot}/meta-data`, (text) => metaDataWith(text, seed), { mode: 0o644, owner: ROOT });
}

/**
 * Puts a user, keys and data for cloud-init into a mounted root, whose content is an image's and may be hostile: a link, or
 * anything else that is no plain file or folder, where one of these belongs ends it. Done again it changes nothing.
 * @throws BakeryError `root-refused`, `root-unfit` (invalid).
 */
export async function furnishRoot(root: string, { user, authorizedKeys = [], seed }: Furnishing): Promise<void> {
  try {
    await blamingRoot(async () => {
      const account = user && (await addUser(root, user));
      if (authorizedKeys.length > 0) await addKeys(root, authorizedKeys, account);
      if (seed) await addSeed(root, seed);
    });
  } catch (error) {
    if (!(error instanceof BakeryError) || error.code !== 'path-refused') throw error;
    const message =
      'the root of the bakeform has a link or a special file where a user, a key or the data for cloud-init belongs';
    throw new BakeryError('invalid', 'root-refused', message, { detail: error.detail ?? '', cause: error });
  }
}

/** A BOSH agent's settings, and what else was uploaded: far more than they ever are. */
const PI_CONFIG_LIMITS = { entries: 1000, bytes: 64 * 1024 ** 2, depth: 4 };

/**
 * Carries the files of /piConfig from one mounted root into another, over those that are there.
 * @throws BakeryError `pi-config-too-large` (conflict): nothing of it may get lost.
 */
export async function carryPiConfig(from: string, to: string): Promise<{ files: number; skipped: number }> {
  let copied: Copied;
  try {
    copied = await blamingRoot(() =>
      copyBeneath({ root: from, path: 'piConfig' }, { root: to, path: 'piConfig' }, PI_CONFIG_LIMITS),
    );
  } catch (error) {
    if (!(error instanceof BakeryError) || error.code !== 'path-refused') throw error;
    const message = 'the piConfig of one of the roots is a link or a special file';
    throw new BakeryError('conflict', 'pi-config-refused', message, { detail: error.detail ?? '', cause: error });
  }
  const { files, skipped, beyond } = copied;
  if (beyond > 0) {
    throw new BakeryError('conflict', 'pi-config-too-large', 'the piConfig of that Pi is too large to carry over');
  }
  return { files, skipped };
}
