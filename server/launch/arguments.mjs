// What the command line asks for. Pure.
import { Refusal } from './run.mjs';

export const USAGE = `usage: node server/launch.mjs <command> [--yes] [arguments]

  start [settings]      run the server; "start --help" lists the settings
  start --lab [N]       run one with N virtual Pis, to try it out; "start --lab --help" tells more
  stop                  end the NFS server that a stopped Bakery left running
  test [--long] [files] run the tests (as root), all or those in the files named
  transcripts           write docs/api.md anew from calls of a real server (as root)
  mutations [words]     take out each protection in turn; the test named with it must fail (as root)
  bench [--write]       measure TFTP and storage beside others; --write puts it into docs/performance.md (as root)
  check                 types, style and the committed openapi.yaml
  openapi               write openapi.yaml anew

Missing npm modules are installed first, and for start, labs and tests missing Debian packages.
  --yes                 install packages without asking (CI=true and BAKERY_YES=1 mean the same)`;

const COMMANDS = ['start', 'stop', 'test', 'bench', 'mutations', 'check', 'openapi', 'transcripts'];
const SCRIPTS = { bench: 'run bench', mutations: 'run test:mutations', transcripts: 'run transcripts' };
/** Those that run tests, or what tests are made of: they need root, and what tests need. */
const WITH_TESTS = ['test', 'bench', 'mutations', 'transcripts'];

/** True for `1`, `true`, `yes`, whatever a CI sets; false for unset, empty, `0` and `false`. */
function isSet(value) {
  return value !== undefined && !['', '0', 'false'].includes(value.toLowerCase());
}

/** The plan for `argv` (without node and script) in the environment `env`. Throws Refusal for an unknown command. */
export function parseArguments(argv, env) {
  const [first = 'help', ...rest] = argv;
  if (['help', '--help', '-h'].includes(first)) {
    return { command: 'help', args: [], yes: false, long: false, packages: 'none', needsRoot: false, asRoot: '' };
  }
  if (!COMMANDS.includes(first)) throw new Refusal(`there is no command ${first}\n\n${USAGE}`);
  // There --yes is about deleting, and the server's to read.
  const cleans = first === 'start' && rest[0] === 'import-clean';
  const own = cleans ? [] : first === 'test' ? ['--yes', '--long'] : ['--yes'];
  const given = rest.filter((arg) => !own.includes(arg));
  // A doctor takes the machine as it is; a backup by a timer must not wait for somebody to answer whether packages may be installed.
  const isFileWork = first === 'start' && ['backup', 'restore', 'doctor'].includes(given[0]);
  // `npm start -- stop` is how a person says it.
  const stops = first === 'start' && given[0] === 'stop';
  const isLab = first === 'start' && given.some((arg) => LAB.test(arg));
  const command = stops ? 'stop' : isLab ? 'lab' : first;
  const args = stops ? given.slice(1) : isLab ? given.flatMap(withoutLab) : given;
  return {
    command,
    args,
    long: command === 'test' && rest.includes('--long'),
    yes: rest.includes('--yes') || isSet(env.CI) || isSet(env.BAKERY_YES),
    packages: cleans || isFileWork ? 'none' : packagesOf(command, args),
    needsRoot: WITH_TESTS.includes(command),
    asRoot: `sudo npm ${SCRIPTS[command] ?? 'test'}${rest.length > 0 ? ` -- ${rest.join(' ')}` : ''}`,
  };
}

/** `--lab=6` is `--lab 6`, and the number stands alone then. */
const LAB = /^--lab(?:=(.*))?$/;
const withoutLab = (arg) => {
  const found = LAB.exec(arg);
  return found === null ? [arg] : found[1] ? [found[1]] : [];
};

/** Which Debian packages a command needs. Asking for help needs none. */
function packagesOf(command, args) {
  if (WITH_TESTS.includes(command)) return 'test';
  if (!['start', 'lab'].includes(command) || args.includes('--help') || args.includes('-h')) return 'none';
  return command === 'lab' && args.includes('--qemu') ? 'lab-qemu' : command;
}
