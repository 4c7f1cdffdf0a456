/** Who serves. */
export const SERVERS = ['bakery', 'tftpd-hpa', 'dnsmasq', 'atftpd'] as const;
export type Server = (typeof SERVERS)[number];

/** A measurement of one server in one task: MB/s, or requests per second; the higher the better. */
export type Figures = Readonly<Record<Server, readonly number[]>>;

/** What Bakery is to reach in a task. */
export interface Bar {
  readonly task: string;
  readonly unit: 'MB/s' | 'requests/s';
  /** Bakery's median must be at least so many times that of each of `against`. */
  readonly factor: number;
  readonly against: readonly Server[];
}

/** The middle one, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** Whether Bakery reaches the bar. */
export function passes(bar: Bar, figures: Figures): boolean {
  const ours = median(figures.bakery);
  return bar.against.every((server) => ours >= bar.factor * median(figures[server]));
}

function shown(values: readonly number[], unit: Bar['unit']): string {
  return values.length === 0 ? '' : middleAndBest(values, Math.max(...values), unit === 'MB/s' ? 2 : 0);
}

/** A cell of a table. */
export function middleAndBest(values: readonly number[], best: number, digits: number): string {
  return `${median(values).toFixed(digits)} (${best.toFixed(digits)})`;
}

/** A table in Markdown: median and best of each server, and whether the bar is reached. */
export function table(results: readonly { bar: Bar; figures: Figures }[]): string {
  const lines = results.map(({ bar, figures }) => {
    const cells = SERVERS.map((server) => shown(figures[server], bar.unit));
    const wanted = `≥ ${bar.factor} × ${bar.against.length === SERVERS.length - 1 ? 'each' : bar.against.join(', ')}`;
    return `| ${bar.task} | ${bar.unit} | ${cells.join(' | ')} | ${wanted} | ${passes(bar, figures) ? 'pass' : 'FAIL'} |`;
  });
  return [`| task | unit | ${SERVERS.join(' | ')} | bar | |`, '|---|---|---|---|---|---|---|---|', ...lines].join('\n');
}
