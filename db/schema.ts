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
    address_seen_at: number | null;
    boot_expected_until: number | null;
    desired_power: string | null;
    maintenance: Generated<number>;
    quarantine: Generated<number>;
    await_off: Generated<number>;
    fault: string | null;
    /** It was baked once, or hangs on a power port: it is not dropped when strangers fill the pool with serials. */
    confirmed: Generated<number>;
    created_at: number;
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
  };
  operation_events: {
    seq: Generated<number>;
    operation: string;
    step: string;
    event: string;
    output: string | null;
    at: number;
  };
  claims: { resource: string; operation: string; purpose: string };
  settings: { key: string; value: string };
}
