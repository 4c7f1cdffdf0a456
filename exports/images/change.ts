import type { Finding } from '../../core/bakeform.ts';
import { replaceBeneath } from '../../core/host/replace.ts';
import { finding } from './lint.ts';

/** One thing to change in a root so that it netboots. */
export interface Change {
  /** What is told when it was made. */
  readonly done: readonly Finding[];
  /** What is told when it is left. */
  readonly left: readonly Finding[];
  /** Makes it; done again it changes nothing. @returns false when there was nothing to change after all. */
  make(): Promise<boolean>;
}

/** A change that is told in one line: `said` when it was made, `missed` when it was left. */
export function change(
  told: { tells: string; said: string; missed: string; path: string },
  make: () => Promise<boolean>,
): Change {
  const { tells, said, missed, path } = told;
  return {
    done: [finding('info', tells, said, path)],
    left: [finding('warning', 'left-unprepared', `left as it is: ${missed}`, path)],
    make,
  };
}

/** Writes a file of Bakery's own, or an image's anew. */
export function write(root: string, path: string, text: string): () => Promise<boolean> {
  return async () => {
    await replaceBeneath(root, path, text);
    return true;
  };
}
