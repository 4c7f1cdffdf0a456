import type { Disk } from '../../core/disk.ts';
import { type Clock, systemClock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Pi } from '../../core/pi.ts';
import { listDisks, listDisksExported } from '../../db/disks.ts';
import { findClaim } from '../../db/journal.ts';
import type { Db } from '../../db/open.ts';
import { findPi, listPis } from '../../db/pis.ts';
import type { ExportAccess, ExportClient, NfsBackend, NfsExport } from '../../exports/nfs/backend.ts';
import {
  type ConvergeResult,
  convergeExports,
  describeFailures,
  type ExportDrift,
  exportDrift,
  isSameOutline,
} from '../../exports/nfs/converge.ts';
import type { MountedPlaces } from '../../exports/volumes/survey.ts';
import type { ExportKeeper, Places } from './ports.ts';

/** How long somebody else's change of a client or an access may go unnoticed. */
const READ_EVERY_MS = 60_000;

/** Who may mount a Pi's exports. */
export type ExportPolicy = { kind: 'pi' } | { kind: 'subnet'; cidr: string } | { kind: 'any' };

/**
 * What should be exported: each ready disk that is attached and not withheld, to its Pi alone, at the address that it is leaving
 * too. A disk whose Pi has no known address is not exported to anybody under the policy `pi`.
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
    if (!pi || disk.state !== 'ready' || disk.isWithheld) return [];
    const client = clientOf(pi, facts.policy);
    if (!client) return [];
    const path = disk.role === 'root' ? facts.places.root(pi.id) : facts.places.disk(disk.id);
    return [{ id: disk.exportId, path, client, access: facts.access }];
  });
}

function clientOf(pi: Pi, policy: ExportPolicy): ExportClient | undefined {
  if (policy.kind !== 'pi') return policy;
  const { address, previousAddress: also } = pi;
  return address && { kind: 'address', address, ...(also ? { also } : {}) };
}

/** Export ids, or everything. */
type Scope = ReadonlySet<number> | 'all';

/** How many exports there should be, and how many are served as they should be. */
export interface ExportCounts {
  readonly wanted: number;
  readonly served: number;
}

/** Also notices when somebody else has changed what is served. */
export interface DriftingExportKeeper extends ExportKeeper {
  /**
   * Makes the NFS server run; a new one serves what it should from its first answer on.
   * @returns true when it is a new one. @throws what the backend's `start` throws.
   */
  start(): Promise<boolean>;
  /** As the last convergence left it. Nothing is served for sure once one could not be made. */
  counts(): ExportCounts;
}

/** Converges the backend to the inventory, one convergence at a time; callers that come meanwhile share the next. */
export function createExportKeeper(options: {
  db: Db;
  backend: NfsBackend;
  policy: ExportPolicy;
  places: Places;
  /**
   * What is mounted now of these disks or of all, and which of the file systems there have given up; both as one moment has them. What is not
   * mounted is an empty folder and must not be served.
   */
  look(of?: readonly Disk[]): Promise<MountedPlaces>;
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
  let counts: ExportCounts = { wanted: 0, served: 0 };
  let wantedIds: ReadonlySet<number> = new Set();
  let running: Promise<ConvergeResult> | undefined;
  let next: Promise<ConvergeResult> | undefined;
  /** What `next` is to look at: export ids, or everything. */
  let nextScope: Scope = new Set();

  /** Mount points of broken volumes that are about to be unmounted and repaired. Until then they can still be read. */
  async function withheld(disks: readonly Disk[], broken: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (const disk of broken.size === 0 ? [] : disks) {
      const at = disk.role === 'root' && disk.pi ? places.root(disk.pi) : places.disk(disk.id);
      if (broken.has(at) && (await findClaim(db, `disk:${disk.id}`))?.kind === 'heal') found.add(at);
    }
    return found;
  }

  /** What is served now. To read all of it takes a call for each: in between, nothing but additions and removals is looked for. */
  async function lookAround(): Promise<readonly NfsExport[]> {
    const isFresh = clock.monotonic() - readAt < READ_EVERY_MS;
    if (left && isFresh && isSameOutline(left, await backend.outline())) return left;
    readAt = clock.monotonic();
    return backend.list();
  }

  /** What should be served, and what of it can be now. */
  async function wanted(scope: Scope = 'all'): Promise<Readonly<Record<'desired' | 'served', readonly NfsExport[]>>> {
    const disks = scope === 'all' ? await listDisks(db) : await listDisksExported(db, [...scope]);
    const pis = scope === 'all' ? await listPis(db) : await pisOf(disks);
    const desired = desiredExports({ disks, pis, policy, places, access: options.access() });
    // Where nothing is to be served it does not matter what is mounted.
    if (desired.length === 0) return { desired, served: [] };
    // One look for both: between two, a volume that is unmounted to be repaired could seem whole in the one and mounted in the other, and the bare
    // folder would be served: what clients write there is hidden by the next mount.
    const { mounted, broken } = await options.look(scope === 'all' ? undefined : disks);
    const hidden = await withheld(disks, broken);
    return { desired, served: desired.filter(({ path }) => mounted.has(path) && !hidden.has(path)) };
  }

  async function pisOf(disks: readonly Disk[]): Promise<Pi[]> {
    const ids = new Set(disks.map(({ pi }) => pi).filter((pi) => pi !== undefined));
    const found = await Promise.all([...ids].map((id) => findPi(db, id)));
    return found.filter((pi) => pi !== undefined);
  }

  /** Of these alone, given what was left served. All is looked at when that does not do: somebody else's change may be in the way. */
  async function some(scope: ReadonlySet<number>, before: readonly NfsExport[]): Promise<ConvergeResult> {
    const { desired, served } = await wanted(scope);
    wantedIds = new Set([...wantedIds].filter((id) => !scope.has(id)).concat(desired.map(({ id }) => id)));
    left = undefined;
    const theirs = before.filter(({ id }) => scope.has(id));
    const result = await convergeExports(backend, served, theirs);
    if (result.failed.length > 0) return all();
    left = [...before.filter(({ id }) => !scope.has(id)), ...served];
    counts = { wanted: wantedIds.size, served: left.length };
    const { added, updated, removed } = result;
    if (added.length + updated.length + removed.length > 0) log.info({ added, updated, removed }, 'exports changed');
    return result;
  }

  function once(scope: Scope): Promise<ConvergeResult> {
    return scope === 'all' || !left ? all() : some(scope, left);
  }

  async function all(): Promise<ConvergeResult> {
    const { desired, served } = await wanted();
    wantedIds = new Set(desired.map(({ id }) => id));
    counts = { ...counts, wanted: desired.length };
    const actual = await lookAround();
    const drift = left && exportDrift(left, actual);
    left = undefined;
    const result = await convergeExports(backend, served, actual);
    counts = { wanted: desired.length, served: served.length - result.failed.length };
    const { added, updated, removed } = result;
    if (result.failed.length === 0) left = served;
    if (drift) await options.onDrift?.(drift);
    if (added.length + updated.length + removed.length > 0) log.info({ added, updated, removed }, 'exports changed');
    if (result.failed.length > 0) log.error({ failures: describeFailures(result) }, 'exports could not be changed');
    return result;
  }
  function begin(scope: Scope): Promise<ConvergeResult> {
    running = once(scope)
      .catch((error: unknown) => {
        counts = { ...counts, served: 0 };
        throw error;
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  }
  function converge(scope: Scope): Promise<ConvergeResult> {
    if (!running) return begin(scope);
    // What runs now may have read the inventory before the caller's change.
    nextScope = scope === 'all' || nextScope === 'all' ? 'all' : nextScope.union(scope);
    next ??= running
      .catch(() => undefined)
      .then(() => {
        const mine = nextScope;
        next = undefined;
        nextScope = new Set();
        return running ? converge(mine) : begin(mine);
      });
    return next;
  }
  return {
    counts: () => counts,
    async start() {
      const { adopted } = await backend.start(async () => (await wanted()).served);
      // What a new one does not serve yet is nobody's doing.
      if (!adopted) left = undefined;
      return !adopted;
    },
    async converge(concerned, scope = 'all') {
      const { failed } = await converge(scope === 'only' ? new Set(concerned) : 'all');
      const ours = failed.find((failure) => concerned.includes(failure.id));
      if (ours) throw ours.error;
    },
  };
}
