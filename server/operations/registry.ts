import { attachKind, detachKind } from './attach.ts';
import { bakeKind } from './bake.ts';
import { deleteBakeformKind, uploadBakeformKind } from './bakeforms.ts';
import { bulkKind } from './bulk.ts';
import { createDiskKind, deleteDiskKind } from './disks.ts';
import { healKind } from './heal.ts';
import { importDisksKind } from './import-disks.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';
import { powerKind } from './power.ts';
import { rebakeKind } from './rebake.ts';
import { releaseKind } from './release.ts';
import { growKind, revertKind } from './replace-disk.ts';
import { deleteSnapshotKind, snapshotKind } from './snapshots.ts';
import { purgeKind, restoreKind } from './trash.ts';
import { unbakeKind } from './unbake.ts';

/** Every kind of operation there is. The generated suites run over this list, so none can be left out. */
export function operationKinds(ports: OperationPorts): readonly OperationKind<never>[] {
  return [
    bakeKind(ports),
    rebakeKind(ports),
    unbakeKind(ports),
    releaseKind(ports),
    powerKind(ports),
    uploadBakeformKind(ports),
    deleteBakeformKind(ports),
    createDiskKind(ports),
    deleteDiskKind(ports),
    attachKind(ports),
    detachKind(ports),
    restoreKind(ports),
    purgeKind(ports),
    importDisksKind(ports),
    healKind(ports),
    bulkKind(ports),
    snapshotKind(ports),
    deleteSnapshotKind(ports),
    growKind(ports),
    revertKind(ports),
  ] as unknown as readonly OperationKind<never>[];
}
