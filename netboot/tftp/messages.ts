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
}

/** What the worker tells. */
export type FromWorker =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'listen-failed'; readonly code: string; readonly address: string; readonly port: number }
  | { readonly kind: 'request'; readonly id: number; readonly request: TftpRequest }
  | { readonly kind: 'transfer'; readonly transfer: TftpTransfer }
  /** A file that is there could not be opened. */
  | { readonly kind: 'fault'; readonly request: TftpRequest; readonly error: string };

/** What the worker is told. */
export type ToWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: TftpAnswer }
  | { readonly kind: 'close' };

/** What the worker starts with. */
export interface WorkerSettings {
  readonly addresses: readonly Ipv4[];
  readonly port: number;
}
