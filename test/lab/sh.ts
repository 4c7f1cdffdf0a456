import { execFileSync } from 'node:child_process';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Runs a program of the lab to its end, without a shell; throws with what it said. */
export function sh(program: string, ...args: readonly string[]): string {
  return execFileSync(program, [...args], {
    encoding: 'utf8',
    env: { PATH, LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
}

/** Like `sh`, for clean-up: what is gone already is fine. */
export function trySh(program: string, ...args: readonly string[]): void {
  try {
    sh(program, ...args);
  } catch {
    // Nothing there to clean up.
  }
}
