import { PowerFault } from '../driver.ts';
import { eachCall } from './each-call.ts';
import type { PowerSwitch } from './kind.ts';
import { hideSecrets } from './words.ts';

/**
 * The same device, whose errors tell none of `secrets`: a switch may repeat in its answer what it was sent, and a driver quotes it. What comes
 * of an error afterwards (log, detail, fault of a Pi) need not know them.
 */
export function keepSecrets(device: PowerSwitch, secrets: readonly string[]): PowerSwitch {
  return eachCall(device, async (_action, call, signal) => {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      throw discreet(error, secrets);
    }
  });
}

/** Its cause is left behind: who prints an error may print that, too. */
function discreet(error: unknown, secrets: readonly string[]): unknown {
  if (error instanceof PowerFault) {
    const told = error.told === undefined ? {} : { told: hideSecrets(error.told, secrets) };
    return new PowerFault(error.severity, hideSecrets(error.message, secrets), told);
  }
  if (!(error instanceof Error)) return new Error(hideSecrets(String(error), secrets));
  const clean = new Error(hideSecrets(error.message, secrets));
  clean.name = error.name;
  return clean;
}
