import type { Disk } from '../../core/disk.ts';
import { type Clock, systemClock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Pi } from '../../core/pi.ts';
import { listDisks } from '../../db/disks.ts';
import { findClaim } from '../../db/journal.ts';
import type { Db } from '../../db/open.ts';
import { listPis } from '../../db/pis.ts';
import type { ExportAccess, ExportClient, NfsBackend, NfsExport } from '../../exports/nfs/backend.ts';
import {
  type ConvergeResult,
  convergeExports,
  describeFailures,
  type ExportDrift,
  exportDrift,
  isSameOutline,
} from '../../exports/nfs/converge.ts';
import type { ExportKeeper, Places } from './ports.ts';

/** How long somebody else's change of a client or an access may go unnoticed. */
const READ_EVERY_MS = 60_000;

/** Who may mount a Pi's exports. */
export type ExportPolicy = { kind: 'pi' } | { kind: 'subnet'; cidr: string } | { kind: 'any' };

/**
 * What should be exported: each ready disk that is attached, to its Pi alone. A disk whose Pi has no known address is
 * not exported to anybody under the policy `pi`.
 */
export function desiredExports(facts: {
  disks: readonly Disk[];
  pis: readonly Pi[];
  policy: ExportPolicy;
  places: Places;
  /** What all of them allow now. */
  access: ExportAccess;
}): NfsExport[] {
  const pis = new Map(facts.pis.map((pi) => [pi.id, pi]));
  return facts.disks.flatMap((disk) => {
    const pi = disk.pi && pis.get(disk.pi);
    if (!pi || disk.state !== 'ready') return [];
    const client = clientOf(pi, facts.policy);
    if (!client) return [];
    const path = disk.role === 'root' ? facts.places.root(pi.id) : facts.places.disk(disk.id);
    return [{ id: disk.exportId, path, client, access: facts.access }];
  });
}

function clientOf(pi: Pi, policy: ExportPolicy): ExportClient | undefined {
  if (policy.kind !== 'pi') return policy;
  return pi.address && { kind: 'address', address: pi.address };
}

/** Also notices when somebody else has changed what is served. */
export interface DriftingExportKeeper extends ExportKeeper {
  /** The NFS server is a new one: that it serves nothing yet is nobody's doing. */
  forget(): void;
}

/** Converges the backend to the inventory, one convergence at a time; callers that come meanwhile share the next. */
export function createExportKeeper(options: {
  db: Db;
  backend: NfsBackend;
  policy: ExportPolicy;
  places: Places;
  /** The mount points that are mounted now: what is not mounted is an empty folder and must not be served. */
  mounted(): Promise<ReadonlySet<string>>;
  /** Those of them whose file system has given up. */
  broken(): Promise<ReadonlySet<string>>;
  /** What exports allow now: nobody may write while the pool is below its reserve. */
  access(): ExportAccess;
  /** Somebody else had changed what is served; it is repaired. */
  onDrift?(drift: ExportDrift): Promise<void>;
  clock?: Clock;
  log: Log;
}): DriftingExportKeeper {
  const { db, backend, policy, places, log, clock = systemClock } = options;
  /** What the last convergence left served; undefined when nobody knows. */
  let left: readonly NfsExport[] | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let running: Promise<ConvergeResult> | undefined;
  let next: Promise<ConvergeResult> | undefined;

  /** Mount points of broken volumes that are about to be unmounted and repaired. Until then they can still be read. */
  async function withheld(disks: readonly Disk[]): Promise<ReadonlySet<string>> {
    const broken = await options.broken();
    const found = new Set<string>();
    for (const disk of broken.size === 0 ? [] : disks) {
      const at = disk.role === 'root' && disk.pi ? places.root(disk.pi) : places.disk(disk.id);
      if (broken.has(at) && (await findClaim(db, `disk:${disk.id}`))?.kind === 'heal') found.add(at);
    }
    return found;
  }

  /** What is served now. To read all of it takes a call for each: in between, nothing but additions and removals is looked for. */
  async function look(): Promise<readonly NfsExport[]> {
    const isFresh = clock.monotonic() - readAt < READ_EVERY_MS;
    if (left && isFresh && isSameOutline(left, await backend.outline())) return left;
    readAt = clock.monotonic();
    return backend.list();
  }

  async function once(): Promise<ConvergeResult> {
    const [disks, pis] = [await listDisks(db), await listPis(db)];
    const mounted = await options.mounted();
    const hidden = await withheld(disks);
    const desired = desiredExports({ disks, pis, policy, places, access: options.access() });
    const served = desired.filter(({ path }) => mounted.has(path) && !hidden.has(path));
    const actual = await look();
    const drift = left && exportDrift(left, actual);
    left = undefined;
    const result = await convergeExports(backend, served, actual);
    const { added, updated, removed } = result;
    if (result.failed.length === 0) left = served;
    if (drift) await options.onDrift?.(drift);
    if (added.length + updated.length + removed.length > 0) log.info({ added, updated, removed }, 'exports changed');
    if (result.failed.length > 0) log.error({ failures: describeFailures(result) }, 'exports could not be changed');
    return result;
  }
  function begin(): Promise<ConvergeResult> {
    running = once().finally(() => {
      running = undefined;
    });
    return running;
  }
  function converge(): Promise<ConvergeResult> {
    if (!running) return begin();
    // What runs now may have read the inventory before the caller's change.
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return running ? converge() : begin();
      });
    return next;
  }
  return {
    forget() {
      left = undefined;
    },
    async converge(concerned) {
      const { failed } = await converge();
      const ours = failed.find((failure) => concerned.includes(failure.id));
      if (ours) throw ours.error;
    },
  };
}
