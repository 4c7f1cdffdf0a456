/** A protection taken out, and the test that must notice. */
export interface Mutation {
  /** What is taken out, in a few words; names it on the command line. */
  readonly name: string;
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly old: string;
  readonly new: string;
  /** The file that holds the test. */
  readonly test: string;
  /** How the name of the test that must fail begins. */
  readonly fails: string;
  /** Only the counts of the long run are sure to meet it. */
  readonly long?: true;
}

/** The text with the protection taken out. @throws Error when `old` does not stand there exactly once. */
export function mutate(text: string, mutation: Pick<Mutation, 'name' | 'file' | 'old' | 'new'>): string {
  const parts = text.split(mutation.old);
  if (parts.length !== 2) {
    throw new Error(`${mutation.name}: ${mutation.file} has the text ${parts.length - 1} times, not once`);
  }
  return parts.join(mutation.new);
}

/** True once a test whose name begins with `name` is told as failed in what the spec reporter prints. */
export function hasFailed(output: string, name: string): boolean {
  return output.split('\n').some((line) => line.trimStart().startsWith(`✖ ${name}`));
}
