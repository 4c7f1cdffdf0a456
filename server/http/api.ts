import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Clock } from '../../core/host/clock.ts';
import type { OpenFiles } from '../../core/host/open-files.ts';
import type { Seal } from '../../core/host/sealed.ts';
import type { Ipv4 } from '../../core/ids.ts';
import type { Subnet } from '../../core/subnet.ts';
import type { FeedWatch } from '../../db/feed-watch.ts';
import type { Db } from '../../db/open.ts';
import type { Webhook } from '../../db/webhooks.ts';
import type { Uploads } from '../../exports/images/uploads.ts';
import type { DiagnosisFacts } from '../../netboot/boots/diagnosis.ts';
import type { BootDesk } from '../boot/desk.ts';
import type { BootRecorder } from '../boot/recorder.ts';
import type { Engine } from '../operations/engine.ts';
import type { PiPower, Places } from '../operations/ports.ts';
import type { SwitchKind } from '../power/switches/kind.ts';
import type { OpenSwitches } from '../power/switches/open.ts';
import type { SwitchQuestions } from '../power/switches/questions.ts';
import type { PartReadiness } from '../schema/health.ts';
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

/** What is measured of the server. */
export interface MetricsPort {
  readonly contentType: string;
  /** The page that Prometheus reads. */
  write(): Promise<string>;
  /** Counts an answered request; `route` is the pattern of its route, undefined for a call that there is not. */
  request(answered: { route: string | undefined; method: string; status: number; seconds: number }): void;
}

/** What the routes act through. */
export interface ApiPorts {
  readonly db: Db;
  readonly engine: Engine;
  readonly feed: FeedWatch;
  readonly webhooks: WebhookPorts;
  readonly power: PiPower;
  readonly switchKinds: readonly SwitchKind[];
  readonly switches: Pick<OpenSwitches, 'state' | 'refresh'>;
  readonly questions: Pick<SwitchQuestions, 'survey' | 'recent' | 'last' | 'listed' | 'failure' | 'port'>;
  /** For what is secret of switches. */
  readonly seal: Seal;
  readonly places: Places;
  /** The folder with what serial consoles of Pis print, `<serial>.log` each; undefined where nobody writes that down. */
  readonly consoles: string | undefined;
  /** What is open on roots of Pis. */
  readonly openFiles: Pick<OpenFiles, 'opened'>;
  readonly desk: BootDesk;
  readonly boots: Pick<BootRecorder, 'note' | 'round'>;
  /** What a diagnosis of a boot rests on beside its record. */
  diagnosisFacts(): DiagnosisFacts;
  readonly clock: Clock;
  readonly auth: AuthPolicy;
  /** Where Pis mount from. */
  readonly nfsAddress: Ipv4;
  /** The subnet of that address; undefined when it is on no interface of this machine. */
  subnet(): Subnet | undefined;
  /** For how long destroyed disks are kept, in ms. */
  readonly trashKeepMs: number;
  /** Disks can grow while they are mounted. */
  readonly growsMounted: boolean;
  /** The size of a bakeform's golden volume. */
  goldenBytes(volumeId: string): Promise<number>;
  /** Uploads that come in pieces. */
  readonly uploads: Uploads;
  /** False while the pool is below its reserve and nothing may be written on volumes. */
  mayWrite(): boolean;
  /** What lies about below the root that nothing accounts for. */
  litter(): Promise<{ litter: readonly LitterInfo[]; more: boolean }>;
  /** How each part of the server is. Cheap, however often it is asked. */
  readiness(): Promise<readonly PartReadiness[]>;
  readonly metrics: MetricsPort;
}

/** Fastify with schemas by zod. */
export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;
