import type { Mutation } from './mutation.ts';

const CLIENT = 'server/power/switches/web-client.ts';
const HTTP_CLIENT = 'server/power/switches/http-client.ts';
const REQUEST = 'server/power/switches/webhook-request.ts';
const TEMPLATE = 'server/power/switches/webhook-template.ts';
const MODULES = 'server/power/switches/external.ts';
const CONTRACT = 'test/contract/switch-webhook.test.ts';
const RECIPES = 'test/contract/switch-webhook-recipes.test.ts';
const UNIT = 'test/unit/switch-webhook.test.ts';

/** The kind of switch webhook, and drivers of one's own. */
export const switchWebhook: readonly Mutation[] = [
  {
    name: 'a word in JSON is escaped',
    file: TEMPLATE,
    old: 'if (isQuoted) return JSON.stringify(value).slice(1, -1);',
    new: 'if (isQuoted) return value;',
    test: UNIT,
    fails: 'whatever a port is called, JSON stays the same',
  },
  {
    name: 'only a value stands outside of quotes',
    file: TEMPLATE,
    old: 'return LITERAL.test(value) ? value : undefined;',
    new: 'return value;',
    test: UNIT,
    fails: 'outside of the quotes of JSON only a number',
  },
  {
    name: 'no word leaves its folder',
    file: TEMPLATE,
    old: "value === '.' || value === '..'",
    new: "value === ''",
    test: UNIT,
    fails: 'a word that leaves its folder',
  },
  {
    name: 'a state that is none is unknown',
    file: REQUEST,
    old: "told === queryOff ? 'off' : 'unknown'",
    new: "told === queryOff ? 'off' : 'off'",
    test: RECIPES,
    fails: 'what Home Assistant has no state of is unknown',
  },
  {
    name: 'a port that is not listed is not asked for',
    file: REQUEST,
    old: 'if (!isPort(port) || !isKnown)',
    new: 'if (!isPort(port))',
    test: RECIPES,
    fails: 'refuses a port that is not listed',
  },
  {
    name: 'a status is not all that says it is done',
    file: REQUEST,
    old: 'return okText === undefined || answer.includes(',
    new: "return okText === undefined || ''.includes('') || answer.includes(",
    test: RECIPES,
    fails: 'Tasmota before 8.2.3 answers 200 to a wrong password',
  },
  {
    name: 'a request is told by its template',
    file: REQUEST,
    old: 'called: `port ${port}: ${method} ${path}`',
    new: "called: `port ${port}: ${method} ${fill(path, words, 'url')}`",
    test: UNIT,
    fails: 'is told by its template',
  },
  {
    name: 'what an answer repeats of a secret is struck out',
    file: CLIENT,
    old: 'told(text, hidden))',
    new: 'told(text, []))',
    test: CONTRACT,
    fails: 'a wrong credential is a final fault, changes nothing, and is told to nobody',
  },
  {
    name: 'a request to a device ends with its signal',
    file: HTTP_CLIENT,
    old: '      signal,\n      handshake',
    new: '      handshake',
    test: CONTRACT,
    fails: 'aborted, it ends soon with the signal',
  },
  {
    name: 'what may work in a moment is told apart',
    file: HTTP_CLIENT,
    old: "passes ? 'retryable' : 'fatal'",
    new: "'fatal'",
    test: CONTRACT,
    fails: 'what may work in a moment is worth another try, and works then (busy)',
  },
  {
    name: 'the answer of a device is bounded',
    file: CLIENT,
    old: 'maxAnswerBytes: MAX_ANSWER_BYTES',
    new: 'maxAnswerBytes: 2 * MAX_ANSWER_BYTES',
    test: 'test/unit/web-client.test.ts',
    fails: 'reads no more than it must',
  },
  {
    name: 'no connection to a device is kept',
    file: CLIENT,
    old: 'keepsConnections: false',
    new: 'keepsConnections: true',
    test: 'test/unit/web-client.test.ts',
    fails: 'asks below the path of its base',
  },
  {
    name: 'a driver from a module takes no name that is taken',
    file: MODULES,
    old: 'if ([...taken, ...kinds].some(({ name }) => name === kind.name))',
    new: 'if (kinds.some(({ name }) => name === kind.name))',
    test: 'test/unit/switch-modules.test.ts',
    fails: 'that are no drivers stop the start',
  },
  {
    name: 'the secrets of a driver from a module are its settings',
    file: MODULES,
    old: 'secrets.every((name) => Object.hasOwn(settings.shape, name))',
    new: "secrets.every((name) => name !== '' || Object.hasOwn(settings.shape, name))",
    test: 'test/unit/switch-modules.test.ts',
    fails: 'that are no drivers stop the start',
  },
];
