import { BakeryError } from '../core/errors.ts';
import type { Mac, PiId } from '../core/ids.ts';
import type { PiPort } from '../core/pi.ts';
import { findClaim } from './journal.ts';
import { atomically, type Executor } from './open.ts';
import { addPi, findPi, findPiBy, type PiPatch, patchPi, requirePi, setMovedTo } from './pis.ts';
import { forgetUnlisted, setUnlisted } from './unlisted.ts';

/** What a person says of a Pi. `null` takes it back. */
export type PiRemarks = Pick<PiPatch, 'name' | 'tags' | 'notes' | 'port' | 'revision' | 'maintenance' | 'manageDisks'>;

/** The Pi that is bound to that port. */
export async function findByPort(ex: Executor, { switch: name, port }: PiPort): Promise<PiId | undefined> {
  const row = await ex
    .selectFrom('pis')
    .select('id')
    .where('switch', '=', name)
    .where('port', '=', port)
    .executeTakeFirst();
  return row?.id as PiId | undefined;
}

/**
 * Notes what a person says of a Pi. With its port they say where it is: what was found of it elsewhere is over, and that is told.
 * @throws BakeryError `pi-unknown` (not-found), `pi-name-taken`, `port-taken` (conflict).
 */
export async function remarkOn(ex: Executor, id: PiId, remarks: PiRemarks, now: number): Promise<void> {
  await atomically(ex, async (trx) => {
    const pi = await requirePi(trx, id);
    const { name, port, maintenance } = remarks;
    const named = name ? await findPiBy(trx, 'name', name) : undefined;
    if (named && named.id !== id) {
      throw new BakeryError('conflict', 'pi-name-taken', `the name ${name} belongs to Pi ${named.id}`);
    }
    const bound = port ? await findByPort(trx, port) : undefined;
    if (port && bound !== undefined && bound !== id) {
      const message = `port ${port.port} of switch ${port.switch} belongs to Pi ${bound}`;
      throw new BakeryError('conflict', 'port-taken', message);
    }
    if (port !== undefined) await setMovedTo(trx, id, null, now);
    const isSamePort = port === undefined || (port?.switch === pi.port?.switch && port?.port === pi.port?.port);
    if (!isSamePort) await setUnlisted(trx, pi, false, now);
    // In maintenance a Pi of the fridge may be switched on: it is not free before it is known to be off.
    const mayBeOn = maintenance === false && pi.maintenance && pi.state === 'fridge' && pi.desiredPower === 'on';
    await patchPi(trx, id, mayBeOn ? { ...remarks, awaitOff: true } : remarks);
  });
}

/**
 * Enters a Pi that has not been seen yet, in the fridge. It is dropped for no stranger.
 * @throws BakeryError `pi-exists`, `mac-taken` (conflict), and what `remarkOn` throws.
 */
export async function enterPi(
  ex: Executor,
  pi: { id: PiId; mac: Mac | undefined; remarks: PiRemarks; now: number },
): Promise<void> {
  const { id, mac, remarks, now } = pi;
  await atomically(ex, async (trx) => {
    const there = await findPi(trx, id);
    if (there) throw new BakeryError('conflict', 'pi-exists', `there is a Pi ${id}; it is ${there.state}`);
    const owner = mac && (await findPiBy(trx, 'mac', mac));
    if (owner) throw new BakeryError('conflict', 'mac-taken', `the MAC ${mac} belongs to Pi ${owner.id}`);
    await addPi(trx, { id, quarantine: false, confirmed: true, now });
    if (mac) await patchPi(trx, id, { mac });
    await remarkOn(trx, id, remarks, now);
  });
}

/**
 * Forgets a Pi of the fridge, with its MAC, address and everything people said of it. When it asks again it is unknown.
 * @throws BakeryError `pi-unknown` (not-found), `pi-in-use`, `busy` (conflict).
 */
export async function forgetPi(ex: Executor, id: PiId): Promise<void> {
  await atomically(ex, async (trx) => {
    const pi = await requirePi(trx, id);
    const holder = await findClaim(trx, `pi:${id}`);
    if (holder) {
      const { kind, operation } = holder;
      throw new BakeryError('conflict', 'busy', `Pi ${id} is busy: ${kind} (operation ${operation})`);
    }
    if (pi.state !== 'fridge') {
      throw new BakeryError(
        'conflict',
        'pi-in-use',
        `Pi ${id} is ${pi.state}: only one in the fridge can be forgotten`,
      );
    }
    await trx.deleteFrom('pis').where('id', '=', id).execute();
    await forgetUnlisted(trx, id);
  });
}
