import type { Mutation } from './mutation.ts';

const SEALED = 'core/host/sealed.ts';
const SETTINGS = 'server/power/switches/settings.ts';
const SETTINGS_TEST = 'test/unit/switch-settings.test.ts';
const OPEN = 'server/power/switches/open.ts';
const QUESTIONS = 'server/power/switches/questions.ts';
const OPEN_TEST = 'test/unit/open-switches.test.ts';
const WHERE = 'server/power/switches/whereabouts.ts';
const WHERE_TEST = 'test/unit/whereabouts.test.ts';
const WIRE = 'test/wire/switches.test.ts';

/** Switches, what is secret of them, and which Pi hangs on which port. */
export const switches: readonly Mutation[] = [
  {
    name: 'ports: credentials of a switch are bound to its name',
    file: SEALED,
    old: "Buffer.from(of, 'utf8');",
    new: "Buffer.from(of.slice(0, 0), 'utf8');",
    test: 'test/unit/sealed.test.ts',
    fails: 'what is sealed opens with its key, for its name',
  },
  {
    name: 'ports: the key of credentials is never overwritten',
    file: SEALED,
    old: 'await link(partial, file);',
    new: "await (await import('node:fs/promises')).rename(partial, file);",
    test: 'test/unit/sealed.test.ts',
    fails: 'that somebody else made first stays',
  },
  {
    name: 'ports: the key of credentials is for root alone',
    file: SEALED,
    old: "await open(partial, 'wx', 0o600)",
    new: "await open(partial, 'wx', 0o644)",
    test: 'test/unit/sealed.test.ts',
    fails: 'is made with 32 bytes for root alone',
  },
  {
    name: 'ports: secrets of switches are not among the settings that are shown',
    file: SETTINGS,
    old: 'entries.filter(([name]) => !kind.secrets.includes(name))',
    new: 'entries',
    test: WIRE,
    fails: 'a switch is entered with secrets that are never shown',
  },
  {
    name: 'ports: a setting that a kind does not know is kept nowhere',
    file: SETTINGS,
    old: 'if (unknown !== undefined) {',
    new: "if (unknown === 'never') {",
    test: SETTINGS_TEST,
    fails: 'settings that the kind does not take are refused',
  },
  {
    name: 'ports: what is said of wrong settings tells no secret',
    file: SETTINGS,
    old: "plainWords(error.issues.map(wordsOf).join('; '), secrets)",
    new: "plainWords(error.issues.map(wordsOf).join('; '), [])",
    test: SETTINGS_TEST,
    fails: 'settings that the kind does not take are refused',
  },
  {
    name: 'ports: credentials of a switch that cannot be read are not lost by another change',
    file: SETTINGS,
    old: 'if (Object.keys(splitSettings(kind, patch).secret).length > 0) return {};',
    new: 'return {};',
    test: SETTINGS_TEST,
    fails: 'credentials that cannot be read are replaced as a whole',
  },
  {
    name: 'ports: what a driver of a switch says is told without secrets',
    file: QUESTIONS,
    old: 'const words = error instanceof PowerFault ? plainWords(said, secrets)',
    new: 'const words = error instanceof PowerFault ? said',
    test: OPEN_TEST,
    fails: 'what a driver throws is told without secrets',
  },
  {
    name: 'ports: a lost key keeps no server from starting',
    file: OPEN,
    old: 'return broken(isLost ? CREDENTIALS_LOST',
    new: 'if (isLost) throw error;\n      return broken(isLost ? CREDENTIALS_LOST',
    test: WIRE,
    fails: 'that is lost keeps no server from starting',
  },
  {
    name: 'ports: a switch is let go of in its turn',
    file: OPEN,
    old: 'turn(name, async () => device.close?.())',
    new: 'Promise.resolve(device.close?.())',
    test: OPEN_TEST,
    fails: 'what is under way on a switch ends before it is let go of',
  },
  {
    name: 'ports: a switch with a fault is opened again when it can be',
    file: OPEN,
    old: 'before?.open !== undefined && before.source',
    new: 'before !== undefined && before.source',
    test: OPEN_TEST,
    fails: 'one that cannot be opened has a fault',
  },
  {
    name: 'ports: a question to a switch has an end',
    file: QUESTIONS,
    old: '    clock.sleep(ASK_MS, timers.signal).then(',
    new: '    clock.sleep(ASK_MS * 9, timers.signal).then(',
    test: OPEN_TEST,
    fails: 'a switch that does not answer is given up after 10 s',
  },
  {
    name: 'ports: a stop ends questions to switches',
    file: 'server/bring-up.ts',
    old: '  teardown.add(() => questions.stop());\n',
    new: '',
    test: WIRE,
    fails: 'a switch that never answers keeps no server from stopping',
  },
  {
    name: 'ports: the binding of a Pi to a port is known at once',
    file: 'server/http/routes/pis.ts',
    old: 'if (request.body.port !== undefined) await switches.refresh();',
    new: '',
    test: WIRE,
    fails: 'a Pi is switched through the port that it was bound to a moment ago',
  },
  {
    name: 'ports: a port with several MACs is nobody’s',
    file: WHERE,
    old: 'devices.every((device) => device === mac)',
    new: 'devices.length > 0',
    test: WHERE_TEST,
    fails: 'a Pi is bound where it is alone, and only there',
  },
  {
    name: 'ports: a discovery takes no port of another Pi',
    file: WHERE,
    old: 'if (owner === undefined || leaving.has(owner)) return finding;',
    new: 'if (owner === undefined || owner) return finding;',
    test: WHERE_TEST,
    fails: 'the port of another Pi is taken only when that one leaves it',
  },
  {
    name: 'ports: a Pi that has moved is bound anew only when that is meant',
    file: WHERE,
    old: "isHere && (outcome === 'bound' || rebind)",
    new: 'isHere',
    test: WHERE_TEST,
    fails: 'what has moved is told, and bound anew only when that is meant',
  },
  {
    name: 'ports: a Pi that is off has not moved',
    file: WHERE,
    old: "if (!port || found.length === 0) return 'unknown';",
    new: "if (!port) return 'unknown';\n  if (found.length === 0) return 'right';",
    test: WHERE_TEST,
    fails: 'where a Pi is: it is found nowhere',
  },
  {
    name: 'ports: a Pi on another port than its own is not picked',
    file: 'server/operations/pick.ts',
    old: "  if (pi.movedTo) return 'it is bound to a port that it is not on';\n",
    new: '',
    test: 'test/unit/pick.test.ts',
    fails: 'what is in use, claimed, flagged or faulty is not picked',
  },
  {
    name: 'ports: a switch with Pis on it is not deleted unasked',
    file: 'db/switches.ts',
    old: 'if (first && !options.unbind) {',
    new: 'if (first && options.unbind === undefined) {',
    test: WIRE,
    fails: 'a switch with Pis on it is deleted only when',
  },
  {
    name: 'ports: a Pi that is bound to a port is dropped for no stranger',
    file: 'db/pis.ts',
    old: '      ...(patch.port ? { confirmed: 1 } : {}),\n',
    new: '',
    test: OPEN_TEST,
    fails: 'which port a Pi is bound to is known after each change',
  },
];
