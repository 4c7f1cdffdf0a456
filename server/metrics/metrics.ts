import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/**
 * Everything that is measured. Labels take few values each: words of the code, never what a client sends. The names of switches, of which
 * there are 200 at most, are gone with their switch.
 */
export interface Metrics extends ReturnType<typeof define> {
  readonly registry: Registry;
}

/** Of the library's: gauges that are named like counters, and two that read what Node has declared private. */
const UNWANTED = ['handles', 'requests', 'resources'].flatMap((what) => [
  `nodejs_active_${what}`,
  `nodejs_active_${what}_total`,
]);

function define(registers: Registry[]) {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `bakery_${name}`, help, labelNames, registers });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `bakery_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram({ name: `bakery_${name}`, help, labelNames, buckets, registers });
  return {
    buildInfo: gauge('build_info', 'Always 1; the labels say what runs', ['version', 'node']),
    partState: gauge('part_state', '1 for the state that a part of the server is in', ['part', 'state']),
    collectErrors: counter('collect_errors_total', 'Readings for this page that failed', ['collector']),

    pis: gauge('pis', 'Pis by state', ['state']),
    flaggedPis: gauge('flagged_pis', 'Pis that have a flag, whatever their state', ['flag']),
    disks: gauge('disks', 'Disks by role and state', ['role', 'state']),
    bakeforms: gauge('bakeforms', 'Bakeforms by state', ['state']),
    trashedDisks: gauge('trashed_disks', 'Destroyed disks that can be restored'),

    operations: gauge('operations', 'Operations that have not ended, by state', ['state']),
    operationSeconds: histogram(
      'operation_duration_seconds',
      'Operations that ended: done, failed (all undone) or stuck',
      ['kind', 'outcome'],
      [0.1, 0.5, 2, 10, 60, 300, 1_800],
    ),
    stepSeconds: histogram(
      'operation_step_duration_seconds',
      'Attempts at steps of operations, and at undoing them',
      ['kind', 'step', 'outcome'],
      [0.01, 0.1, 0.5, 2, 10, 60, 600],
    ),

    poolSize: gauge('pool_size_bytes', 'Size of the pool as it is'),
    poolFree: gauge('pool_free_bytes', 'What can be written on the pool as it is'),
    poolUsed: gauge('pool_used_bytes', 'Size less what can be written'),
    poolGrowable: gauge('pool_growable_bytes', 'What the pool can be grown by'),
    poolReserve: gauge('pool_reserve_bytes', 'What must stay free; with less all exports are read-only'),
    poolLevel: gauge('pool_level', '1 for the level that the pool is at', ['level']),
    volumes: gauge('volumes', 'Volumes on the pool by folder', ['folder']),
    volumeBytes: gauge('volume_bytes', 'Bytes of the volumes by folder; what two share counts twice', ['folder']),

    trims: counter('trims_total', 'Trims of volumes that ended', ['outcome']),
    trimmedBytes: counter('trimmed_bytes_total', 'Bytes that trims gave back to the pool'),

    exportsWanted: gauge('exports_wanted', 'Exports that the inventory asks for'),
    exportsServed: gauge('exports_served', 'Exports that are served as asked for'),

    tftpTransfers: counter('tftp_transfers_total', 'Requests for boot files that ended', ['outcome']),
    tftpBytes: counter('tftp_sent_bytes_total', 'Bytes of boot files that clients acknowledged'),
    tftpTurnedAway: counter(
      'tftp_turned_away_total',
      'Requests refused at once: writes, other modes, too many at a time',
    ),
    tftpSessions: gauge('tftp_sessions', 'Requests and transfers under way'),
    tftpRestarts: counter('tftp_restarts_total', 'Starts of a TFTP thread after it had died'),
    tftpSeconds: histogram(
      'tftp_transfer_duration_seconds',
      'Transfers, from the first block to the end',
      ['outcome'],
      [0.01, 0.1, 0.5, 2, 5, 15, 30],
    ),
    tftpWaitSeconds: histogram(
      'tftp_answer_duration_seconds',
      'From the arrival of a request until it was known what to send',
      [],
      [0.001, 0.005, 0.02, 0.1, 0.5, 2],
    ),

    dhcpPackets: counter('dhcp_packets_total', 'DHCP packets of clients that were heard', ['sender']),
    dhcpOffers: counter('dhcp_offers_total', 'Offers of boot files', ['sender']),

    boots: gauge('boots', 'Boots that began with a power-on by this server: under way, and waiting for their turn', [
      'class',
      'state',
    ]),

    powerSeconds: histogram(
      'power_call_duration_seconds',
      'Calls of the power driver; a retry is one more',
      ['driver', 'action', 'outcome'],
      [0.05, 0.2, 1, 3, 10],
    ),

    observedPis: gauge(
      'observed_pis',
      'Pis whose wished power was compared with what their switch says, in the last round',
      ['power'],
    ),
    powerRounds: counter('power_sync_rounds_total', 'Rounds in which wished and observed power were compared'),

    switches: gauge('switches', 'Switches by kind', ['kind']),
    switchWorks: gauge(
      'switch_survey_success',
      '1 when the last survey of a switch succeeded, 0 when it failed or the switch cannot be used',
      ['switch'],
    ),
    switchSurveyed: gauge(
      'switch_last_survey_timestamp_seconds',
      'When a switch last told what is on its ports, since the start and with the settings that it has',
      ['switch'],
    ),
    switchCalls: counter('switch_calls_total', 'Calls of a switch that ended', ['switch', 'action', 'outcome']),

    webhooks: gauge('webhooks', 'Webhooks'),
    webhooksFailing: gauge('webhooks_failing', 'Webhooks whose next event could not be delivered'),
    webhooksBehind: gauge('webhooks_behind_events', 'Events that the webhook furthest behind still has to be told'),

    lastBackup: gauge('last_backup_timestamp_seconds', 'When the last scheduled backup was made; 0 for never'),

    httpRequests: counter('http_requests_total', 'Requests answered', ['route', 'method', 'status']),
    httpSeconds: histogram(
      'http_request_duration_seconds',
      'Requests, from their head to the end of the answer',
      ['route', 'method'],
      [0.01, 0.05, 0.25, 1, 5, 15, 60],
    ),
  };
}

/** Defines all metrics in a registry of their own. `process_` and `nodejs_` are the library's, event-loop lag among them. */
export function createMetrics(build: { version: string; node: string }): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of UNWANTED) registry.removeSingleMetric(name);
  const metrics = { registry, ...define([registry]) };
  metrics.buildInfo.set(build, 1);
  return metrics;
}
