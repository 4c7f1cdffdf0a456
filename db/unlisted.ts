import type { PiId } from '../core/ids.ts';
import type { Pi } from '../core/pi.ts';
import { addFeedEvent } from './events.ts';
import { atomically, type Executor } from './open.ts';
import { addTold, listTold, removeTold } from './told.ts';

const UNLISTED = 'port-unlisted';

/** Pis that are bound to a port that their switch did not list when it was asked last. */
export async function listUnlisted(ex: Executor): Promise<ReadonlySet<PiId>> {
  return (await listTold(ex, UNLISTED)) as Set<PiId>;
}

/** Says whether the switch of a bound Pi lists its port, or that it is bound to none; told when that is a change. */
export async function setUnlisted(
  ex: Executor,
  { id, port }: Pick<Pi, 'id' | 'port'>,
  isUnlisted: boolean,
  now: number,
): Promise<void> {
  await atomically(ex, async (trx) => {
    if ((await listUnlisted(trx)).has(id) === isUnlisted) return;
    const data = { ...port };
    if (isUnlisted) {
      await addTold(trx, UNLISTED, id);
      await addFeedEvent(trx, { type: 'pi.port-unlisted', pi: id, data }, now);
    } else {
      await removeTold(trx, UNLISTED, id);
      await addFeedEvent(trx, { type: 'pi.port-unlisted-cleared', pi: id, data }, now);
    }
  });
}

/** Nothing is said of a Pi that is gone. */
export async function forgetUnlisted(ex: Executor, id: PiId): Promise<void> {
  await removeTold(ex, UNLISTED, id);
}
