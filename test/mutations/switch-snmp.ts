import type { Mutation } from './mutation.ts';

const SNMP = 'server/power/switches/snmp';
const UNIT = 'test/unit/switch-snmp.test.ts';
const INTERFACES = 'test/unit/switch-snmp-interfaces.test.ts';
const HOSTILE = 'test/contract/switch-snmp-hostile.test.ts';
const SURVEY = 'test/contract/switch-snmp-survey.test.ts';
const SUITE = 'test/contract/switch-snmp.test.ts';

/** Switches that are asked by SNMP. */
export const switchSnmp: readonly Mutation[] = [
  {
    name: 'snmp: an answer without a digest is none',
    file: `${SNMP}/guard.ts`,
    old: "(pdu?.tag === RESPONSE && level === 'authNoPriv' && said === AUTHENTICATED)",
    new: 'pdu?.tag === RESPONSE',
    test: HOSTILE,
    fails: 'an answer without a digest is not believed',
  },
  {
    name: 'snmp: a SET that found no port has failed',
    file: 'server/power/switches/snmp-poe.ts',
    old: 'if (missing.length > 0) throw',
    new: 'if (missing.length < 0) throw',
    test: HOSTILE,
    fails: 'a SET that is answered with no error and no such port has failed',
  },
  {
    name: 'snmp: a walk never goes back',
    file: `${SNMP}/walk.ts`,
    old: 'if (!comesAfter(oid, last)) throw',
    new: "if (oid === '') throw",
    test: UNIT,
    fails: 'a walk ends each column where it ends',
  },
  {
    name: 'snmp: a table has a limit',
    file: `${SNMP}/conversation.ts`,
    old: 'if (rows.size > maxRows)',
    new: 'if (rows.size < 0)',
    test: SURVEY,
    fails: 'a table is read no further than its limit',
  },
  {
    name: 'snmp: a conversation leaves no socket',
    file: `${SNMP}/conversation.ts`,
    old: '    session?.close();\n',
    new: '',
    test: HOSTILE,
    fails: 'no call leaves a socket',
  },
  {
    name: 'snmp: a wrong key is final',
    file: `${SNMP}/faults.ts`,
    old: "[/^Wrong Digest/, 'fatal'",
    new: "[/^Wrong Digest/, 'retryable'",
    test: SUITE,
    fails: 'a wrong credential is a final fault',
  },
  {
    name: 'snmp: a port has one spelling',
    file: `${SNMP}/poe.ts`,
    old: '/^([1-9]\\d{0,9})\\.([1-9]\\d{0,9})$/',
    new: '/^(\\d{1,10})\\.(\\d{1,10})$/',
    test: UNIT,
    fails: 'a port has one spelling',
  },
  {
    name: 'snmp: a rule that finds some interfaces is not taken by itself',
    file: `${SNMP}/interfaces.ts`,
    old: 'found.size === ports.length &&',
    new: 'found.size > 0 &&',
    test: INTERFACES,
    fails: 'a rule that finds not all ports',
  },
  {
    name: 'snmp: only learned addresses are stations',
    file: `${SNMP}/stations.ts`,
    old: ' || status !== LEARNED) continue;',
    new: ') continue;',
    test: INTERFACES,
    fails: 'stations are told by interface',
  },
];
