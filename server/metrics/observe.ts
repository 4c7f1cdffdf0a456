import type { DhcpOptions } from '../../netboot/dhcp/server.ts';
import type { TftpLoad, TftpTransfer } from '../../netboot/tftp/server.ts';
import type { WorkWatch } from '../operations/watch.ts';
import type { PowerCall } from '../power/service.ts';
import type { Metrics } from './metrics.ts';

/** A request that was answered. */
export interface AnsweredRequest {
  /** The pattern of its route; undefined for a call that there is not. */
  readonly route: string | undefined;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

/** What others tell as it happens, counted. None of it throws. */
export interface Observers {
  readonly work: WorkWatch;
  power(call: Omit<PowerCall, 'pi'>): void;
  /** A round that compared wished and observed power. */
  powerRound(found: { readonly agree: number; readonly differ: number; readonly unknown: number }): void;
  /** Calls of the power driver that failed since the last one that worked. */
  powerFailures(): number;
  readonly tftp: { transfer(transfer: TftpTransfer): void; load(load: TftpLoad): void; restart(): void };
  readonly dhcp: { packet: NonNullable<DhcpOptions['onPacket']>; offer: NonNullable<DhcpOptions['onOffer']> };
  http(request: AnsweredRequest): void;
  trim(trimmed: { readonly outcome: 'done' | 'failed'; readonly bytes: number }): void;
}

/** A client may name any method that Node knows; each would be a series of its own. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Counts into `metrics`. */
export function createObservers(metrics: Metrics): Observers {
  let failures = 0;
  return {
    work: {
      step: ({ seconds, ...labels }) => metrics.stepSeconds.observe(labels, seconds),
      operation: ({ seconds, ...labels }) => metrics.operationSeconds.observe(labels, seconds),
    },
    power({ driver, action, outcome, seconds }) {
      metrics.powerSeconds.observe({ driver, action, outcome }, seconds);
      if (outcome === 'done' || outcome === 'unconfirmed') failures = 0;
      else if (outcome !== 'aborted') failures++;
    },
    powerRound({ agree, differ, unknown }) {
      metrics.powerRounds.inc();
      metrics.observedPis.set({ power: 'as-wished' }, agree);
      metrics.observedPis.set({ power: 'differs' }, differ);
      metrics.observedPis.set({ power: 'unknown' }, unknown);
    },
    powerFailures: () => failures,
    tftp: {
      transfer({ outcome, bytes, milliseconds, waitedMilliseconds }) {
        metrics.tftpTransfers.inc({ outcome });
        metrics.tftpBytes.inc(bytes);
        metrics.tftpWaitSeconds.observe(waitedMilliseconds / 1_000);
        if (outcome !== 'refused') metrics.tftpSeconds.observe({ outcome }, milliseconds / 1_000);
      },
      load({ sessions, turnedAway }) {
        metrics.tftpSessions.set(sessions);
        metrics.tftpTurnedAway.inc(turnedAway);
      },
      restart: () => metrics.tftpRestarts.inc(),
    },
    dhcp: {
      packet: (sender) => metrics.dhcpPackets.inc({ sender }),
      offer: (sender) => metrics.dhcpOffers.inc({ sender }),
    },
    trim({ outcome, bytes }) {
      metrics.trims.inc({ outcome });
      metrics.trimmedBytes.inc(bytes);
    },
    http({ route = 'none', method: sent, status, seconds }) {
      const method = METHODS.has(sent) ? sent : 'other';
      metrics.httpRequests.inc({ route, method, status });
      metrics.httpSeconds.observe({ route, method }, seconds);
    },
  };
}
