import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { readExt4Uuid } from './ext4.ts';
import { hasBehind, type Loop, listLoops } from './loops.ts';
import { deviceName, isBroken, type Mount, mountsAt, readMounts } from './mountinfo.ts';
import type { Pool } from './pool.ts';

/** How one volume stands. */
export interface VolumeSight {
  /** Its file is where it belongs. */
  readonly isThere: boolean;
  /** At its mount point there is `own` (it, also when its file was deleted or moved), `other` (something else), or nothing. */
  readonly mount: 'own' | 'other' | 'none';
}

/** A volume that is mounted somewhere. */
export interface MountedVolume {
  readonly id: string;
  readonly mountPoint: string;
}

/** How all volumes stand at one moment. It costs one look at the mounts and one at the loop devices, however many they are. */
export interface Survey {
  of(volume: { id: string; fsUuid: string; at: string }): VolumeSight;
  /** The volumes that are mounted, known or not, topmost mounts only. */
  readonly mounted: readonly MountedVolume[];
  readonly mounts: readonly Mount[];
  readonly loops: readonly Loop[];
}

/** A file as the kernel knows it, under whatever name. */
export interface FileFacts {
  readonly name: string;
  readonly inode: number;
  /** major:minor */
  readonly device: string;
}

const VOLUME = /^(.+)\.ext4$/;

/** Puts together what was found. Pure. */
export function sight(found: {
  /** What is in the folder of volumes. */
  files: readonly FileFacts[];
  mounts: readonly Mount[];
  loops: readonly Loop[];
  /** Of loop devices whose file is none of these, deleted or moved: the UUID of the file system on them. */
  uuids: ReadonlyMap<string, string>;
}): Survey {
  const ids = new Map<string, string | undefined>(
    found.files.map(({ name, device, inode }) => [`${device}/${inode}`, VOLUME.exec(name)?.[1]] as const),
  );
  const names = new Set(found.files.map(({ name }) => name));
  const behind = new Map(found.loops.map((loop) => [loop.name, ids.get(`${loop.device}/${loop.inode}`)]));
  // Of two mounts on one place the later one is seen.
  const top = new Map(found.mounts.map((mount) => [mount.mountPoint, mount]));
  const mounted = [...top.values()].flatMap(({ source, mountPoint }) => {
    const id = behind.get(source);
    return id === undefined ? [] : [{ id, mountPoint }];
  });
  return {
    mounted,
    mounts: found.mounts,
    loops: found.loops,
    of({ id, fsUuid, at }) {
      const isThere = names.has(`${id}.ext4`);
      const mount = top.get(at);
      if (!mount) return { isThere, mount: 'none' };
      const isOwn = behind.get(mount.source) === id || found.uuids.get(mount.source) === fsUuid;
      return { isThere, mount: isOwn ? 'own' : 'other' };
    },
  };
}

/** The file's facts; undefined when it is gone meanwhile. */
async function factsOf(folder: string, name: string): Promise<FileFacts | undefined> {
  try {
    const { ino, dev } = await stat(join(folder, name));
    return { name, inode: ino, device: deviceName(dev) };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Mount points of volumes. */
export interface MountedPlaces {
  /** At which the volume that belongs there is mounted. */
  readonly mounted: ReadonlySet<string>;
  /** At which a file system has given up. */
  readonly broken: ReadonlySet<string>;
}

/** How these volumes stand where they belong, without a look at any other. What is mounted there besides stays out. */
export async function seenAt(
  exec: Exec,
  pool: Pick<Pool, 'folder'>,
  volumes: readonly { id: string; at: string }[],
): Promise<MountedPlaces> {
  const mounts = await mountsAt(volumes.map(({ at }) => at));
  const mounted = new Set<string>();
  for (const { id, at } of volumes) {
    const mount = mounts.get(at);
    if (mount && (await hasBehind(exec, mount.source, join(pool.folder, 'volumes', `${id}.ext4`)))) mounted.add(at);
  }
  return { mounted, broken: brokenAmong([...mounts.values()]) };
}

/** The mount points of those that have given up. */
export function brokenAmong(mounts: readonly Mount[]): Set<string> {
  return new Set(
    mounts.filter((mount) => mount.type === 'ext4' && isBroken(mount)).map(({ mountPoint }) => mountPoint),
  );
}

/** Looks at every volume of a pool. */
export async function surveyVolumes(exec: Exec, pool: Pick<Pool, 'folder'>): Promise<Survey> {
  const folder = join(pool.folder, 'volumes');
  const looked = await Promise.all((await readdir(folder)).map((name) => factsOf(folder, name)));
  const files = looked.filter((file) => file !== undefined);
  const [mounts, loops] = [await readMounts(), await listLoops(exec)];
  const known = new Set(files.map(({ device, inode }) => `${device}/${inode}`));
  const sources = new Set(mounts.map(({ source }) => source));
  const uuids = new Map<string, string>();
  for (const loop of loops) {
    if (known.has(`${loop.device}/${loop.inode}`) || !sources.has(loop.name)) continue;
    const uuid = await readExt4Uuid(loop.name).catch(() => undefined);
    if (uuid !== undefined) uuids.set(loop.name, uuid);
  }
  return sight({ files, mounts, loops, uuids });
}
