// Child processes of the launcher, with its signals passed on.
import { spawn } from 'node:child_process';

/** Something a person has to see to; told without a stack, exit status 2. */
export class Refusal extends Error {}

/** What ends a process politely. */
export const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** True when a person can be asked. */
export function isInteractive() {
  return Boolean(process.stdin.isTTY && process.stdout.isTTY);
}

/**
 * Runs a program on our own terminal and waits for its end: `{ code, signal }`. Signals that come meanwhile are passed on
 * to it instead of ending us first.
 */
export function run(program, args, { env = process.env } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: 'inherit', env });
    const passOn = (signal) => {
      // A terminal sends its ^C to the whole foreground group: the child has it already.
      if (!(signal === 'SIGINT' && process.stdin.isTTY)) child.kill(signal);
    };
    for (const signal of SIGNALS) process.on(signal, passOn);
    const forget = () => {
      for (const signal of SIGNALS) process.off(signal, passOn);
    };
    child.once('error', (error) => {
      forget();
      const why =
        error.code === 'ENOENT' ? 'is not installed (or not for this system)' : `cannot be run: ${error.message}`;
      fail(new Refusal(`${program} ${why}`));
    });
    child.once('exit', (code, signal) => {
      forget();
      done({ code, signal });
    });
  });
}

/** Ends this process as a child ended: with its exit status, or by its signal. */
export function endLike({ code, signal }) {
  if (signal) process.kill(process.pid, signal);
  else process.exitCode = code ?? 1;
}
