import { z } from 'zod';
import { median, middleAndBest } from './bars.ts';

/** Who serves. */
export const SERVERS = ['ganesha', 'nfsd'] as const;
export type Server = (typeof SERVERS)[number];

/** Of times and of memory less is better, of rates more. */
const UNITS = ['ms', 'MB', 'MB/s', 'files/s'] as const;

/** What was measured once: one server in one row of the table. */
const Sample = z.strictObject({
  row: z.string().max(100),
  unit: z.enum(UNITS),
  server: z.enum(SERVERS),
  value: z.number().nonnegative(),
});
export type Sample = Readonly<z.infer<typeof Sample>>;

const MARK = 'LAB sample ';

/** A line of the emulated machine's console. */
export function sampleLine(sample: Sample): string {
  return `${MARK}${JSON.stringify(sample)}\n`;
}

/** The samples on a console. Throws at one that cannot be read. */
export function samplesOf(console: string): Sample[] {
  const lines = console.split('\n').filter((line) => line.startsWith(MARK));
  return lines.map((line) => Sample.parse(JSON.parse(line.slice(MARK.length))));
}

const digits = (value: number) => (value < 10 ? 1 : 0);

/** Median and best of each server, and how many times as good as ganesha's nfsd's median is; rows in the order in which they came. */
export function serversTable(samples: readonly Sample[]): string {
  const rows = new Map(samples.map(({ row, unit }) => [row, unit]));
  const lines = [...rows].map(([row, unit]) => {
    const more = unit.endsWith('/s');
    const [ganesha, nfsd] = SERVERS.map((server) =>
      samples.filter((sample) => sample.row === row && sample.server === server).map(({ value }) => value),
    ) as [number[], number[]];
    const cells = [ganesha, nfsd].map((values) => {
      const best = more ? Math.max(...values) : Math.min(...values);
      return values.length === 0 ? '' : middleAndBest(values, best, digits(median(values)));
    });
    const times = more ? median(nfsd) / median(ganesha) : median(ganesha) / median(nfsd);
    return `| ${row} | ${unit} | ${cells.join(' | ')} | ${Number.isFinite(times) ? times.toFixed(2) : ''} |`;
  });
  const head = ['| what | unit | ganesha | nfsd | nfsd is so many times as good |', '|---|---|---|---|---|'];
  return [...head, ...lines].join('\n');
}
