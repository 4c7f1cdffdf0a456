import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import pretty from 'pino-pretty';
import { BakeryError, describeError } from '../core/errors.ts';
import { cleanLeftovers, consultDoctor, stopLeftovers } from './commands.ts';
import { type Config, helpText, readConfig } from './config.ts';
import { backupByCommand, readFileCommand, restoreByCommand } from './reconcile/backups-commands.ts';

/** How long running steps get at SIGTERM; what has not ended by then goes on at the next start. */
const DRAIN_MS = 20_000;

/** How a line of the log looks on a terminal. */
const FOR_PEOPLE = { ignore: 'pid,hostname,label', messageFormat: '{if label}[{label}] {end}{msg}' };

function logger(config: Config) {
  const level = config.LOG_LEVEL;
  const label = config.BAKERY_LABEL;
  const log = process.stdout.isTTY ? pino({ level }, pretty(FOR_PEOPLE)) : pino({ level });
  return label === undefined ? log : log.child({ label });
}

async function main(argv: readonly string[]): Promise<void> {
  const [command, ...rest] = argv;
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(helpText());
    return;
  }
  if (command === 'import-clean') {
    const flags = rest.filter((arg) => arg !== '--yes');
    return cleanLeftovers(readConfig(flags, process.env), {
      really: flags.length < rest.length,
      print: (line) => process.stdout.write(`${line}\n`),
    });
  }
  if (command === 'backup' || command === 'restore') {
    const { file, force, flags } = readFileCommand(command, rest);
    const config = readConfig(flags, process.env);
    const place = { root: config.BAKERY_ROOT, database: config.DB_PATH };
    const lines =
      command === 'backup' ? await backupByCommand(place, { file, force }) : await restoreByCommand(place, file);
    process.stdout.write(`${lines.join('\n')}\n`);
    return;
  }
  if (command === 'doctor') {
    const isWell = await consultDoctor(readConfig(rest, process.env), (line) => process.stdout.write(`${line}\n`));
    process.exitCode = isWell ? 0 : 1;
    return;
  }
  const stopping = command === 'stop';
  const config = readConfig(stopping ? rest : argv, process.env);
  const log = logger(config);
  if (stopping) return stopLeftovers(config, log);

  // The whole server takes as long to load as all else of a short command takes.
  const { composeServer } = await import('./compose.ts');
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  const server = await composeServer(config, log, version);
  for (const line of server.readyLines) process.stdout.write(`${line}\n`);

  let ending = false;
  const end = (signal: NodeJS.Signals) => {
    if (ending) return;
    ending = true;
    log.info({ signal }, 'stopping; exports and Pis stay as they are');
    server.close(DRAIN_MS).then(
      () => process.exit(0),
      (error) => {
        log.error({ error: describeError(error) }, 'could not stop in order');
        process.exit(1);
      },
    );
  };
  process.on('SIGHUP', () => {
    server.reload().catch((error) => log.error({ error: describeError(error) }, 'could not reload'));
  });
  // Not `once`: the library that runs child processes ends this one while it has one, when it finds no listener but its own
  // (signal-exit counts them after a `once` has been taken away).
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

main(process.argv.slice(2)).catch((error) => {
  const known = error instanceof BakeryError;
  process.stderr.write(`bakery: ${known ? describeError(error) : (error?.stack ?? error)}\n`);
  process.exit(1);
});
