/** As many station addresses as a reading has at most (kind.ts). */
const MAX_STATIONS = 64;
const MAC = /^[\da-f]{2}(?::[\da-f]{2}){5}$/;

/** Station addresses as a reading has them: lower case, each once, a bounded number; what is no address is left out. */
export function stations(macs: Iterable<string>): string[] {
  const found = new Set<string>();
  for (const mac of macs) {
    const lower = mac.toLowerCase();
    if (found.size < MAX_STATIONS && MAC.test(lower)) found.add(lower);
  }
  return [...found];
}

/** Whole mW of W as a number or as text with or without its unit (`2.52`, `24.3W`); undefined when it is neither. */
export function milliwatts(watts: number | string | undefined): number | undefined {
  const value = typeof watts === 'string' ? /^(\d{1,6}(?:\.\d{1,9})?)W?$/.exec(watts)?.[1] : watts;
  const number = value === undefined ? Number.NaN : Number(value);
  return Number.isFinite(number) && number >= 0 ? Math.round(number * 1000) : undefined;
}
