import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isErrno } from '../core/errors.ts';
import { writeFileAtomic } from '../core/host/files.ts';

/** The admin token: the preset one, else the one kept in `file`, else a new one that is put there, readable by root only. */
export async function adminToken(file: string, preset: string | undefined): Promise<string> {
  if (preset !== undefined) return preset;
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
