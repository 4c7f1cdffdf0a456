import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { parseMountinfo } from '../../exports/volumes/mountinfo.ts';
import { call } from '../lab/bakery.ts';
import type { HeldBakery } from '../lab/held-bakery.ts';
import type { Rack } from '../lab/rack.ts';
import { untilAtRest } from '../lab/world-check.ts';

/** What scenarios act through: the API of the server that runs now. */
export interface Stage {
  readonly rack: Rack;
  bakery: HeldBakery;
}

/** How the world is brought to where an operation can begin, and the one call that begins it. */
export interface Scenario {
  before(stage: Stage): Promise<void>;
  /** What it does leaves no trace in the shape of the world: it is seen at the broken volumes. */
  readonly mends?: true;
  /** What it did is not taken back when it fails: a switch cannot be unswitched. */
  readonly stays?: true;
  /** `again` sends the very same request once more, with the same Idempotency-Key where it has one. */
  start(stage: Stage): Promise<{ again?: () => Promise<unknown> }>;
}

interface Disk {
  readonly id: string;
}

/** How often a slow machine may be asked again. */
const TRIES = 10;

/**
 * A call that must succeed. On a slow machine it may outlast the server's patience: then it goes on, or has to be made again, and
 * either is known when everything has come to rest.
 */
async function must<T>(stage: Stage, method: string, path: string, body?: unknown): Promise<T> {
  for (let tries = 1; ; tries++) {
    const answer = await call(stage.bakery, method, path, body);
    const { code } = answer.body as { code?: string };
    const isSlow = code === 'still-running' || code === 'snapshot-too-slow';
    assert.ok(
      answer.status < 300 || (isSlow && tries < TRIES),
      `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`,
    );
    if (isSlow) await rest(stage);
    if (code !== 'snapshot-too-slow') return answer.body as T;
  }
}

/** A call whose answer may never come: the server is killed under it. */
function send(stage: Stage, method: string, path: string, body?: unknown, key?: string): Promise<Response | undefined> {
  return fetch(`${stage.bakery.base}${path}`, {
    method,
    headers: { authorization: `Bearer ${stage.bakery.token}`, ...(key ? { 'idempotency-key': key } : {}) },
    ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
  } as RequestInit).catch(() => undefined);
}

export const rest = (stage: Stage) => untilAtRest(stage.rack.world, 60_000);
const serial = (stage: Stage) => stage.rack.serials[0] ?? '';

async function bake(stage: Stage): Promise<void> {
  await must(stage, 'POST', '/fridge', { bakeformName: 'tiny', manageDisks: true });
  await rest(stage);
}
async function unbake(stage: Stage): Promise<void> {
  await must(stage, 'DELETE', `/oven/${serial(stage)}`);
  await rest(stage);
}
const createDisk = (stage: Stage) => must<Disk>(stage, 'POST', '/disks', { size: 4 });
async function dataDisk(stage: Stage): Promise<string> {
  const { disks } = await must<{ disks: Record<string, { size: number }> }>(stage, 'GET', '/disks');
  return Object.entries(disks).find(([, disk]) => disk.size > 0)?.[0] ?? '';
}
async function attach(stage: Stage): Promise<void> {
  await must(stage, 'POST', `/oven/${serial(stage)}/disks`, { diskId: await dataDisk(stage) });
}
/** Writes on the disk, as its Pi would. */
async function mark(stage: Stage, text: string): Promise<void> {
  const image = join(stage.rack.world.root, 'nfs', await dataDisk(stage), 'disk.img');
  writeFileSync(image, text, { flag: 'r+', flush: true });
}
async function snapshotted(stage: Stage): Promise<void> {
  await createDisk(stage);
  await mark(stage, 'kept');
  await must(stage, 'POST', `/disks/${await dataDisk(stage)}/snapshots`, {});
}
async function snapshotOf(stage: Stage): Promise<string> {
  const { snapshots } = await must<{ snapshots: Disk[] }>(stage, 'GET', `/disks/${await dataDisk(stage)}/snapshots`);
  return snapshots[0]?.id ?? '';
}
async function trashed(stage: Stage): Promise<string> {
  const { disks } = await must<{ disks: Disk[] }>(stage, 'GET', '/trash');
  return disks[0]?.id ?? '';
}

/** What a stuck unbake leaves behind: written by hand, for a switch that is dead takes half a minute to say so. */
function holdPi(stage: Stage): void {
  const db = new Database(join(stage.rack.world.root, 'bakery.db'));
  db.prepare("UPDATE pis SET state = 'held' WHERE id = ?").run(serial(stage));
  db.close();
}

/** A call without a key: sent once. */
const once = (request: (stage: Stage) => Promise<[string, string, unknown?]>): Scenario['start'] => {
  return async (stage) => {
    const [method, path, body] = await request(stage);
    void send(stage, method, path, body);
    return {};
  };
};
/** A call with an Idempotency-Key, which the client may send again when it heard nothing. */
const keyed = (request: (stage: Stage) => Promise<[string, string, unknown?]>): Scenario['start'] => {
  return async (stage) => {
    const [method, path, body] = await request(stage);
    const key = randomUUID();
    void send(stage, method, path, body, key);
    return { again: async () => (await send(stage, method, path, body, key))?.arrayBuffer() };
  };
};

const WITH_FILE_SYSTEM = { size: 4, fileSystem: { type: 'ext4', label: 'kept' } };
const WISHES = {
  bakeformName: 'tiny',
  rootSize: '9GiB',
  user: { name: 'ada', passwordHash: '$6$saltsalt$hash' },
  authorizedKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINkJo+vL73s3Y9RCLDrQL5xj2ja4OLEgD0NMgjfmemTu ada'],
  userData: '#cloud-config\n',
};

async function attachedAndMarked(stage: Stage): Promise<void> {
  await bake(stage);
  await createDisk(stage);
  await attach(stage);
  await mark(stage, 'grown');
}

/** By kind of operation; a kind that works differently on different things has more than one. */
export const SCENARIOS: Readonly<Record<string, Readonly<Record<string, Scenario>>>> = {
  bake: {
    'by choice': {
      before: async () => undefined,
      start: keyed(async (stage) => ['POST', '/fridge', { ...WISHES, piId: serial(stage), power: 'on' }]),
    },
  },
  rebake: {
    'of a Pi that runs and has a disk': {
      async before(stage) {
        await must(stage, 'POST', '/fridge', { bakeformName: 'tiny', power: 'on' });
        await rest(stage);
        await createDisk(stage);
        await attach(stage);
        await must(stage, 'POST', `/oven/${serial(stage)}/upload/settings.json`, Buffer.from('{}'));
      },
      start: keyed(async (stage) => ['POST', `/pis/${serial(stage)}/rebake`, WISHES]),
    },
  },
  unbake: {
    'of a Pi with a disk': {
      async before(stage) {
        await bake(stage);
        await createDisk(stage);
        await attach(stage);
      },
      start: once(async (stage) => ['DELETE', `/oven/${serial(stage)}`]),
    },
  },
  release: {
    'of a held Pi': {
      async before(stage) {
        await bake(stage);
        holdPi(stage);
      },
      start: once(async (stage) => ['POST', `/pis/${serial(stage)}/release`, { isOff: true }]),
    },
  },
  power: {
    'on, of a Pi in maintenance': {
      before: async (stage) => void (await must(stage, 'PATCH', `/pis/${serial(stage)}`, { maintenance: true })),
      stays: true,
      start: keyed(async (stage) => ['POST', `/pis/${serial(stage)}/power`, { action: 'on' }]),
    },
  },
  'upload-bakeform': {
    'of a small image': {
      before: async () => undefined,
      start: keyed(async (stage) => ['POST', '/bakeforms/other', stage.rack.image]),
    },
  },
  'delete-bakeform': {
    'that nobody reads': {
      before: async (stage) => void (await must(stage, 'POST', '/bakeforms/other', stage.rack.image)),
      start: once(async () => ['DELETE', '/bakeforms/other']),
    },
  },
  'create-disk': {
    'of a snapshot, larger': {
      before: snapshotted,
      start: keyed(async (stage) => ['POST', '/disks', { size: 8, name: 'copy', from: await snapshotOf(stage) }]),
    },
    'of 4 MiB, with a file system': {
      before: async () => undefined,
      start: keyed(async () => ['POST', '/disks', WITH_FILE_SYSTEM]),
    },
  },
  snapshot: {
    'of an attached disk': {
      async before(stage) {
        await bake(stage);
        await createDisk(stage);
        await attach(stage);
      },
      start: keyed(async (stage) => ['POST', `/disks/${await dataDisk(stage)}/snapshots`, { name: 'kept' }]),
    },
  },
  'delete-snapshot': {
    'of a disk': {
      before: snapshotted,
      start: once(async (stage) => ['DELETE', `/snapshots/${await snapshotOf(stage)}`]),
    },
  },
  'grow-disk': {
    'in use': {
      before: attachedAndMarked,
      start: once(async (stage) => ['POST', `/disks/${await dataDisk(stage)}/grow`, { sizeMiB: 8 }]),
    },
    // More than the volume has room for: the kernel refuses.
    'beside, after a refusal': {
      before: attachedAndMarked,
      start: once(async (stage) => [
        'POST',
        `/disks/${await dataDisk(stage)}/grow`,
        { sizeMiB: 48, mayInterrupt: true },
      ]),
    },
  },
  'revert-disk': {
    'to a snapshot': {
      async before(stage) {
        await snapshotted(stage);
        await mark(stage, 'changed');
      },
      start: once(async (stage) => {
        return ['POST', `/disks/${await dataDisk(stage)}/restore`, { snapshot: await snapshotOf(stage) }];
      }),
    },
  },
  'delete-disk': {
    'that is attached to nothing': {
      before: async (stage) => void (await createDisk(stage)),
      start: once(async (stage) => ['DELETE', `/disks/${await dataDisk(stage)}`]),
    },
  },
  attach: {
    'to a baked Pi': {
      async before(stage) {
        await bake(stage);
        await createDisk(stage);
      },
      start: once(async (stage) => ['POST', `/oven/${serial(stage)}/disks`, { diskId: await dataDisk(stage) }]),
    },
  },
  detach: {
    'from a baked Pi': {
      async before(stage) {
        await bake(stage);
        await createDisk(stage);
        await attach(stage);
      },
      start: once(async (stage) => ['DELETE', `/oven/${serial(stage)}/disks/${await dataDisk(stage)}`]),
    },
  },
  restore: {
    'of a data disk': {
      async before(stage) {
        await createDisk(stage);
        await must(stage, 'DELETE', `/disks/${await dataDisk(stage)}`);
      },
      start: keyed(async (stage) => ['POST', `/trash/${await trashed(stage)}/restore`]),
    },
    'of a root': {
      async before(stage) {
        await bake(stage);
        await unbake(stage);
      },
      start: keyed(async (stage) => ['POST', `/trash/${await trashed(stage)}/restore`]),
    },
  },
  heal: {
    'of a root': {
      mends: true,
      before: bake,
      async start(stage) {
        breakVolume(join(stage.rack.world.root, 'nfs', serial(stage)));
        return {};
      },
    },
  },
  purge: {
    'of a disk with a snapshot': {
      async before(stage) {
        await snapshotted(stage);
        await must(stage, 'DELETE', `/disks/${await dataDisk(stage)}`);
      },
      start: once(async (stage) => ['DELETE', `/trash/${await trashed(stage)}`]),
    },
  },
};

/** Makes the kernel think that a volume's file system is broken (Documentation/ABI/testing/sysfs-fs-ext4). */
function breakVolume(at: string): void {
  const device = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')).find((mount) => mount.mountPoint === at);
  writeFileSync(`/sys/fs/ext4/${device?.source.slice('/dev/'.length)}/trigger_fs_error`, 'for a test\n');
}

/** Takes everything away again but the bakeform `tiny` and the Pi in the fridge. */
export async function reset(stage: Stage): Promise<void> {
  const pi = serial(stage);
  const { state } = await must<{ state: string }>(stage, 'GET', `/oven/${pi}`);
  if (state === 'held') await must(stage, 'POST', `/pis/${pi}/release`, { isOff: true });
  else if (state !== 'fridge') await must(stage, 'DELETE', `/oven/${pi}`);
  await rest(stage);
  // By hand: a port that was switched off is kept off for a while.
  stage.rack.unplug(pi);
  await must(stage, 'PATCH', `/pis/${pi}`, { maintenance: false });
  await must(stage, 'POST', `/pis/${pi}/confirm-off`);
  const { disks } = await must<{ disks: object }>(stage, 'GET', '/disks');
  for (const id of Object.keys(disks)) await must(stage, 'DELETE', `/disks/${id}`);
  const forms = Object.keys(await must<object>(stage, 'GET', '/bakeforms'));
  if (forms.includes('other')) await must(stage, 'DELETE', '/bakeforms/other');
  for (const { id } of (await must<{ disks: Disk[] }>(stage, 'GET', '/trash')).disks) {
    await must(stage, 'DELETE', `/trash/${id}`);
  }
}
