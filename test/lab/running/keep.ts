import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabRefusal } from './arguments.ts';

const MARK = 'this-is-a-lab';

/**
 * The folder that a lab's data is kept in, without links; it is made when there is none. One that holds anything else than the data of a
 * lab is refused: the Pis in it may be real. @throws LabRefusal
 */
export function keptFolder(wish: string, { isWhole }: { readonly isWhole: boolean }): string {
  let folder: string;
  try {
    mkdirSync(wish, { recursive: true, mode: 0o711 });
    folder = realpathSync(wish);
    if (!existsSync(join(folder, MARK))) {
      if (readdirSync(folder).length > 0) throw new LabRefusal(`--keep: ${wish} holds no lab; name a new folder`);
      writeFileSync(join(folder, MARK), '');
    }
  } catch (error) {
    throw error instanceof LabRefusal
      ? error
      : new LabRefusal(`--keep: ${error instanceof Error ? error.message : error}`);
  }
  // It has an empty one of its own (outside.ts).
  if (isWhole && folder.startsWith('/run/')) throw new LabRefusal('--keep: nothing below /run can be kept');
  return folder;
}
