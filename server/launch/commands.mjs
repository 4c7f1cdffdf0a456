// The command lines behind each command. Pure.
import { delimiter, dirname, join } from 'node:path';

/** A test may take this long before it counts as hanging. Also the limit of one test file. */
const TEST_TIMEOUT_MS = 10 * 60_000;
const LONG_TEST_TIMEOUT_MS = 4 * 3_600_000;

/**
 * What to run for a plan of parseArguments, in order: `{ name, program, args, env }`. `path` is the PATH of now; `colors` is
 * false where the output is no terminal (biome would colour it all the same).
 */
export function commandsFor({ command, args, long }, { root, node, path, colors }) {
  const env = {
    PATH: [dirname(node), join(root, 'node_modules', '.bin'), path].join(delimiter),
    // Stripped types and byte code are kept: a start takes 0.65 s instead of 1.15 (nodejs.org/api/module.html#module-compile-cache).
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node'),
  };
  const step = (name, ...argv) => ({ name, program: node, args: argv, env });
  const tsc = join('node_modules', 'typescript7', 'bin', 'tsc');
  const biome = join('node_modules', '@biomejs', 'biome', 'bin', 'biome');
  const redocly = join('node_modules', '@redocly', 'cli', 'bin', 'cli.js');
  const openapi = step(
    'openapi.yaml by Redocly',
    redocly,
    'lint',
    '--extends=recommended-strict',
    '--max-problems=20',
    'openapi.yaml',
  );
  switch (command) {
    case 'start':
      return [step('start', 'server/main.ts', ...args)];
    case 'stop':
      return [step('stop', 'server/main.ts', 'stop', ...args)];
    case 'lab':
      return [step('lab', 'test/lab/running/main.ts', ...args)];
    case 'mutations':
      return [step('mutations', 'test/mutations/main.ts', ...args)];
    case 'bench':
      return [step('bench', 'test/bench/main.ts', ...args)];
    case 'transcripts':
      return [
        {
          ...step('docs/api.md', '--test', 'test/transcripts/api.test.ts'),
          env: { ...env, BAKERY_WRITE_TRANSCRIPTS: '1' },
        },
      ];
    case 'openapi':
      return [step('openapi.yaml', 'server/openapi.ts', ...args), step('client types', 'test/api-types.ts', ...args)];
    case 'check':
      return [
        step('types', tsc, '--noEmit', '-p', '.'),
        step('style', biome, 'ci', ...(colors ? [] : ['--colors=off']), '.'),
        step('openapi.yaml', 'server/openapi.ts', '--check'),
        step('client types', 'test/api-types.ts', '--check'),
        { ...openapi, env: { ...env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } },
      ];
    case 'test': {
      const files = args.filter((arg) => !arg.startsWith('-'));
      const test = step(
        'test',
        '--test',
        // Named, because Node chooses another one where stdout is no terminal.
        '--test-reporter=spec',
        '--test-concurrency=3',
        `--test-timeout=${long ? LONG_TEST_TIMEOUT_MS : TEST_TIMEOUT_MS}`,
        ...args.filter((arg) => arg.startsWith('-')),
        ...(files.length > 0 ? files : ['test/**/*.test.ts']),
      );
      return [long ? { ...test, env: { ...env, BAKERY_TEST_LONG: '1' } } : test];
    }
    default:
      throw new Error(`no command lines for ${command}`);
  }
}
