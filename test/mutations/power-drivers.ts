import type { Mutation } from './mutation.ts';

const SUITE = 'test/contract/power-drivers.test.ts';
const PPI = 'server/power/drivers/ppi.ts';
const SIMPLEWEB = 'server/power/drivers/simpleweb.ts';

/** The drivers that are one for all Pis, and what the suite of all drivers says of those that lack something. */
export const powerDrivers: readonly Mutation[] = [
  {
    name: 'power: a program tells no password of its configuration',
    file: PPI,
    old: 'hideSecrets(`${stdout}${stderr}`, passwords)',
    new: '`${stdout}${stderr}`',
    test: SUITE,
    fails: 'a wrong credential, if there is any, looks like other failures',
  },
  {
    name: 'power: a program that is ended tells no password either',
    file: PPI,
    old: 'hideSecrets(detail, passwords)',
    new: 'detail',
    test: 'test/contract/power-ppi.test.ts',
    fails: 'neither what it is ended for nor what it says tells the password',
  },
  {
    name: 'power: a program is not asked for a Pi that its configuration does not list',
    file: PPI,
    old: 'if (list?.has(pi) === false) throw',
    new: "if (list?.has(pi) === false && action !== 'poweroff') throw",
    test: SUITE,
    fails: 'a Pi that it does not list is out of reach',
  },
  {
    name: 'power: a person is not asked for what was given up',
    file: 'server/power/drivers/manual.ts',
    old: "      signal.throwIfAborted();\n      log.warn({ pi }, 'please switch this Pi on by hand');",
    new: "      log.warn({ pi }, 'please switch this Pi on by hand');",
    test: SUITE,
    fails: 'a call that was aborted before it began does nothing',
  },
  {
    name: 'power: a web server tells no password that it repeats',
    file: SIMPLEWEB,
    old: 'hideSecrets(answer, secrets)',
    new: 'answer',
    test: 'test/contract/power-simpleweb.test.ts',
    fails: 'an answer that is not exactly ok is final',
  },
  {
    name: 'power: a web server that refuses tells no password either',
    file: SIMPLEWEB,
    old: 'createWebClient({ base, secrets })',
    new: 'createWebClient({ base })',
    test: SUITE,
    fails: 'a wrong credential is a final fault, changes nothing, and is told to nobody',
  },
  {
    name: 'power: silence says that the community may be wrong',
    file: 'server/power/switches/snmp/faults.ts',
    old: 'wrong community, or it is off',
    new: 'it is off',
    test: 'test/contract/switch-snmp.test.ts',
    fails: 'a wrong credential, if there is any, looks like other failures',
  },
];
