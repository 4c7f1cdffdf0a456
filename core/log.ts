import { AsyncLocalStorage } from 'node:async_hooks';

/** What Bakery needs of a logger; pino's satisfies it. First the fields, then the sentence. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What is being worked on. */
export interface LogScope {
  /** Runs `act`; every line that is written by it, or by what it starts, has `fields`. Inside another it adds to those. */
  within<T>(fields: object, act: () => T): T;
}

/** A log whose lines have the fields of the scope that they are written in, and that scope. What a line says itself wins. */
export function scopedLog(log: Log): { log: Log; scope: LogScope } {
  const storage = new AsyncLocalStorage<object>();
  const all = (fields: object) => ({ ...storage.getStore(), ...fields });
  return {
    log: {
      debug: (fields, message) => log.debug(all(fields), message),
      info: (fields, message) => log.info(all(fields), message),
      warn: (fields, message) => log.warn(all(fields), message),
      error: (fields, message) => log.error(all(fields), message),
    },
    scope: { within: (fields, act) => storage.run({ ...storage.getStore(), ...fields }, act) },
  };
}
