import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Clock } from '../core/host/clock.ts';
import type { Log } from '../core/log.ts';
import { countStuck, takeCensus, webhookCensus } from '../db/census.ts';
import type { FileGuard } from '../db/file-guard.ts';
import type { Db } from '../db/open.ts';
import type { NfsBackend } from '../exports/nfs/backend.ts';
import type { Pool } from '../exports/volumes/pool.ts';
import { usageOfPool } from '../exports/volumes/usage.ts';
import type { DhcpPart } from './listen.ts';
import { createMetricsPage } from './metrics/collect.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { ExportCounts } from './operations/exports.ts';
import type { SwitchFigures } from './power/switches/figures.ts';
import type { BootTurns } from './power/turns.ts';
import type { BackupKeeper } from './reconcile/backups.ts';
import {
  judgeBackup,
  judgeDatabase,
  judgeDhcp,
  judgeHttp,
  judgeNfs,
  judgePool,
  judgePower,
  judgeRecovery,
  judgeSpace,
  judgeSwitches,
  judgeTftp,
  judgeWebhooks,
} from './reconcile/judge.ts';
import { createReadiness } from './reconcile/readiness.ts';
import type { SpaceKeeper } from './reconcile/space.ts';

/** What is looked at. */
export interface WatchedParts {
  readonly db: Db;
  readonly guard: FileGuard;
  readonly pool: Pool;
  readonly space: Pick<SpaceKeeper, 'level'>;
  readonly backend: Pick<NfsBackend, 'name' | 'alive'>;
  readonly exports: { counts(): ExportCounts };
  readonly tftp: { isListening(): boolean };
  readonly dhcp: DhcpPart;
  readonly power: { readonly driver: string; failures(): number };
  readonly switches: { readonly kinds: readonly string[]; figures(): readonly SwitchFigures[] };
  readonly turns: Pick<BootTurns, 'counts'>;
  readonly backups: Pick<BackupKeeper, 'report'>;
  /** What a crash interrupted has ended. */
  isRecovered(): boolean;
  /** Requests are taken. */
  isOpen(): boolean;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** True when the pool is there, and not read-only by itself: root may write everywhere else. */
function isUsable(pool: Pool): Promise<boolean> {
  return access(pool.path('volumes', ''), constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** How the parts of the server are, and the page of metrics. */
export function watchParts(parts: WatchedParts) {
  const { db, guard, pool, space, backend, exports, tftp, dhcp, power, switches, turns, backups, metrics, clock, log } =
    parts;
  const readiness = createReadiness({
    checks: {
      http: () => judgeHttp({ open: parts.isOpen() }),
      async database() {
        await countStuck(db);
        return judgeDatabase({ moved: guard.isMoved() });
      },
      async pool() {
        await pool.read();
        return judgePool({ kind: pool.kind, usable: await isUsable(pool) });
      },
      space: () => judgeSpace(space.level()),
      nfs: async () => judgeNfs({ isNone: backend.name === 'none', alive: await backend.alive(), ...exports.counts() }),
      tftp: () => judgeTftp({ listening: tftp.isListening() }),
      dhcp: () => judgeDhcp({ mode: dhcp.mode, listening: dhcp.server?.isListening() ?? false }),
      power: () => judgePower({ driver: power.driver, failures: power.failures() }),
      switches: () => judgeSwitches(switches.figures()),
      webhooks: async () => judgeWebhooks(await webhookCensus(db)),
      recovery: async () => judgeRecovery({ over: parts.isRecovered(), stuck: await countStuck(db) }),
      backup: async () => judgeBackup({ ...(await backups.report()), now: clock.now() }),
    },
    clock,
    log,
  });
  const page = createMetricsPage({
    metrics,
    sources: {
      census: () => takeCensus(db),
      pool: async () => ({ reading: await pool.read(), level: space.level() }),
      volumes: () => usageOfPool(pool),
      exports: exports.counts,
      boots: turns.counts,
      switches: async () => ({ kinds: switches.kinds, figures: switches.figures() }),
      lastBackup: async () => (await backups.report()).last,
      parts: readiness,
    },
    log,
  });
  return { readiness, page };
}
