/** One line of a page: a series and its value. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of one metric. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const VALUE = /^(?:[+-]Inf|NaN|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)$/i;

function toNumber(text: string, line: string): number {
  if (!VALUE.test(text)) throw new Error(`no value: ${line}`);
  if (/inf$/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /nan/i.test(text) ? Number.NaN : Number(text);
}

/** `name="value",…`, with \\ \" and \n escaped, and nothing else. */
function labelsOf(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const match = /^([^=]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=.)|$)/.exec(rest);
    const [whole, name = '', value = ''] = match ?? [];
    if (whole === undefined || !LABEL.test(name) || name.startsWith('__')) throw new Error(`bad labels: ${line}`);
    if (name in labels) throw new Error(`a label twice: ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(whole.length);
  }
  return labels;
}

function sampleOf(line: string): Sample {
  const match = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line);
  const [, name = '', labels, value = ''] = match ?? [];
  if (!match || !NAME.test(name)) throw new Error(`no sample: ${line}`);
  if (labels === '') throw new Error(`empty braces: ${line}`);
  return { name, labels: labelsOf(labels ?? '', line), value: toNumber(value, line) };
}

/** What a sample of a metric of that type may be called beside the metric's own name. */
const SUFFIXES = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

const keyOf = (labels: Sample['labels'], without?: string) =>
  JSON.stringify(
    Object.entries(labels)
      .filter(([name]) => name !== without)
      .sort(),
  );

function checkHistogram({ name, samples }: Family): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = keyOf(sample.labels, 'le');
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => toNumber(labels.le ?? '', `${name} ${key}`));
    const count = group.filter((sample) => sample.name === `${name}_count`);
    const sum = group.filter((sample) => sample.name === `${name}_sum`);
    if (count.length !== 1 || sum.length !== 1) throw new Error(`${name} ${key}: no _sum or _count, or several`);
    for (let i = 1; i < buckets.length; i++) {
      if ((bounds[i] ?? 0) <= (bounds[i - 1] ?? 0)) throw new Error(`${name} ${key}: bounds do not grow`);
      if ((buckets[i]?.value ?? 0) < (buckets[i - 1]?.value ?? 0)) throw new Error(`${name} ${key}: counts shrink`);
    }
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name} ${key}: no bucket +Inf`);
    if (buckets.at(-1)?.value !== count[0]?.value) throw new Error(`${name} ${key}: +Inf is not _count`);
  }
}

function check(family: Family): void {
  const { name, type, samples } = family;
  const seen = new Set<string>();
  for (const sample of samples) {
    if (!SUFFIXES[type].some((suffix) => sample.name === name + suffix)) {
      throw new Error(`${sample.name} among the samples of the ${type} ${name}`);
    }
    const series = `${sample.name} ${keyOf(sample.labels)}`;
    if (seen.has(series)) throw new Error(`a series twice: ${series}`);
    seen.add(series);
    if (type !== 'gauge' && sample.value < 0) throw new Error(`below zero: ${series}`);
  }
  if (type === 'histogram') checkHistogram(family);
}

/**
 * Reads a page in the text format of Prometheus (0.0.4), strictly: each metric once, with HELP and TYPE before its samples, all of
 * them together; no series twice; histograms whole. @throws Error with the line that is wrong.
 */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family & { samples: Sample[] }>();
  let help: { name: string; text: string } | undefined;
  let current: (Family & { samples: Sample[] }) | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    if (line.startsWith('# HELP ')) {
      const [, name = '', told = ''] = /^# HELP (\S+) (\S.*)$/.exec(line) ?? [];
      if (!NAME.test(name) || told === '') throw new Error(`bad HELP: ${line}`);
      help = { name, text: told };
      current = undefined;
    } else if (line.startsWith('# TYPE ')) {
      const [, name = '', type] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line) ?? [];
      if (type === undefined || help?.name !== name) throw new Error(`bad TYPE, or no HELP before it: ${line}`);
      if (families.has(name)) throw new Error(`a metric twice: ${line}`);
      current = { name, help: help.text, type: type as Family['type'], samples: [] };
      families.set(name, current);
    } else if (line.startsWith('#')) {
      throw new Error(`neither HELP nor TYPE: ${line}`);
    } else {
      if (!current) throw new Error(`a sample of no metric: ${line}`);
      current.samples.push(sampleOf(line));
    }
  }
  for (const family of families.values()) check(family);
  return families;
}

/** What `promtool check metrics` would complain of (client_golang, promlint). */
export function lint(families: ReadonlyMap<string, Family>): string[] {
  const found: string[] = [];
  for (const { name, help, type, samples } of families.values()) {
    const says = (what: string) => found.push(`${name}: ${what}`);
    if (help.trim() === '') says('no help');
    if ((type === 'counter') !== name.endsWith('_total')) says('_total is for counters, and for all of them');
    if (/_(?:bucket|count|sum)$/.test(name)) says('a suffix of histograms');
    if (/[:A-Z]/.test(name)) says('colons and capital letters are not for metrics');
    if (/_(?:gauge|counter|histogram|summary)(?:_|$)/.test(name)) says('its type is in its name');
    if (
      /_(?:ms|milliseconds?|minutes?|hours?|days?|kb|mb|mib|gb|gib|kilobytes?|megabytes?|percent|bits)(?:_|$)/.test(
        name,
      )
    ) {
      says('not in a base unit');
    }
    for (const label of new Set(samples.flatMap(({ labels }) => Object.keys(labels)))) {
      if (/[A-Z]/.test(label)) says(`the label ${label} has capital letters`);
      if (label === 'le' && type !== 'histogram') says('the label le');
    }
  }
  return found;
}

/** The value of one series; undefined when it is not on the page. */
export function seriesValue(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const samples = [...families.values()].flatMap((family) => family.samples);
  return samples.find((sample) => sample.name === name && keyOf(sample.labels) === keyOf(labels))?.value;
}
