import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import type { DiskId, PiId } from '../../core/ids.ts';
import { findDisk, listDisksOf, setDiskState } from '../../db/disks.ts';
import { findClaim, releaseClaims, setOperationState } from '../../db/journal.ts';
import type { Executor } from '../../db/open.ts';
import { movePi, patchPi, requirePi } from '../../db/pis.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';
import { Discarded, forgetDisk } from './trash.ts';

const Params = z.object({
  pi: z.string().transform((id) => id as PiId),
  disks: z.array(z.string().transform((id) => id as DiskId)),
  /** A person has seen that it is off; else it is flagged until a boot shows that it was. */
  isOff: z.boolean(),
});
/** A held Pi and what is left on it. */
export type ReleaseParams = z.output<typeof Params>;

/**
 * Ends the stuck operation that holds the Pi, in the admitting transaction: its claims pass to the release.
 * @throws BakeryError `pi-unknown` (not-found), `pi-not-held` (conflict).
 */
export async function planRelease(
  trx: Executor,
  wish: { pi: PiId; isOff: boolean; now: number },
): Promise<ReleaseParams> {
  const pi = await requirePi(trx, wish.pi);
  if (pi.state !== 'held') throw new BakeryError('conflict', 'pi-not-held', `Pi ${pi.id} is ${pi.state}, not held`);
  const holder = await findClaim(trx, `pi:${pi.id}`);
  if (holder) {
    const error = { kind: 'conflict', code: 'released', message: 'a person released its Pi' };
    const ended = await setOperationState(trx, holder.operation, {
      from: ['stuck'],
      to: 'failed',
      error,
      now: wish.now,
    });
    if (ended) await releaseClaims(trx, holder.operation);
  }
  return { pi: pi.id, disks: (await listDisksOf(trx, pi.id)).map((disk) => disk.id), isOff: wish.isOff };
}

/**
 * Cleans a held Pi up without its power switch and puts it in the fridge. It stays held until nothing is left: a release
 * that gets stuck can be tried again or be released again.
 */
export function releaseKind(ports: OperationPorts): OperationKind<ReleaseParams> {
  const { db, volumes, exports, places, clock } = ports;
  return {
    kind: 'release',
    version: 1,
    afterCrash: 'forward',
    parse: (params) => Params.parse(params),
    claims: ({ pi, disks }) => [
      { resource: `pi:${pi}`, purpose: 'release' },
      ...disks.map((disk) => ({ resource: `disk:${disk}`, purpose: 'destroy with its Pi' })),
    ],
    admit: (trx, { pi }) => patchPi(trx, pi, { desiredPower: 'off', bootExpectedUntil: null, address: null }),
    steps: [
      {
        name: 'withdraw',
        timeoutMs: 60_000,
        async do({ params }) {
          const disks = await db.transaction().execute(async (trx) => {
            for (const disk of params.disks) await setDiskState(trx, disk, 'removing');
            return listDisksOf(trx, params.pi);
          });
          await exports.converge(disks.map((disk) => disk.exportId));
        },
      },
      {
        name: 'discard',
        timeoutMs: 5 * 60_000,
        async do({ params }) {
          for (const id of params.disks) {
            const role = (await findDisk(db, id))?.role;
            await volumes.unmount({ id, at: role === 'root' ? places.root(params.pi) : places.disk(id) });
            if (ports.keepsTrash) await volumes.discard({ id });
            else await volumes.remove({ id });
          }
          return { trashed: ports.keepsTrash };
        },
      },
    ],
    async commit(trx, { params, outputs }) {
      const facts = { ...Discarded.parse(outputs.discard), now: clock.now() };
      for (const disk of params.disks) await forgetDisk(trx, disk, facts);
      await patchPi(trx, params.pi, { bakeform: null, awaitOff: !params.isOff, fault: null });
      await movePi(trx, params.pi, 'release');
    },
  };
}
