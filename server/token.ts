import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../core/errors.ts';
import { writeFileAtomic } from '../core/host/files.ts';
import type { Config } from './config.ts';

/** Where the token that is made at the first start is kept. */
const adminTokenFile = (root: string) => join(root, 'admin-token');

/** The admin token: the preset one, else the one kept below the root, else a new one that is put there, readable by root only. */
export async function adminToken(
  config: Pick<Config, 'BAKERY_ADMIN_TOKEN' | 'BAKERY_ROOT'>,
): Promise<{ token: string; isPreset: boolean }> {
  const preset = config.BAKERY_ADMIN_TOKEN;
  if (preset !== undefined) return { token: preset, isPreset: true };
  return { token: await keptToken(adminTokenFile(config.BAKERY_ROOT)), isPreset: false };
}

/** Where an operator finds it, in the ready lines. */
export function whereTokenIs(config: Pick<Config, 'BAKERY_AUTH' | 'BAKERY_ADMIN_TOKEN' | 'BAKERY_ROOT'>): string {
  if (config.BAKERY_AUTH === 'off') return 'none needed (BAKERY_AUTH=off)';
  return config.BAKERY_ADMIN_TOKEN === undefined ? adminTokenFile(config.BAKERY_ROOT) : 'BAKERY_ADMIN_TOKEN';
}

async function keptToken(file: string): Promise<string> {
  try {
    const kept = (await readFile(file, 'utf8')).trim();
    if (kept !== '') return kept;
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  const token = randomBytes(24).toString('base64url');
  await writeFileAtomic(file, `${token}\n`, 0o600);
  return token;
}
