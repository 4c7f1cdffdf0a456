/**
 * What this process has open below mount points. An open file keeps its volume from being unmounted, however long its reader takes: a
 * Pi whose power is cut in the middle of a boot file is waited for half a minute.
 */
export interface OpenFiles {
  /** Notes that something below the mount point is open; `end` has it closed soon. @returns what to call once it is closed. */
  opened(mountPoint: string, end: () => void): () => void;
  /** Has all be closed that is open there. */
  end(mountPoint: string): void;
}

/** Nothing is open yet. */
export function createOpenFiles(): OpenFiles {
  const open = new Map<string, Set<() => void>>();
  return {
    opened(mountPoint, end) {
      // One of its own each time: two may be ended by one function.
      const entry = () => end();
      const here = open.get(mountPoint) ?? new Set();
      open.set(mountPoint, here.add(entry));
      return () => {
        here.delete(entry);
        if (here.size === 0 && open.get(mountPoint) === here) open.delete(mountPoint);
      };
    },
    end(mountPoint) {
      for (const entry of [...(open.get(mountPoint) ?? [])]) entry();
    },
  };
}
