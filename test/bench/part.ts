/** A part of the bench, with a table of its own in docs/performance.md between markers of its name. */
export interface Part {
  readonly name: string;
  readonly tasks: readonly string[];
  /** What has to be done where there still is a network. */
  prepare?(): void;
  /** Measures the tasks that are wanted, in a namespace with nothing in it; a table in Markdown. */
  run(wanted: ReadonlySet<string>): Promise<string>;
}

/** The tasks of a part that all words speak of: its name, or a piece of the task's. All without words. */
export function tasksFor({ name, tasks }: Pick<Part, 'name' | 'tasks'>, words: readonly string[]): ReadonlySet<string> {
  return new Set(tasks.filter((task) => words.every((word) => word === name || task.includes(word))));
}

const marks = (name: string) => [`<!-- ${name}: written by npm run bench -->`, `<!-- ${name}: end -->`] as const;

/** The document with `text` between the markers of a part. Throws where it has none. */
export function withFigures(docs: string, name: string, text: string): string {
  const [begin, end] = marks(name);
  const [from, to] = [docs.indexOf(begin), docs.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the document has no place for the figures of ${name}`);
  return `${docs.slice(0, from)}${begin}\n${text}\n${docs.slice(to)}`;
}
