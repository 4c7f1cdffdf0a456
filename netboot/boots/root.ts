/** What a machine has asked of the NFS server; see NfsOperations. */
interface Operations {
  readonly v3: number;
  readonly v4: number;
  readonly v4Failed: number;
}

/** More operations than this for one that fails are no mount that is refused: that takes some 15 (measured), and is tried again. */
const V4_PER_FAILURE = 20;

/**
 * True when a machine has mounted something between two looks. With NFSv3 whoever asks for a file has a mount; with NFSv4 the mount itself is
 * made of operations, and one that is refused is too.
 */
export function hasMounted(before: Operations, now: Operations): boolean {
  const failed = now.v4Failed - before.v4Failed;
  return now.v3 > before.v3 || now.v4 - before.v4 >= V4_PER_FAILURE * (failed + 1);
}
