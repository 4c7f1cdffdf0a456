import { BakeryError } from '../../../core/errors.ts';
import { PowerTimeout } from '../bounded.ts';
import { eachCall, type SwitchAction } from './each-call.ts';
import type { PowerSwitch } from './kind.ts';

/** Calls of one switch that ended, by what was asked. What somebody called off is neither. */
export type CallCounts = { readonly [A in SwitchAction]: { done: number; failed: number } };

/** None yet. */
export function noCalls(): CallCounts {
  return { set: { done: 0, failed: 0 }, query: { done: 0, failed: 0 }, survey: { done: 0, failed: 0 } };
}

function isTimeout(reason: unknown): boolean {
  if (reason instanceof BakeryError) return reason.kind === 'timeout';
  return reason instanceof PowerTimeout || (reason instanceof Error && reason.name === 'TimeoutError');
}

/** The same device, with each of its calls counted. One that hangs has failed when its time is over. */
export function countCalls(device: PowerSwitch, counts: CallCounts): PowerSwitch {
  async function counted<T>(action: SwitchAction, call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let isOver = false;
    function end(outcome: 'done' | 'failed' | 'called off'): void {
      if (!isOver && outcome !== 'called off') counts[action][outcome] += 1;
      isOver = true;
      signal.removeEventListener('abort', aborted);
    }
    const aborted = () => end(isTimeout(signal.reason) ? 'failed' : 'called off');
    signal.addEventListener('abort', aborted);
    try {
      const answer = await call();
      end('done');
      return answer;
    } catch (error) {
      end('failed');
      throw error;
    }
  }

  return eachCall(device, counted);
}
