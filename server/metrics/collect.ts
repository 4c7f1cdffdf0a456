import type { Gauge } from 'prom-client';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { PI_STATES } from '../../core/pi.ts';
import type { Census } from '../../db/census.ts';
import {
  availableOf,
  reserveOf,
  SPACE_LEVELS,
  type SpaceLevel,
  type SpaceReading,
} from '../../exports/volumes/space.ts';
import type { FolderUsage } from '../../exports/volumes/usage.ts';
import { BOOT_CLASSES } from '../../netboot/boots/storm.ts';
import { SWITCH_ACTIONS } from '../power/switches/each-call.ts';
import type { SwitchFigures } from '../power/switches/figures.ts';
import type { BootCounts } from '../power/turns.ts';
import type { Metrics } from './metrics.ts';

/** Where readings come from. Any of them may fail. */
export interface MetricSources {
  census(): Promise<Census>;
  pool(): Promise<{ reading: SpaceReading; level: SpaceLevel }>;
  volumes(): Promise<readonly FolderUsage[]>;
  exports(): { readonly wanted: number; readonly served: number };
  boots(): BootCounts;
  switches(): Promise<{ readonly kinds: readonly string[]; readonly figures: readonly SwitchFigures[] }>;
  /** When the last one was made, ms since the epoch. */
  lastBackup(): Promise<number | undefined>;
  parts(): Promise<readonly { readonly part: string; readonly state: string }[]>;
}

const PART_STATES = ['ready', 'degraded', 'not-ready'] as const;

/** Takes all values of a gauge off the page. */
function clear(gauge: Pick<Gauge, 'reset' | 'remove'>): void {
  gauge.reset();
  // One without labels is 0 after that, which nobody has read.
  gauge.remove({});
}

// Words of which there is nothing are set to 0: a series that is not there raises no alert.

function setCensus(metrics: Metrics, census: Census): void {
  for (const state of PI_STATES) metrics.pis.set({ state }, census.pis.get(state) ?? 0);
  for (const [flag, count] of Object.entries(census.flags)) metrics.flaggedPis.set({ flag }, count);
  for (const role of ['root', 'data']) {
    for (const state of ['making', 'ready', 'removing']) {
      metrics.disks.set({ role, state }, census.disks.get(`${role}/${state}`) ?? 0);
    }
  }
  for (const state of ['making', 'ready', 'removing']) {
    metrics.bakeforms.set({ state }, census.bakeforms.get(state) ?? 0);
  }
  for (const state of ['running', 'unwinding', 'stuck']) {
    metrics.operations.set({ state }, census.operations.get(state) ?? 0);
  }
  metrics.trashedDisks.set(census.trash);
  metrics.webhooks.set(census.webhooks.all);
  metrics.webhooksFailing.set(census.webhooks.failing);
  metrics.webhooksBehind.set(census.webhooks.behind);
}

function setPool(metrics: Metrics, { reading, level }: { reading: SpaceReading; level: SpaceLevel }): void {
  const { total } = reading.pool;
  const free = availableOf(reading);
  metrics.poolSize.set(total);
  metrics.poolFree.set(free);
  metrics.poolUsed.set(total - free);
  metrics.poolGrowable.set(reading.growable);
  metrics.poolReserve.set(reserveOf({ total, dirty: reading.dirty }));
  for (const one of SPACE_LEVELS) metrics.poolLevel.set({ level: one }, one === level ? 1 : 0);
}

function setSwitches(metrics: Metrics, { kinds, figures }: Awaited<ReturnType<MetricSources['switches']>>): void {
  for (const kind of new Set([...kinds, ...figures.map((one) => one.kind)])) {
    metrics.switches.set({ kind }, figures.filter((one) => one.kind === kind).length);
  }
  for (const { name, works, surveyedAt, calls } of figures) {
    if (works !== undefined) metrics.switchWorks.set({ switch: name }, works ? 1 : 0);
    if (surveyedAt !== undefined) metrics.switchSurveyed.set({ switch: name }, surveyedAt / 1_000);
    for (const action of SWITCH_ACTIONS) {
      for (const outcome of ['done', 'failed'] as const) {
        metrics.switchCalls.inc({ switch: name, action, outcome }, calls[action][outcome]);
      }
    }
  }
}

/**
 * Writes the page that Prometheus reads. Readings are taken anew for each page, once for all who ask at the same time; what
 * cannot be read is left out of the page and counted, and the rest is there.
 */
export function createMetricsPage(options: { metrics: Metrics; sources: MetricSources; log: Log }) {
  const { metrics, sources, log } = options;
  const collectors: Record<string, { gauges: readonly Pick<Gauge, 'reset' | 'remove'>[]; collect(): Promise<void> }> = {
    census: {
      gauges: [
        metrics.pis,
        metrics.flaggedPis,
        metrics.disks,
        metrics.bakeforms,
        metrics.operations,
        metrics.trashedDisks,
        metrics.webhooks,
        metrics.webhooksFailing,
        metrics.webhooksBehind,
      ],
      collect: async () => setCensus(metrics, await sources.census()),
    },
    pool: {
      gauges: [
        metrics.poolSize,
        metrics.poolFree,
        metrics.poolUsed,
        metrics.poolGrowable,
        metrics.poolReserve,
        metrics.poolLevel,
      ],
      collect: async () => setPool(metrics, await sources.pool()),
    },
    volumes: {
      gauges: [metrics.volumes, metrics.volumeBytes],
      async collect() {
        for (const { folder, files, bytes } of await sources.volumes()) {
          metrics.volumes.set({ folder }, files);
          metrics.volumeBytes.set({ folder }, bytes);
        }
      },
    },
    exports: {
      gauges: [metrics.exportsWanted, metrics.exportsServed],
      async collect() {
        const { wanted, served } = sources.exports();
        metrics.exportsWanted.set(wanted);
        metrics.exportsServed.set(served);
      },
    },
    boots: {
      gauges: [metrics.boots],
      async collect() {
        const { underWay, waiting } = sources.boots();
        for (const name of BOOT_CLASSES) {
          metrics.boots.set({ class: name, state: 'under-way' }, underWay[name]);
          metrics.boots.set({ class: name, state: 'waiting' }, waiting[name]);
        }
      },
    },
    switches: {
      // The counter begins anew for each page: what is counted is the switch's.
      gauges: [metrics.switches, metrics.switchWorks, metrics.switchSurveyed, metrics.switchCalls],
      collect: async () => setSwitches(metrics, await sources.switches()),
    },
    backups: {
      gauges: [metrics.lastBackup],
      collect: async () => metrics.lastBackup.set(((await sources.lastBackup()) ?? 0) / 1_000),
    },
    parts: {
      gauges: [metrics.partState],
      async collect() {
        for (const { part, state } of await sources.parts()) {
          for (const one of PART_STATES) metrics.partState.set({ part, state: one }, one === state ? 1 : 0);
        }
      },
    },
  };
  for (const collector of Object.keys(collectors)) metrics.collectErrors.inc({ collector }, 0);

  async function write(): Promise<string> {
    for (const [collector, { gauges, collect }] of Object.entries(collectors)) {
      for (const gauge of gauges) clear(gauge);
      try {
        await collect();
      } catch (error) {
        metrics.collectErrors.inc({ collector });
        log.warn({ collector, error: describeError(error) }, 'a reading for the metrics failed');
      }
    }
    return metrics.registry.metrics();
  }

  let running: Promise<string> | undefined;
  return {
    contentType: metrics.registry.contentType,
    write(): Promise<string> {
      running ??= write().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}
