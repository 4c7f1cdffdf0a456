import type { PiId } from '../../../core/ids.ts';
import type { Pi, PiPort } from '../../../core/pi.ts';
import type { PortReading } from './kind.ts';
import { isManufactured } from './whereabouts.ts';

/**
 * Why a port must not be switched for a Pi, or undefined when it may. `owner` is the Pi that is bound to it now, `reading` what its switch
 * told of it last. Behind a port with several devices is another switch, with all that hangs on it.
 */
export function whyNotOurs(facts: {
  readonly pi: PiId;
  readonly port: PiPort;
  readonly owner: Pick<Pi, 'id' | 'mac'> | undefined;
  readonly reading: PortReading | undefined;
}): string | undefined {
  const { pi, port, owner, reading } = facts;
  const where = `port ${port.port} of switch ${port.switch}`;
  if (owner?.id !== pi) return `Pi ${pi} is not bound to ${where} any more`;
  const [station, ...others] = (reading?.macs ?? []).filter(isManufactured);
  if (others.length > 0) return `${others.length + 1} devices are behind ${where}: it is not a port of Pi ${pi} alone`;
  const isOther = owner.mac !== undefined && station !== undefined && station !== owner.mac;
  return isOther ? `another device than Pi ${pi} is on ${where}` : undefined;
}
