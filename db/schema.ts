import type { Generated } from 'kysely';

/** The tables as the newest migration leaves them. Times are ms since the epoch, flags 0 or 1, JSON is text. */
export interface Schema {
  pis: {
    id: string;
    state: string;
    bakeform: string | null;
    /** The golden volume its root was cloned from; outlives the bakeform's row. */
    bakeform_volume: string | null;
    mac: string | null;
    address: string | null;
    /** The one it is leaving. */
    previous_address: string | null;
    address_seen_at: number | null;
    boot_expected_until: number | null;
    desired_power: string | null;
    maintenance: Generated<number>;
    /** Bakery writes its disks.json. */
    manage_disks: Generated<number>;
    quarantine: Generated<number>;
    await_off: Generated<number>;
    fault: string | null;
    /** It was baked once, or hangs on a power port: it is not dropped when strangers fill the pool with serials. */
    confirmed: Generated<number>;
    created_at: number;
    /** What people call it; unique. */
    name: string | null;
    /** JSON list of words. */
    tags: Generated<string>;
    notes: Generated<string>;
    /** Where its power comes from: a port of a switch, both or neither, one Pi each. */
    switch: string | null;
    port: string | null;
    /** The board's revision code, as /proc/cpuinfo has it. */
    revision: number | null;
    /** The port that it was found on while it is bound to another. */
    moved_switch: string | null;
    moved_port: string | null;
  };
  disks: {
    id: string;
    role: string;
    state: string;
    size_mib: number;
    pi: string | null;
    position: number | null;
    fs_uuid: string;
    export_id: number;
    created_at: number;
    name: string | null;
    /** The disk or snapshot it was cloned from. */
    source: string | null;
    /** Exported to nobody for a moment. */
    withheld: Generated<number>;
  };
  bakeforms: {
    name: string;
    state: string;
    volume_id: string;
    sha256: string | null;
    bytes: number;
    boot_folder: string;
    notes: string;
    created_at: number;
    /** JSON list of what was found in it. */
    lint: Generated<string>;
    /** Bytes that its root file system uses, and how large it is. */
    root_bytes: Generated<number>;
    root_size: Generated<number>;
  };
  /** A volume as it was at one moment; never mounted, never exported. */
  snapshots: {
    id: string;
    disk: string;
    name: string | null;
    size_mib: number;
    fs_uuid: string;
    state: string;
    created_at: number;
  };
  tokens: {
    id: string;
    name: string;
    /** SHA-256 of the token, lower-case hex. */
    hash: string;
    scope: string;
    created_at: number;
    expires_at: number | null;
    last_used_at: number | null;
    revoked_at: number | null;
  };
  operations: {
    id: string;
    kind: string;
    version: number;
    params: string;
    state: string;
    error: string | null;
    created_at: number;
    ended_at: number | null;
    /** The first Pi, disk and bakeform it claimed, kept after the claims are gone. */
    pi: string | null;
    disk: string | null;
    bakeform: string | null;
    /** Whose token asked for it, and in which request; null when the server did by itself. */
    actor: string | null;
    request: string | null;
  };
  operation_events: {
    seq: Generated<number>;
    operation: string;
    step: string;
    event: string;
    output: string | null;
    at: number;
  };
  /** One Pi each of an operation on many. */
  bulk_items: {
    bulk: string;
    position: number;
    pi: string;
    /** Minted when the bulk was admitted; there is none before the item is running, and none where nothing was to do. */
    operation: string;
    state: string;
    /** JSON: why it failed. */
    error: string | null;
  };
  claims: { resource: string; operation: string; purpose: string };
  settings: { key: string; value: string };
  /** What happened, in the order of its commits. `data` is a JSON object. */
  events: {
    seq: Generated<number>;
    at: number;
    type: string;
    operation: string | null;
    pi: string | null;
    disk: string | null;
    bakeform: string | null;
    data: string;
  };
  /** Every call that was meant to change something, and every one that was refused for its token. */
  audit: {
    seq: Generated<number>;
    at: number;
    actor: string;
    client: string;
    method: string;
    path: string;
    status: number;
    code: string | null;
    operation: string | null;
    request: string;
  };
  /** One attempt of a Pi to boot, each. `stages` and `facts` are JSON objects (core/boot.ts). */
  boots: {
    id: string;
    pi: string;
    started_at: number;
    heard_at: number;
    ended_at: number | null;
    ended_by: string | null;
    stop_told: Generated<number>;
    stages: string;
    facts: string;
  };
  idempotency_keys: {
    actor: string;
    key: string;
    fingerprint: string;
    operation: string;
    /** The answer that was given; null between the admission and the answer. */
    status: number | null;
    body: string | null;
    created_at: number;
  };
  webhooks: {
    id: string;
    url: string;
    secret: string;
    /** JSON list of event types, `*` at the end for any ending; empty for all. */
    types: string;
    /** The last event that was delivered. */
    cursor: number;
    failures: Generated<number>;
    next_at: Generated<number>;
    last_error: string | null;
    created_at: number;
  };
  /** Switches whose ports Pis hang on. */
  switches: {
    /** As in `pis.switch`, which may name one that is not here. */
    name: string;
    kind: string;
    notes: Generated<string>;
    /** A JSON object, without what is secret. */
    settings: string;
    /** A JSON object of what is, sealed for this name (core/host/sealed.ts); null when there is nothing. */
    secrets: Uint8Array | null;
    created_at: number;
  };
  uploads: {
    id: string;
    /** How many bytes it has when it is whole. */
    bytes: number;
    /** For how long nothing was heard of it, counted by running servers. */
    idle_ms: Generated<number>;
    created_at: number;
  };
  trash: {
    disk: string;
    role: string;
    size_mib: number;
    fs_uuid: string;
    /** The Pi it was on. */
    pi: string | null;
    bakeform: string | null;
    bakeform_volume: string | null;
    discarded_at: number;
    /** For how long it has been kept, counted by running servers: a clock that jumps deletes nothing. */
    kept_ms: Generated<number>;
  };
}
