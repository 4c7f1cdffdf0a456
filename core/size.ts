const UNITS = ['', 'K', 'M', 'G', 'T'];

/** A size as people write it: a number and its unit, as `512MiB` or `16GiB`. */
export const SIZE_WITH_UNIT = /^\d{1,7}[KMGT]iB$/;

/** The bytes in `512MiB`, `16GiB` or a plain number of bytes; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15})(?:([KMGT])iB)?$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * 1024 ** UNITS.indexOf(unit);
}

/** Bytes with the largest unit that leaves a whole number. */
export function formatSize(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (unit < UNITS.length - 1 && value > 0 && value % 1024 === 0) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} bytes` : `${value}${UNITS[unit]}iB`;
}
