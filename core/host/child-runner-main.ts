import { BakeryError } from '../errors.ts';
import type { RunnerAnswer, RunnerRequest } from './child-runner.ts';
import { exec } from './exec.ts';

/**
 * The small process that starts programs for the server (child-runner.ts). It ends with the channel to it, and starts nothing after
 * that; what it has running then is left as a killed server leaves its children (survivors.ts).
 */
const running = new Map<number, AbortController>();

function answer(message: RunnerAnswer): void {
  process.send?.(message, undefined, undefined, () => undefined);
}

async function run({ id, program, args, options }: Extract<RunnerRequest, { kind: 'run' }>): Promise<void> {
  const abort = new AbortController();
  running.set(id, abort);
  try {
    answer({ kind: 'done', id, result: await exec(program, args, { ...options, signal: abort.signal }) });
  } catch (error) {
    const { kind, code, message, detail } =
      error instanceof BakeryError ? error : new BakeryError('internal', 'tool-failed', String(error));
    answer({ kind: 'failed', id, error: { kind, code, message, detail } });
  } finally {
    running.delete(id);
  }
}

process.title = 'bakery-children';
// A ^C reaches the whole group of a terminal: the server ends in its own time, and needs programs for that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', (request: RunnerRequest) => {
  if (request.kind === 'cancel') running.get(request.id)?.abort();
  else void run(request);
});
answer({ kind: 'ready' });
