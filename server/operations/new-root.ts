import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import { type BakeformName, type DiskId, mintDiskId, type PiId } from '../../core/ids.ts';
import { formatSize } from '../../core/size.ts';
import { requireReadyBakeform } from '../../db/bakeforms.ts';
import { mintExportId } from '../../db/disks.ts';
import type { Executor } from '../../db/open.ts';
import type { Furnishing, OperationPorts } from './ports.ts';

/** What is put on a new root, as the journal keeps it. The journal forgets `secrets` when the operation ends. */
export const NewRoot = z.object({
  bakeform: z.string().transform((name) => name as BakeformName),
  golden: z.string(),
  disk: z.string().transform((id) => id as DiskId),
  fsUuid: z.string(),
  exportId: z.number(),
  rootBytes: z.number().optional(),
  user: z.string().optional(),
  authorizedKeys: z.array(z.string()).optional(),
  secrets: z.object({ passwordHash: z.string().optional(), userData: z.string().optional() }).optional(),
});
export type NewRoot = z.output<typeof NewRoot>;

/** A wish that waits in the journal until its roots are planned, as `NewRoot` keeps it. */
export const KeptRootWish = NewRoot.pick({
  bakeform: true,
  rootBytes: true,
  user: true,
  authorizedKeys: true,
  secrets: true,
});
export type KeptRootWish = z.output<typeof KeptRootWish>;

/** What is wished of a new root. All of it is checked already, but that the bakeform fits into `rootBytes`. */
export interface RootWish {
  readonly rootBytes?: number | undefined;
  readonly user?: { readonly name: string; readonly passwordHash?: string | undefined } | undefined;
  readonly authorizedKeys?: readonly string[] | undefined;
  readonly userData?: string | undefined;
}

/** The size of a golden volume, in bytes. */
export type GoldenBytes = (volumeId: string) => Promise<number>;

/** The wish as the journal keeps it, once it is known to fit. @throws BakeryError `root-too-small` (invalid). */
async function planRoot(
  wish: RootWish,
  golden: { volumeId: string; bytes: GoldenBytes },
): Promise<Omit<KeptRootWish, 'bakeform'>> {
  const { rootBytes } = wish;
  if (rootBytes !== undefined) {
    const least = await golden.bytes(golden.volumeId);
    if (rootBytes < least) {
      const message = `a root of this bakeform has at least ${formatSize(least)}: ${formatSize(rootBytes)} are too few`;
      throw new BakeryError('invalid', 'root-too-small', message);
    }
  }
  return keepWish(wish);
}

/**
 * The ids of a new root of a bakeform, minted in the admitting transaction, with what is wished of it.
 * @throws BakeryError `bakeform-unknown`, `root-too-small` (invalid).
 */
export async function mintRoot(
  trx: Executor,
  wish: RootWish & { readonly bakeform: BakeformName },
  goldenBytes: GoldenBytes,
): Promise<NewRoot> {
  const { name, volumeId } = await requireReadyBakeform(trx, wish.bakeform, 'invalid');
  return {
    bakeform: name,
    golden: volumeId,
    disk: mintDiskId(),
    fsUuid: randomUUID(),
    exportId: await mintExportId(trx),
    ...(await planRoot(wish, { volumeId, bytes: goldenBytes })),
  };
}

/** The wish as the journal keeps it. */
export function keepWish({ rootBytes, user, authorizedKeys, userData }: RootWish): Omit<KeptRootWish, 'bakeform'> {
  const passwordHash = user?.passwordHash;
  const hasSecrets = passwordHash !== undefined || userData !== undefined;
  return {
    ...(rootBytes === undefined ? {} : { rootBytes }),
    ...(user ? { user: user.name } : {}),
    ...(authorizedKeys?.length ? { authorizedKeys: [...authorizedKeys] } : {}),
    ...(hasSecrets ? { secrets: { passwordHash, userData } } : {}),
  };
}

/** The wish that was kept. */
export function wishOf({ rootBytes, user, authorizedKeys, secrets }: KeptRootWish): RootWish {
  return {
    rootBytes,
    user: user === undefined ? undefined : { name: user, passwordHash: secrets?.passwordHash },
    authorizedKeys,
    userData: secrets?.userData,
  };
}

/** Clones the golden volume under the root's ids. */
export function cloneRoot({ volumes }: OperationPorts, root: NewRoot): Promise<void> {
  const { golden, disk: id, fsUuid, rootBytes: bytes } = root;
  return volumes.clone({ golden, id, fsUuid, ...(bytes === undefined ? {} : { bytes }) });
}

/** Makes a mounted new root that Pi's own. */
export async function settleRoot(
  { images }: OperationPorts,
  root: NewRoot,
  { mountPoint, pi }: { mountPoint: string; pi: PiId },
): Promise<void> {
  await images.giveIdentity({ mountPoint, piId: pi });
  const { user: name, authorizedKeys, secrets = {} } = root;
  const { passwordHash, userData } = secrets;
  const furnishing: Furnishing = {
    ...(name === undefined ? {} : { user: { name, passwordHash } }),
    ...(authorizedKeys ? { authorizedKeys } : {}),
    // A root is a new instance to cloud-init, whatever an image that ran before has noted.
    ...(userData === undefined ? {} : { seed: { userData, instanceId: `bakery-${root.disk}`, hostname: pi } }),
  };
  if (Object.keys(furnishing).length > 0) await images.furnish({ mountPoint, ...furnishing });
}
