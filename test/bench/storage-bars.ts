import { median, middleAndBest } from './bars.ts';

/** What is timed by the clock, in ms: Bakery's own times, and those of what it is compared with. */
export interface Timed {
  readonly task: string;
  readonly ours: readonly number[];
  readonly peer?: { readonly name: string; readonly times: readonly number[] };
  /** Bakery's median is at most so many ms. */
  readonly most?: number;
  /** The peer takes at least so many times as long, in the middle of the rounds. */
  readonly factor?: number;
}

/**
 * How many times as fast as its peer, in the middle of the rounds: both are timed in each, one right after the other, and a machine that gets slower in
 * mid-run slows both. NaN where there is no peer.
 */
function speed({ ours, peer }: Timed): number {
  return median(ours.map((ms, round) => (peer?.times[round] ?? Number.NaN) / ms));
}

/** Whether every bar of it is reached; what was not measured reaches none. */
export function reaches(timed: Timed): boolean {
  const { ours, most, factor } = timed;
  if (most !== undefined && !(median(ours) <= most)) return false;
  return factor === undefined || speed(timed) >= factor;
}

/** `×` of a factor below one the other way round: 20 bakes in 3 times one. */
function wanted({ most, factor, peer }: Timed): string {
  const bars = [
    ...(most === undefined ? [] : [`≤ ${most} ms`]),
    ...(factor === undefined ? [] : [factor === 1 / 3 ? `≤ 3 × ${peer?.name}` : `≥ ${factor} × ${peer?.name}`]),
  ];
  return bars.join(', ');
}

const cell = (times: readonly number[]) => (times.length === 0 ? '' : middleAndBest(times, Math.min(...times), 0));

/** A table in Markdown: median and best in ms, how many times as fast as the peer, and whether the bar is reached. */
export function timesTable(rows: readonly Timed[]): string {
  const lines = rows.map((row) => {
    const { task, ours, peer } = row;
    const other = peer ? `${peer.name}: ${cell(peer.times)}` : '';
    const times = peer ? speed(row).toFixed(speed(row) < 10 ? 2 : 0) : '';
    return `| ${task} | ${cell(ours)} | ${other} | ${times} | ${wanted(row)} | ${reaches(row) ? 'pass' : 'FAIL'} |`;
  });
  return ['| task | Bakery, ms | other, ms | times as fast | bar | |', '|---|---|---|---|---|---|', ...lines].join(
    '\n',
  );
}
