import { randomBytes } from 'node:crypto';

const NAME = /^bakery-(\d{8}T\d{6}Z)\.db$/;

/** A time as in the names of backups: UTC, to the second, sorted as text. */
export function stampOf(now: number): string {
  return new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

/** The name of a backup made by the schedule. */
export function backupName(now: number): string {
  return `bakery-${stampOf(now)}.db`;
}

/** The name under which a file is written before it is whole; never the same twice. */
export function partialOf(file: string): string {
  return `${file}.${randomBytes(6).toString('hex')}.partial`;
}

/**
 * Which of the files in the folder of backups go: what is older than the `keep` newest, never `made`, whatever the clock says; and
 * what broken attempts left. Files of any other name are somebody's own.
 */
export function outdated(names: readonly string[], options: { keep: number; made: string }): string[] {
  const others = names.filter((name) => NAME.test(name) && name !== options.made).toSorted();
  const old = others.slice(0, Math.max(0, others.length - Math.max(0, options.keep - 1)));
  const broken = names.filter((name) => /^bakery-\d{8}T\d{6}Z\.db\.[0-9a-f]{12}\.partial(-\w+)?$/.test(name));
  return [...old, ...broken];
}
