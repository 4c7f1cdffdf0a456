import type { Disk } from '../../core/disk.ts';
import { describeError } from '../../core/errors.ts';
import type { DiskId, PiId } from '../../core/ids.ts';
import { listDisksOf } from '../../db/disks.ts';
import { findPi } from '../../db/pis.ts';
import type { OperationPorts } from './ports.ts';

/** How long a Pi may take to let go of a disk that is detached. It looks at its list every 5 s. */
const LETTING_GO_MS = 20_000;
const LOOK_MS = 500;

/**
 * What `/piConfig/disks.json` says: the disks of a Pi but its root, in attach order, as the API shows them. It is what the BOSH CPI
 * writes there.
 */
export function renderDiskList(
  disks: readonly Disk[],
  { places, nfsAddress }: Pick<OperationPorts, 'places' | 'nfsAddress'>,
): string {
  const entries = disks
    .filter(({ role, state }) => role === 'data' && state === 'ready')
    .map(({ id, sizeMiB }) => ({ id, location: places.disk(id), size: sizeMiB, nfsAddress }));
  return `${JSON.stringify(entries, null, 2)}\n`;
}

/** The Pi's disks, without the one that goes. */
interface Telling {
  readonly pi: PiId;
  /** Where its root is mounted; absent, in its place. */
  readonly mountPoint?: string;
  readonly except?: DiskId;
}

/**
 * Writes the list onto the root of a Pi whose disks Bakery manages; others keep the file that somebody else writes.
 * @throws BakeryError `root-unfit` (invalid), `path-refused` (forbidden), `root-full` (no-space).
 */
export async function tellDisks(ports: OperationPorts, { pi, mountPoint, except }: Telling): Promise<void> {
  if (!(await findPi(ports.db, pi))?.manageDisks) return;
  const disks = (await listDisksOf(ports.db, pi)).filter(({ id }) => id !== except);
  await ports.images.writeDiskList({
    mountPoint: mountPoint ?? ports.places.root(pi),
    text: renderDiskList(disks, ports),
  });
}

/** The same where a root that takes nothing must stop nothing: the disk goes, told or not. */
export async function tellGone(ports: OperationPorts, telling: Telling & { readonly except: DiskId }): Promise<void> {
  await tellDisks(ports, telling).catch((error: unknown) => {
    const facts = { pi: telling.pi, disk: telling.except, error: describeError(error) };
    ports.log.warn(facts, 'a Pi could not be told that a disk goes');
  });
}

/** Waits until a Pi that is on has let go of a disk that its list has no longer, for 20 s at most. */
export async function untilLetGo(
  ports: OperationPorts,
  { pi, disk, signal }: { pi: PiId; disk: DiskId; signal: AbortSignal },
): Promise<void> {
  const { clock, images, places, power, log } = ports;
  const until = clock.monotonic() + LETTING_GO_MS;
  for (;;) {
    const record = await findPi(ports.db, pi);
    // Where nobody but a person switches it, it may be on whatever is wished.
    const isOff = record?.desiredPower === 'off' && power.controls(pi);
    if (!record?.manageDisks || isOff) return;
    // What cannot be read says nothing.
    const held = await images.readDiskState({ mountPoint: places.root(pi) }).catch((): readonly string[] => []);
    if (!held.includes(disk)) return;
    if (clock.monotonic() >= until) {
      log.warn({ pi, disk }, 'a Pi has not let go of a disk in time; its export is withdrawn all the same');
      return;
    }
    await clock.sleep(LOOK_MS, signal);
  }
}
