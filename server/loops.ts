import type { BootRecorder } from './boot/recorder.ts';
import type { RootWatch } from './boot/root-watch.ts';
import type { Engine } from './operations/engine.ts';
import type { AddressWatch } from './reconcile/addresses.ts';
import type { BackupKeeper } from './reconcile/backups.ts';
import type { BootRetries } from './reconcile/boot-retries.ts';
import type { Healer } from './reconcile/heal.ts';
import type { LitterKeeper } from './reconcile/litter-keeper.ts';
import type { Loop } from './reconcile/loops.ts';
import type { PowerSync } from './reconcile/power-sync.ts';
import type { Retention } from './reconcile/retention.ts';
import type { SpaceKeeper } from './reconcile/space.ts';
import type { SwitchWatch } from './reconcile/switch-watch.ts';
import type { TrashKeeper } from './reconcile/trash.ts';
import type { Trimmer } from './reconcile/trim.ts';
import type { UploadKeeper } from './reconcile/uploads.ts';
import type { WebhookDelivery } from './reconcile/webhooks.ts';

/** What is looked after while the server runs. */
export interface LoopParts {
  /** The NFS server, mounts and exports, in this order. */
  readonly exports: () => Promise<void>;
  readonly addresses: AddressWatch;
  readonly retention: Retention;
  readonly webhooks: WebhookDelivery;
  readonly trash: TrashKeeper;
  readonly database: { check(): Promise<void> };
  readonly engine: Engine;
  readonly healer: Healer;
  readonly space: SpaceKeeper;
  readonly litter: LitterKeeper;
  readonly backups: BackupKeeper;
  readonly boots: BootRecorder;
  readonly roots: RootWatch;
  readonly bootRetries: BootRetries;
  readonly powerSync: PowerSync;
  /** How often it has its round; 0: never. */
  readonly powerSyncMs: number;
  readonly uploads: UploadKeeper;
  readonly trimmer: Trimmer;
  /** Undefined when it is never to look. */
  readonly switchWatch: { readonly watch: SwitchWatch; readonly everyMs: number } | undefined;
}

/** How often each of them has its round. */
export function reconcileLoops(parts: LoopParts): Loop[] {
  const { addresses, retention, webhooks, trash, database, engine, healer, space, litter, backups } = parts;
  const { boots, roots, bootRetries, powerSync, powerSyncMs, uploads, trimmer, switchWatch } = parts;
  return [
    { name: 'exports', everyMs: 5_000, run: parts.exports },
    { name: 'addresses', everyMs: 5_000, run: () => addresses.round() },
    { name: 'retention', everyMs: 10_000, run: () => retention.round() },
    { name: 'webhooks', everyMs: 1_000, run: () => webhooks.refresh() },
    { name: 'trash', everyMs: 60_000, run: async () => void (await trash.tidy()) },
    { name: 'database', everyMs: 1_000, run: () => database.check() },
    { name: 'operations', everyMs: 10_000, run: () => engine.recover() },
    { name: 'boots', everyMs: 250, run: () => boots.round() },
    { name: 'roots', everyMs: 500, run: () => roots.round() },
    { name: 'heal', everyMs: 5_000, run: async () => void (await healer.round()) },
    { name: 'space', everyMs: 200, run: () => space.round() },
    { name: 'litter', everyMs: 15_000, run: async () => void (await litter.tell()) },
    { name: 'backups', everyMs: 60_000, run: async () => void (await backups.tidy()) },
    { name: 'uploads', everyMs: 60_000, run: () => uploads.tidy() },
    { name: 'boot-retries', everyMs: 15_000, run: () => bootRetries.round() },
    ...(powerSyncMs > 0 ? [{ name: 'power-sync', everyMs: powerSyncMs, run: () => powerSync.round() }] : []),
    { name: 'trim', everyMs: 60_000, run: async () => void (await trimmer.round()) },
    ...(switchWatch ? [{ name: 'switches', everyMs: switchWatch.everyMs, run: () => switchWatch.watch.round() }] : []),
  ];
}
