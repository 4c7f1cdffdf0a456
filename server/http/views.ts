import type { Bakeform } from '../../core/bakeform.ts';
import type { Disk, Snapshot } from '../../core/disk.ts';
import type { DiskId, Ipv4 } from '../../core/ids.ts';
import { legacyStatus, type Pi } from '../../core/pi.ts';
import { countBakedFrom } from '../../db/bakeforms.ts';
import { type DiskRecord, listDisks } from '../../db/disks.ts';
import type { Executor } from '../../db/open.ts';
import { countSnapshots } from '../../db/snapshots.ts';
import type { Places } from '../operations/ports.ts';
import type { BakeformDetail, BakeformInfo } from '../schema/bakeform.ts';
import type { DiskDetail, DiskInfo, SnapshotInfo } from '../schema/disk.ts';
import type { PiInfo } from '../schema/pi.ts';
import { iso } from './operation-views.ts';

/** What the wire shapes need beside the records. */
export interface ViewFacts {
  readonly places: Places;
  readonly nfsAddress: Ipv4;
}

/** A disk as the API shows it. */
export function diskInfo(disk: Disk, facts: ViewFacts): DiskInfo {
  const root = disk.role === 'root' && disk.pi;
  return {
    id: disk.id,
    location: root ? facts.places.root(root) : facts.places.disk(disk.id),
    size: disk.sizeMiB,
    nfsAddress: facts.nfsAddress,
  };
}

/** The same with what is known beside. */
export async function diskDetail(ex: Executor, disk: DiskRecord, facts: ViewFacts): Promise<DiskDetail> {
  return {
    ...diskInfo(disk, facts),
    role: disk.role,
    ...(disk.name === undefined ? {} : { name: disk.name }),
    ...(disk.source === undefined ? {} : { source: disk.source }),
    createdAt: iso(disk.createdAt),
    ...(disk.pi === undefined ? {} : { attachedTo: disk.pi }),
    snapshots: await countSnapshots(ex, disk.id),
  };
}

/** A snapshot as the API shows it. */
export function snapshotInfo({ id, disk, name, sizeMiB, createdAt }: Snapshot): SnapshotInfo {
  return { id, disk, ...(name === undefined ? {} : { name }), sizeMiB, createdAt: iso(createdAt) };
}

/** A bakeform as the API shows it. */
export function bakeformInfo(bakeform: Bakeform, facts: ViewFacts): BakeformInfo {
  return {
    name: bakeform.name,
    location: facts.places.bakeform(bakeform.volumeId),
    ...(bakeform.sha256 === undefined ? {} : { sha256: bakeform.sha256, bytes: bakeform.bytes }),
    notes: [...bakeform.notes],
  };
}

/** The same with what is known beside. */
export async function bakeformDetail(ex: Executor, bakeform: Bakeform, facts: ViewFacts): Promise<BakeformDetail> {
  return {
    ...bakeformInfo(bakeform, facts),
    createdAt: iso(bakeform.createdAt),
    bootFolder: bakeform.bootFolder,
    rootUsedBytes: bakeform.root.usedBytes,
    rootSizeBytes: bakeform.root.sizeBytes,
    pis: await countBakedFrom(ex, bakeform.volumeId),
    lint: [...bakeform.lint],
  };
}

/** A Pi as the API shows it; members that have no value are left out. */
export function piInfo(pi: Pi, disks: ReadonlyMap<DiskId, Disk>, facts: ViewFacts): PiInfo {
  const shown = pi.disks.flatMap((id) => disks.get(id) ?? []).map((disk) => diskInfo(disk, facts));
  const { bakeform: name, bakeformVolume: volume } = pi;
  return {
    id: pi.id,
    status: legacyStatus(pi.state),
    ...(shown.length === 0 ? {} : { disks: shown }),
    ...(name && volume ? { sourceBakeform: { name, location: facts.places.bakeform(volume) } } : {}),
    state: pi.state,
    ...(pi.address ? { address: pi.address } : {}),
    ...(pi.mac ? { mac: pi.mac } : {}),
    ...(pi.desiredPower ? { desiredPower: pi.desiredPower } : {}),
    ...(pi.maintenance ? { maintenance: true } : {}),
    ...(pi.awaitOff ? { awaitOff: true } : {}),
    ...(pi.fault ? { fault: pi.fault } : {}),
  };
}

/** Several Pis as a map by id. */
export async function piMap(ex: Executor, pis: readonly Pi[], facts: ViewFacts): Promise<Record<string, PiInfo>> {
  const disks = new Map((await listDisks(ex)).map((disk) => [disk.id, disk]));
  return Object.fromEntries(pis.map((pi) => [pi.id, piInfo(pi, disks, facts)]));
}

/** One Pi. */
export async function onePi(ex: Executor, pi: Pi, facts: ViewFacts): Promise<PiInfo> {
  return piInfo(pi, new Map((await listDisks(ex)).map((disk) => [disk.id, disk])), facts);
}
