import type { Ipv4 } from '../../core/ids.ts';

/**
 * Who may mount an export: one address, one IPv4 subnet (`a.b.c.d/n`), or anyone who reaches the server. `also` is the address that the
 * same client is leaving; which of the two is which means nothing to a server.
 */
export type ExportClient =
  | { readonly kind: 'address'; readonly address: Ipv4; readonly also?: Ipv4 }
  | { readonly kind: 'subnet'; readonly cidr: string }
  | { readonly kind: 'any' };

/** What a client may do. */
export type ExportAccess = 'rw' | 'ro';

/** One mounted volume as the NFS server offers it. */
export interface NfsExport {
  /** 1..65535, one per volume and never another's: it is part of every file handle, so clients heal after a restart. */
  readonly id: number;
  /** Absolute path of the volume's mount point; what a client names when it mounts, with NFSv3 and NFSv4 alike. */
  readonly path: string;
  readonly client: ExportClient;
  readonly access: ExportAccess;
}

/** Ports of an NFS server, for clients that cannot ask rpcbind. */
export interface NfsPorts {
  readonly nfs: number;
  readonly mountd: number;
}

/** A machine that has asked the server for something, a mount that was refused included. */
export interface NfsClient {
  readonly address: Ipv4;
  /** When it last did, ms since the epoch. */
  readonly heardAt: number;
}

/** What a machine has asked of the files themselves since the server's start: a mount that was refused is none with NFSv3. */
export interface NfsOperations {
  readonly v3: number;
  readonly v4: number;
  /** Those of NFSv4 that failed: there a mount is made of them, and so is one that is refused. */
  readonly v4Failed: number;
}

/**
 * An NFS server that Bakery owns exports of. Every call makes something so, and may be repeated after a crash:
 * it looks at what the server does now, not at what this object did before. A second object for the same root sees
 * the same server. Nobody but root serves on it; volumes are mounted before `add` and unmounted after `remove`.
 *
 * Calls that change the server throw, all of them:
 * - `nfs-unavailable` (unavailable): it is not running or does not answer; `start` helps.
 * - `export-invalid` (invalid): id, path, client or access cannot be expressed; nothing changed.
 */
export interface NfsBackend {
  /** The word of BAKERY_NFS_BACKEND. */
  readonly name: string;

  /**
   * Makes the server run and answer. A server that Bakery started earlier and that is whole is adopted as it is, with its
   * exports; any other remains of one are ended first. A new one serves `exports` from its first answer on, as far as it
   * takes them: a client that ran before asks again the moment it can connect, and were its export added later, it would
   * be told ESTALE. They are asked for when the old server is gone. Converge after it: one that is not served is told there.
   * Repeating it while the server runs adopts.
   * @throws BakeryError `foreign-nfs-server` (unavailable) when someone else's NFS server is there; `capability-missing`,
   * `tool-missing` (unavailable); `nfs-start-failed` (unavailable) with the end of its log in the detail. Nothing of ours
   * runs after a throw.
   */
  start(exports?: () => Promise<readonly NfsExport[]>): Promise<{ readonly adopted: boolean }>;

  /** True when every part runs and answers. Never throws for a dead server. */
  alive(): Promise<boolean>;

  /** What the server really serves now of Bakery's exports, by id. @throws BakeryError `nfs-unavailable`. */
  list(): Promise<readonly NfsExport[]>;

  /**
   * Ids and paths of what it serves now, in one call however many they are: enough to see that nobody has added or removed any.
   * @throws BakeryError `nfs-unavailable`.
   */
  outline(): Promise<readonly Pick<NfsExport, 'id' | 'path'>[]>;

  /**
   * Serves `wanted`. The same again changes nothing; another client or access under that id is updated in place; another path
   * under that id replaces the export (its clients' handles die).
   * @throws BakeryError `export-refused` (unavailable): the server would not, its words are in the detail (the path is no
   * mounted folder, or another export has it).
   */
  add(wanted: NfsExport): Promise<void>;

  /**
   * Stops serving `id`; its clients get ESTALE at once, and heal when the same id is added again. No such export is fine.
   * @throws BakeryError `export-refused` (unavailable) when the server will not let go of it.
   */
  remove(id: number): Promise<void>;

  /** Changes client or access in place, effective at once for handles already held. Otherwise exactly `add`. */
  update(wanted: NfsExport): Promise<void>;

  /** Who has asked it for something since its start. @throws BakeryError `nfs-unavailable`. */
  clients(): Promise<readonly NfsClient[]>;

  /** What a machine has asked for; nothing for one that it does not know. @throws BakeryError `nfs-unavailable`. */
  operations(client: Ipv4): Promise<NfsOperations>;

  /** Stops serving and ends what Bakery started. Not running is fine. Bakery's own end does not call it. */
  stop(): Promise<void>;

  /** The ports in use; known without a running server. */
  ports(): NfsPorts;
}
