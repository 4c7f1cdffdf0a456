/** What a board's revision code says of it. A member is absent where the code leaves it open, or is newer than this table. */
export interface Board {
  /** As Raspberry Pi names it: `3B+`, `Zero 2 W`, `CM4`. */
  readonly model: string | undefined;
  readonly memoryMiB: number | undefined;
  readonly processor: string | undefined;
  readonly manufacturer: string | undefined;
  /** Of the board: `1.3`. */
  readonly revision: string;
}

/*
 * raspberrypi.com/documentation/computers/raspberry-pi.html, "Raspberry Pi revision codes". A new-style code is
 * NOQuuuWuFMMMCCCCPPPPTTTTTTTTRRRR: flags that say nothing of the board, F new style, memory, manufacturer, processor, type,
 * revision. Older codes count up, with a flag (bit 24) where the warranty was lost.
 */
const NEW_STYLE = 1 << 23;
const OLD_STYLE_CODE = 0xffffff;
const MANUFACTURERS = ['Sony UK', 'Egoman', 'Embest', 'Sony Japan', 'Embest', 'Stadium'];
const PROCESSORS = ['BCM2835', 'BCM2836', 'BCM2837', 'BCM2711', 'BCM2712'];
/** The code for "other": how much it is stands elsewhere. */
const OTHER_MEMORY = 7;
const MODELS: { readonly [type: number]: string } = {
  0: 'A',
  1: 'B',
  2: 'A+',
  3: 'B+',
  4: '2B',
  5: 'Alpha',
  6: 'CM1',
  8: '3B',
  9: 'Zero',
  10: 'CM3',
  12: 'Zero W',
  13: '3B+',
  14: '3A+',
  16: 'CM3+',
  17: '4B',
  18: 'Zero 2 W',
  19: '400',
  20: 'CM4',
  21: 'CM4S',
  23: '5',
  24: 'CM5',
  25: '500',
  26: 'CM5 Lite',
  27: 'CM0',
};

type OldBoard = readonly [model: string, revision: string, memoryMiB: number | undefined, manufacturer: string];
const OLD_BOARDS: { readonly [code: number]: OldBoard } = {
  2: ['B', '1.0', 256, 'Egoman'],
  3: ['B', '1.0', 256, 'Egoman'],
  4: ['B', '2.0', 256, 'Sony UK'],
  5: ['B', '2.0', 256, 'Qisda'],
  6: ['B', '2.0', 256, 'Egoman'],
  7: ['A', '2.0', 256, 'Egoman'],
  8: ['A', '2.0', 256, 'Sony UK'],
  9: ['A', '2.0', 256, 'Qisda'],
  13: ['B', '2.0', 512, 'Egoman'],
  14: ['B', '2.0', 512, 'Sony UK'],
  15: ['B', '2.0', 512, 'Egoman'],
  16: ['B+', '1.2', 512, 'Sony UK'],
  17: ['CM1', '1.0', 512, 'Sony UK'],
  18: ['A+', '1.1', 256, 'Sony UK'],
  19: ['B+', '1.2', 512, 'Embest'],
  20: ['CM1', '1.0', 512, 'Embest'],
  // Made with 256 and with 512 MB, under one code.
  21: ['A+', '1.1', undefined, 'Embest'],
};

/** `text` as a revision code (hex digits, as /proc/cpuinfo prints it), or undefined. */
export function parseRevision(text: string): number | undefined {
  return /^[0-9a-f]{4,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** A revision code as /proc/cpuinfo prints it. */
export function formatRevision(code: number): string {
  return code.toString(16).padStart(4, '0');
}

/** What a revision code says; undefined for an old-style code that no board has. */
export function decodeRevision(code: number): Board | undefined {
  if ((code & NEW_STYLE) === 0) {
    const old = OLD_BOARDS[code & OLD_STYLE_CODE];
    if (!old) return undefined;
    const [model, revision, memoryMiB, manufacturer] = old;
    return { model, revision, memoryMiB, manufacturer, processor: PROCESSORS[0] };
  }
  const bits = (from: number, count: number) => (code >>> from) & ((1 << count) - 1);
  const memory = bits(20, 3);
  const model = MODELS[bits(4, 8)];
  return {
    // The 500 and the 500+ share a type and differ in their memory.
    model: model === '500' && memory === 6 ? '500+' : model,
    memoryMiB: memory === OTHER_MEMORY ? undefined : 256 << memory,
    processor: PROCESSORS[bits(12, 4)],
    manufacturer: MANUFACTURERS[bits(16, 4)],
    revision: `1.${bits(0, 4)}`,
  };
}
