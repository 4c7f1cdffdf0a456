import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Clock } from '../../core/host/clock.ts';
import type { Ipv4 } from '../../core/ids.ts';
import type { FeedWatch } from '../../db/feed-watch.ts';
import type { Db } from '../../db/open.ts';
import type { Webhook } from '../../db/webhooks.ts';
import type { BootDesk } from '../boot/desk.ts';
import type { Engine } from '../operations/engine.ts';
import type { PiPower, Places } from '../operations/ports.ts';
import type { LitterInfo } from '../schema/litter.ts';
import type { AuthPolicy } from './auth.ts';

/** Tells webhooks what happens. */
export interface WebhookPorts {
  /** Begins with new ones and ends with removed ones. */
  refresh(): Promise<void>;
  /** Sends a test message and says how it went. */
  test(
    webhook: Webhook,
  ): Promise<{ kind: 'delivered'; status: number } | { kind: 'failed'; status?: number; error: string }>;
}

/** What the routes act through. */
export interface ApiPorts {
  readonly db: Db;
  readonly engine: Engine;
  readonly feed: FeedWatch;
  readonly webhooks: WebhookPorts;
  readonly power: PiPower;
  readonly places: Places;
  readonly desk: BootDesk;
  readonly clock: Clock;
  readonly auth: AuthPolicy;
  /** Where Pis mount from. */
  readonly nfsAddress: Ipv4;
  /** For how long destroyed disks are kept, in ms. */
  readonly trashKeepMs: number;
  /** False while the pool is below its reserve and nothing may be written on volumes. */
  mayWrite(): boolean;
  /** What lies about below the root that nothing accounts for. */
  litter(): Promise<{ litter: readonly LitterInfo[]; more: boolean }>;
  /** True while the database's file is not where it was, and nothing can be changed. */
  databaseMoved(): boolean;
  /** True once everything the server does is up. */
  ready(): boolean;
}

/** Fastify with schemas by zod. */
export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;
