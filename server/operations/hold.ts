import type { OperationId, PiId } from '../../core/ids.ts';
import { nextPiState } from '../../core/pi.ts';
import { listClaims, type OperationFault, setOperationState } from '../../db/journal.ts';
import type { Executor } from '../../db/open.ts';
import { findPi, movePi } from '../../db/pis.ts';

/**
 * An operation cannot go on by itself: it is stuck, keeps what it claims, and the Pi it was working on is held: visible, never
 * picked, never silently free (design §4.7). Needs nothing of the operation's kind, which this version may not know.
 */
export async function holdOperation(trx: Executor, id: OperationId, fault: OperationFault, now: number): Promise<void> {
  const changed = await setOperationState(trx, id, { from: ['running', 'unwinding'], to: 'stuck', error: fault, now });
  if (!changed) return;
  for (const { resource } of await listClaims(trx, id)) {
    if (!resource.startsWith('pi:')) continue;
    const pi = await findPi(trx, resource.slice('pi:'.length) as PiId);
    // A detach that is stuck leaves a baked Pi baked.
    if (pi && nextPiState(pi.state, 'stuck')) await movePi(trx, pi.id, 'stuck');
  }
}
