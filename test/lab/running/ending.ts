/** What a lab has to end, the last first. */
export interface Ending {
  add(end: () => Promise<unknown>): void;
  readonly isOn: () => boolean;
  /** Ends all of it and then this process; once, however often it is called. What cannot be ended is told. */
  now(code: number): Promise<never>;
}

/** Builds it. */
export function createEnding(): Ending {
  const ends: (() => Promise<unknown>)[] = [];
  let ending: Promise<never> | undefined;
  async function run(code: number): Promise<never> {
    for (const end of ends.toReversed()) await end().catch((error) => console.error('[lab]', error));
    process.exit(code);
  }
  return {
    add: (end) => void ends.push(end),
    isOn: () => ending !== undefined,
    now(code) {
      ending ??= run(code);
      return ending;
    },
  };
}
