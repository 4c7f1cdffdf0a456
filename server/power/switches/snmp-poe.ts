import { PowerFault } from '../driver.ts';
import { defineSwitchKind, type PortPower, type PowerSwitch, type SwitchParts } from './kind.ts';
import { type Conversation, converse, MAX_VARBINDS } from './snmp/conversation.ts';
import { ADMIN_ENABLE, oidOf, powerOf, TRUTH } from './snmp/poe.ts';
import { SnmpSettings } from './snmp/settings.ts';
import { surveyOf } from './snmp/survey.ts';

/** A whole survey, in ms; one answer alone has `timeoutMs`, and a large table has hundreds. */
const SURVEY_MS = 60_000;

/**
 * Switches by SNMP with POWER-ETHERNET-MIB (RFC 3621). A port is `group.port` (pethPsePortGroupIndex, pethPsePortIndex); its power is
 * pethPsePortAdminEnable, not ifAdminStatus: a port that is shut down gives power all the same (seen with Aruba).
 *
 * The value is written without reading it first: to enable what is enabled is no transition of the PSE (mr_pse_enable of IEEE 802.3
 * clause 33.2.4, by acPSEAdminControl 30.9.1.2.1), while a read that lags would leave a port as it is not.
 */
function openSnmpSwitch(settings: SnmpSettings, { log }: Pick<SwitchParts, 'log'>): PowerSwitch {
  return {
    set: async (changes, signal) => {
      // All names are read before the first port is switched.
      const values = [...changes].map(([port, power]) => [oidOf(ADMIN_ENABLE, port), TRUTH[power]] as const);
      await converse(settings, signal, async (conversation) => {
        for (let from = 0; from < values.length; from += MAX_VARBINDS) {
          const missing = await conversation.set(new Map(values.slice(from, from + MAX_VARBINDS)));
          if (missing.length > 0) throw noSuchPort(missing.map((oid) => oid.slice(ADMIN_ENABLE.length + 1)));
        }
      });
    },
    query: async (ports, signal) => {
      const oids = ports.map((port) => oidOf(ADMIN_ENABLE, port));
      return converse(settings, signal, (conversation) => readBack(conversation, ports, oids));
    },
    survey: async (signal) => {
      const limit = AbortSignal.timeout(SURVEY_MS);
      const rule = settings.interfaces;
      const both = AbortSignal.any([signal, limit]);
      return converse(settings, both, (conversation) => surveyOf(conversation, { rule, log })).catch(
        (error: unknown) => {
          signal.throwIfAborted();
          if (!limit.aborted) throw error;
          throw new PowerFault('retryable', `${settings.host} has not told everything in ${SURVEY_MS / 1000} s`);
        },
      );
    },
  };
}

/** Ports that are not there are left out, unless none is there. */
async function readBack(conversation: Conversation, ports: readonly string[], oids: readonly string[]) {
  const values = await conversation.get(oids);
  const found = new Map<string, PortPower>();
  for (const [at, port] of ports.entries()) {
    if (values[at] !== undefined) found.set(port, powerOf(values[at]));
  }
  if (found.size === 0 && ports.length > 0) throw noSuchPort(ports);
  return found;
}

function noSuchPort(ports: readonly string[]): PowerFault {
  return new PowerFault('fatal', `the switch has no PoE port ${ports.slice(0, 8).join(', ')}`);
}

export const snmpPoe = defineSwitchKind<SnmpSettings>({
  name: 'snmp-poe',
  title: 'Managed switches with POWER-ETHERNET-MIB (RFC 3621), by SNMP version 2c or 3',
  settings: SnmpSettings,
  secrets: ['community', 'authKey', 'privKey'],
  // Version 2c sends its community as it is.
  address: ['host', 'port', 'version'],
  batches: true,
  readBackMs: 0,
  open: openSnmpSwitch,
});
