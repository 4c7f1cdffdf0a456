import { RequestFailedError, RequestTimedOutError, ResponseInvalidCode, ResponseInvalidError } from 'net-snmp';
import { PowerFault } from '../../driver.ts';
import type { SnmpSettings } from './settings.ts';

/** The switch, as messages name it. */
export type Asked = Pick<SnmpSettings, 'host' | 'port' | 'version' | 'level' | 'timeoutMs'>;

/** error-status of RFC 3416 section 3 that says only that it does not work now; every other one will be said again. */
const RETRYABLE: Readonly<Record<number, string>> = {
  1: 'tooBig',
  5: 'genErr',
  12: 'inconsistentValue',
  13: 'resourceUnavailable',
  14: 'commitFailed',
  15: 'undoFailed',
};

const FATAL: Readonly<Record<number, string>> = {
  2: 'noSuchName: it has no such port, or may not be written to',
  3: 'badValue: its PoE cannot be switched this way',
  4: 'readOnly: it may be read and not written to with these credentials',
  6: 'noAccess: it may be read and not written to with these credentials',
  7: 'wrongType: its PoE cannot be switched this way',
  10: 'wrongValue: its PoE cannot be switched this way',
  11: 'noCreation: it has no such port',
  16: 'authorizationError: these credentials do not allow that',
  17: 'notWritable: its PoE cannot be switched, or not with these credentials',
  18: 'inconsistentName: it has no such port',
};

/** Counters of RFC 3414 section 5 that a switch reports, by the words that the library has for them. */
const REPORTS: readonly (readonly [RegExp, 'fatal' | 'retryable', string])[] = [
  [/^Unsupported Security Level/, 'fatal', 'the user has no such level (usmStatsUnsupportedSecLevels)'],
  [/^Unknown User Name/, 'fatal', 'it knows no such user (usmStatsUnknownUserNames)'],
  [/^Wrong Digest/, 'fatal', 'wrong authKey or authProtocol (usmStatsWrongDigests)'],
  [/^Decryption Error/, 'fatal', 'wrong privKey or privProtocol (usmStatsDecryptionErrors)'],
  [/^Not In Time Window/, 'retryable', 'its clock has moved, or it has restarted (usmStatsNotInTimeWindows)'],
  [/^Unknown Engine ID/, 'retryable', 'it has another engine than before (usmStatsUnknownEngineIDs)'],
];

/** What else silence may mean: a switch that is asked wrongly does not say so. */
function silence({ version, level }: Asked): string {
  if (version === '2c') return 'wrong community, or it is off, or does not speak SNMP version 2c to us';
  if (level === 'authPriv')
    return 'it is off, does not speak SNMP version 3 to us, or has another privKey or privProtocol';
  return 'it is off, or does not speak SNMP version 3 to us';
}

/**
 * What the library or the network has thrown, as a fault. Its causes are left out: errors of the library carry the user with his keys.
 * `sawStrange`: something came meanwhile that is no answer.
 */
export function toFault(error: unknown, asked: Asked, sawStrange = { is: false }): PowerFault {
  if (error instanceof PowerFault) return error;
  const { host, port, timeoutMs } = asked;
  const where = `${host} port ${port}`;
  if (error instanceof RequestTimedOutError) {
    const why = sawStrange.is ? 'what came is no answer of SNMP, or not as safe as what was asked' : silence(asked);
    return new PowerFault('retryable', `${where}: no answer in ${timeoutMs} ms: ${why}`);
  }
  if (error instanceof RequestFailedError) {
    const again = RETRYABLE[error.status];
    if (again !== undefined) return new PowerFault('retryable', `${where} answered ${again}`);
    return new PowerFault('fatal', `${where} answered ${FATAL[error.status] ?? `error ${error.status}`}`);
  }
  if (error instanceof ResponseInvalidError) {
    const report = REPORTS.find(([words]) => words.test(error.message));
    if (error.code === ResponseInvalidCode.EAuthFailure && report) {
      return new PowerFault(report[1], `${where} reports: ${report[2]}`);
    }
    return new PowerFault('retryable', `${where}: what it answers is no answer`);
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return new PowerFault('retryable', `${where} cannot be reached: ${code}`);
}
