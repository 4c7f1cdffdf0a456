import { describeError } from '../../core/errors.ts';
import type { PiId } from '../../core/ids.ts';
import type { Step } from './kind.ts';
import type { OperationPorts } from './ports.ts';

/**
 * The most that a step takes that switches a Pi on: it waits for its turn to boot (netboot/boots/storm.ts), which a rack that boots
 * badly delays by minutes, and the switch has 2 min.
 */
export const POWER_ON_MS = 32 * 60_000;

/**
 * The last step of what ends with a Pi that is on: everything it boots from is in place. A switch that fails undoes nothing: the
 * Pi is baked, and has a fault.
 */
export function powerOnStep<P extends { pi: PiId; powerOn?: boolean | undefined }>(ports: OperationPorts): Step<P> {
  const { power, log } = ports;
  return {
    name: 'power-on',
    timeoutMs: POWER_ON_MS,
    async do({ params, signal }) {
      if (!params.powerOn) return;
      await power.on(params.pi, signal).catch((error) => {
        signal.throwIfAborted();
        log.warn({ pi: params.pi, error: describeError(error) }, 'a baked Pi could not be switched on');
      });
    },
    async undo({ params }) {
      if (params.powerOn) await power.off(params.pi);
    },
  };
}
