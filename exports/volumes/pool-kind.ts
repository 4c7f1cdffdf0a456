/** How clones are made on a pool: shared blocks of its own file system, of a loop-backed xfs, or sparse copies. */
export type PoolKind = 'reflink' | 'loop-xfs' | 'plain';

/** What is found below `$BAKERY_ROOT` before anything is mounted. */
export interface PoolFacts {
  readonly mode: 'auto' | 'plain';
  /** `pool.xfs` is there. */
  readonly hasXfs: boolean;
  /** The folder's own file system can share blocks. */
  readonly canReflink: boolean;
  /** There are volumes in the folder itself. */
  readonly hasVolumes: boolean;
}

/**
 * Decides what a pool is. Once made, it stays what it is whatever the mode says later: an xfs mounted over a folder that
 * holds volumes would hide them, and leaving out an xfs that holds them would too.
 */
export function choosePoolKind({ mode, hasXfs, canReflink, hasVolumes }: PoolFacts): PoolKind {
  if (hasXfs) return 'loop-xfs';
  if (canReflink) return 'reflink';
  return mode === 'plain' || hasVolumes ? 'plain' : 'loop-xfs';
}
