import type { Ipv4 } from '../../core/ids.ts';

/** What is sent for a request. */
export type TftpAnswer =
  /** A regular file beneath `root`; no component of `path` may be a link. */
  | { readonly kind: 'file'; readonly root: string; readonly path: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

/** A read request. */
export interface TftpRequest {
  readonly client: Ipv4;
  readonly port: number;
  readonly filename: string;
  /** The address of ours that it came to. */
  readonly localAddress: Ipv4;
}

/** How a request ended. `aborted` by the client is normal: firmware probes so. */
export interface TftpTransfer {
  readonly client: Ipv4;
  readonly filename: string;
  readonly outcome: 'sent' | 'aborted' | 'timed-out' | 'failed' | 'refused';
  /** Bytes of the file that the client acknowledged. */
  readonly bytes: number;
  readonly milliseconds: number;
  /** From the arrival of the request until it was known what to send. */
  readonly waitedMilliseconds: number;
}

/** What there is to do, and what was done since it was last told. */
export interface TftpLoad {
  /** Requests and transfers under way now. */
  readonly sessions: number;
  /** Requests that were refused at once: not a read, not in octet mode, or too many at a time. */
  readonly turnedAway: number;
}

/** What a thread tells. */
export type FromWorker =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'listen-failed'; readonly code: string; readonly address: string; readonly port: number }
  | { readonly kind: 'request'; readonly id: number; readonly request: TftpRequest }
  | { readonly kind: 'transfer'; readonly id: number; readonly transfer: TftpTransfer }
  /** Nobody wants the answer of a request any more. */
  | { readonly kind: 'dropped'; readonly id: number }
  | { readonly kind: 'load'; readonly load: TftpLoad }
  /** A file that is there could not be opened. */
  | { readonly kind: 'fault'; readonly request: TftpRequest; readonly error: string };

/** What a thread is told. */
export type ToWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: TftpAnswer; readonly mtu: number | undefined }
  /** All threads together have too much under way. */
  | { readonly kind: 'turn-away'; readonly id: number }
  /** The file is needed elsewhere: its transfer ends. */
  | { readonly kind: 'stop'; readonly id: number }
  | { readonly kind: 'close' };

/** What a thread starts with. */
export interface WorkerSettings {
  readonly addresses: readonly Ipv4[];
  readonly port: number;
  /** True: fail where anybody listens there already, also one who would share the port. */
  readonly alone: boolean;
}
