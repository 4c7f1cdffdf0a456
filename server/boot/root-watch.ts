import type { Boot } from '../../core/boot.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import type { Db } from '../../db/open.ts';
import { findPi, findPiBy } from '../../db/pis.ts';
import type { NfsBackend, NfsOperations } from '../../exports/nfs/backend.ts';
import { hasMounted } from '../../netboot/boots/root.ts';
import type { BootRecorder } from './recorder.ts';

/** Asks the NFS server who mounts, while boots wait for their root. */
export interface RootWatch {
  round(): Promise<void>;
}

/** Builds it. Nothing is asked while no Pi boots. */
export function createRootWatch(ports: {
  readonly db: Db;
  readonly boots: Pick<BootRecorder, 'rootless' | 'note'>;
  readonly nfs: Pick<NfsBackend, 'clients' | 'operations'>;
  /** The MAC that the neighbour table shows at an address. */
  neighbour(address: Ipv4): Promise<Mac | undefined>;
}): RootWatch {
  const { db, boots, nfs } = ports;
  /** What the Pi's address had asked for before its boot could, by the boot's id. */
  const before = new Map<string, { readonly address: Ipv4; readonly operations: NfsOperations }>();

  /** What had been asked for from the Pi's address when its boot was first seen there. */
  async function baseOf(boot: Boot): Promise<{ address: Ipv4; operations: NfsOperations } | undefined> {
    const address = (await findPi(db, boot.pi))?.address;
    const known = before.get(boot.id);
    if (!address || known?.address === address) return address && known;
    const base = { address, operations: await nfs.operations(address) };
    before.set(boot.id, base);
    return base;
  }

  /** A kernel at another address than its firmware had: the export is not for that one. */
  async function lookElsewhere(client: Ipv4, heardAt: number, waiting: ReadonlyMap<PiId, Boot>): Promise<void> {
    const mac = await ports.neighbour(client);
    const pi = mac && (await findPiBy(db, 'mac', mac));
    const boot = pi && waiting.get(pi.id);
    if (!boot || pi.address === client || heardAt <= sinceOf(boot)) return;
    boots.note(boot.pi, { kind: 'nfs-asked', at: heardAt, from: client });
  }

  return {
    async round() {
      const open = boots.rootless();
      const ids = new Set(open.map(({ id }) => id));
      for (const id of before.keys()) if (!ids.has(id)) before.delete(id);
      const based = [];
      for (const boot of open) based.push({ boot, base: await baseOf(boot) });
      const waiting = based.filter(({ boot }) => kernelAt(boot) !== undefined);
      if (waiting.length === 0) return;
      const heard = new Map((await nfs.clients()).map(({ address, heardAt }) => [address, Math.round(heardAt)]));
      for (const { boot, base } of waiting) {
        const heardAt = base && heard.get(base.address);
        if (base) heard.delete(base.address);
        if (!base || heardAt === undefined || heardAt <= sinceOf(boot)) continue;
        const isMounted = hasMounted(base.operations, await nfs.operations(base.address));
        boots.note(boot.pi, { kind: isMounted ? 'root-mounted' : 'nfs-asked', at: heardAt });
      }
      const byPi = new Map(waiting.map(({ boot }) => [boot.pi, boot]));
      const first = Math.min(...waiting.map(({ boot }) => sinceOf(boot)));
      for (const [client, heardAt] of heard) if (heardAt > first) await lookElsewhere(client, heardAt, byPi);
    },
  };
}

/** From when on a boot's kernel may ask for its root. */
function kernelAt({ stages }: Boot): number | undefined {
  return stages.cmdline ?? stages.kernel;
}

/** What was heard of it before is known. */
function sinceOf(boot: Boot): number {
  return Math.max(kernelAt(boot) ?? Number.POSITIVE_INFINITY, boot.facts.nfsAskedAt ?? 0);
}
