import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../core/log.ts';
import type { NfsExport } from '../../exports/nfs/backend.ts';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { untilAtRest } from '../lab/world-check.ts';

export const MIB = 1024 ** 2;
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A disk as the API tells of it. */
export interface Disk {
  readonly id: string;
  readonly location: string;
  readonly size: number;
  readonly role: string;
  readonly name?: string;
  readonly source?: string;
  readonly createdAt: string;
  readonly attachedTo?: string;
  readonly snapshots: number;
}

/** A server, and one Pi that is baked from `tiny`. */
export interface DiskWorld {
  readonly rack: Rack;
  readonly bakery: RunningBakery;
  /** The serial of the Pi. */
  readonly pi: string;
  /** Makes a call that must be answered with that status. */
  ask<T>(status: number, method: string, path: string, body?: unknown): Promise<T>;
  refused(status: number, code: string, method: string, path: string, body?: unknown): Promise<void>;
  /** Starts what goes on after its answer, and waits for its end. @returns the state of the operation. */
  ended(method: string, path: string, body: unknown): Promise<string>;
  read(id: string): Promise<Disk>;
  makeDisk(body: object): Promise<Disk>;
  attach(id: string): Promise<unknown>;
  detach(id: string): Promise<unknown>;
  /** Past the trash. */
  destroy(id: string): Promise<void>;
  write(disk: Disk, text: string): void;
  begins(disk: Disk, length: number): string;
  /** What the NFS server serves. */
  served(): Promise<readonly NfsExport[]>;
  close(): Promise<void>;
}

/** The file of a disk. */
export const image = (disk: Disk) => join(disk.location, 'disk.img');
/** A file of an export, for the programs of libnfs. */
export const url = (disk: Disk, file: string) => `nfs://127.0.0.1${disk.location}/${file}?version=3`;

/** Builds one. Needs a namespace of its own (namespace.ts). */
export async function makeDiskWorld(): Promise<DiskWorld> {
  const rack = await makeRack(1);
  const pi = rack.serials[0] ?? '';
  const bakery = await rack.startHeld();

  async function ask<T>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
  const read = (id: string) => ask<Disk>(200, 'GET', `/disks/${id}`);

  const nfs = ganeshaBackend({ root: rack.world.root, log: SILENT });

  try {
    await register(bakery, pi);
    await ask(201, 'POST', '/bakeforms/tiny', rack.image);
    await ask(202, 'POST', '/fridge', { bakeformName: 'tiny' });
    await untilAtRest(rack.world, 60_000);
  } catch (error) {
    await rack.close(bakery);
    throw error;
  }
  return {
    rack,
    bakery,
    pi,
    ask,
    async refused(status, code, method, path, body) {
      assert.equal((await ask<{ code: string }>(status, method, path, body)).code, code);
    },
    async ended(method, path, body) {
      const { id } = await ask<{ id: string }>(202, method, path, body);
      await untilAtRest(rack.world, 60_000);
      return (await ask<{ state: string }>(200, 'GET', `/operations/${id}`)).state;
    },
    read,
    makeDisk: async (body) => read((await ask<Disk>(201, 'POST', '/disks', body)).id),
    attach: (id) => ask(200, 'POST', `/oven/${pi}/disks`, { diskId: id }),
    detach: (id) => ask(200, 'DELETE', `/oven/${pi}/disks/${id}`),
    async destroy(id) {
      await ask(200, 'DELETE', `/disks/${id}`);
      await ask(200, 'DELETE', `/trash/${id}`);
    },
    write: (disk, text) => writeFileSync(image(disk), text, { flag: 'r+', flush: true }),
    begins: (disk, length) => readFileSync(image(disk)).toString('latin1', 0, length),
    served: () => nfs.list(),
    close: () => rack.close(bakery),
  };
}
