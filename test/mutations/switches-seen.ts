import type { Mutation } from './mutation.ts';

const SETTINGS = 'server/power/switches/settings.ts';
const ADDRESS_TEST = 'test/unit/switch-address.test.ts';
const QUESTIONS = 'server/power/switches/questions.ts';
const OPEN_TEST = 'test/unit/open-switches.test.ts';
const SWITCHES = 'db/switches.ts';
const NEWS_TEST = 'test/unit/switch-news.test.ts';
const WIRE = 'test/wire/switches-seen.test.ts';

/** Where secrets of switches go, and what is seen of switches from outside. */
export const switchesSeen: readonly Mutation[] = [
  {
    name: 'seen: secrets of a switch stay with the address that they were given for',
    file: SETTINGS,
    old: '  requireSecretsAgain(kind, { before: before.settings, secrets, patch });\n',
    new: '  void requireSecretsAgain;\n',
    test: WIRE,
    fails: 'secrets of a switch are sent to no other address',
  },
  {
    name: 'seen: one secret of two is not enough for another address',
    file: SETTINGS,
    old: '  if (kept.length === 0) return;',
    new: '  if (kept.length < Object.keys(secrets).length) return;',
    test: ADDRESS_TEST,
    fails: 'who changes where a switch is gives all of its secrets again',
  },
  {
    name: 'seen: a kind that names no address has one',
    file: SETTINGS,
    old: 'return address ?? Object.keys(settings.shape)',
    new: 'return address ?? []',
    test: ADDRESS_TEST,
    fails: 'who changes where a switch is gives all of its secrets again',
  },
  {
    name: 'seen: the templates of a webhook are its address',
    file: 'server/power/switches/webhook.ts',
    old: "    'queryPath',\n",
    new: '',
    test: ADDRESS_TEST,
    fails: 'webhook says which settings are its address',
  },
  {
    name: 'seen: what old settings did is no news of a switch',
    file: QUESTIONS,
    old: 'if (isOfThis && error instanceof BakeryError)',
    new: 'if (error instanceof BakeryError)',
    test: OPEN_TEST,
    fails: 'what a switch says of secrets that were changed meanwhile',
  },
  {
    name: 'seen: a switch that does not answer is told once',
    file: SWITCHES,
    old: '    if ((await listTold(trx, UNREACHABLE)).has(name) === (error !== undefined)) return;\n',
    new: '    void listTold;\n',
    test: NEWS_TEST,
    fails: 'a switch that does not answer is told once',
  },
  {
    name: 'seen: another switch of the same name is not taken for unreachable',
    file: SWITCHES,
    old: '    await removeTold(trx, UNREACHABLE, name);\n    if (numDeletedRows',
    new: '    if (numDeletedRows',
    test: NEWS_TEST,
    fails: 'one that is deleted while it is asked leaves nothing behind',
  },
  {
    name: 'seen: a switch that does not answer makes no server unready',
    file: 'server/reconcile/judge.ts',
    old: 'degraded(`${failing} of ${switches.length}',
    new: 'notReady(`${failing} of ${switches.length}',
    test: 'test/unit/readiness.test.ts',
    fails: 'how a part is follows from the facts',
  },
  {
    name: 'seen: a call that somebody calls off is no failure of the switch',
    file: 'server/power/switches/counted.ts',
    old: "isTimeout(signal.reason) ? 'failed' : 'called off'",
    new: "isTimeout(signal.reason) ? 'failed' : 'failed'",
    test: 'test/unit/switch-counted.test.ts',
    fails: 'a call that hangs has failed when its time is over',
  },
  {
    name: 'seen: a switch that lists no port says nothing of any',
    file: QUESTIONS,
    old: 'ports.length === 0 ? undefined :',
    new: '',
    test: OPEN_TEST,
    fails: 'what a driver throws is told without secrets',
  },
  {
    name: 'seen: a port that the switch does not list is told of when a Pi is bound to it',
    file: 'server/http/routes/pis.ts',
    old: '        await judgePort(trx, request.body.port);\n',
    new: '',
    test: WIRE,
    fails: 'a Pi that is bound to a port that its switch does not list',
  },
  {
    name: 'seen: what was said of a port is over when the Pi is bound anew',
    file: 'db/pi-remarks.ts',
    old: '    if (!isSamePort) await setUnlisted(trx, pi, false, now);\n',
    new: '    void [isSamePort, setUnlisted];\n',
    test: NEWS_TEST,
    fails: 'a Pi on a port that its switch does not list is told of once',
  },
];
