import type { RomModel } from '../rom/models.ts';

/** One virtual Pi of a lab. */
export interface LabBoard {
  /** What the API calls it. */
  readonly name: string;
  /** As people name it: `3B+`. */
  readonly title: string;
  readonly model: RomModel;
  readonly serial: string;
  readonly mac: string;
  readonly address: string;
  /** Its revision code, hex. */
  readonly revision: string;
}

/** In turn. The first half of a MAC is one that such boards have; the codes are of raspberry-pi/revision-codes.adoc. */
const KINDS = [
  { title: '3B', model: '3b', vendor: 'b8:27:eb', revision: 'a02082' },
  { title: '3B+', model: '3b+', vendor: 'b8:27:eb', revision: 'a020d3' },
  { title: '4B', model: '4-2022', vendor: 'dc:a6:32', revision: 'b03112' },
  { title: '5', model: '5', vendor: '2c:cf:67', revision: 'c04170' },
] as const;

/** The last byte of the first Pi's address; the server and the site have lower ones (network.ts). */
const FIRST_ADDRESS = 10;

/**
 * The Pis of a lab, at most 40, of mixed models and always the same ones. Their serials begin with 1ab; the low 24 bits are those of
 * the MAC, as on every Pi up to the 3. `wire` are the first three bytes of their addresses.
 */
export function labBoards(count: number, wire: string): LabBoard[] {
  return Array.from({ length: count }, (_, i) => {
    const kind = KINDS[i % KINDS.length] ?? KINDS[0];
    const { vendor, ...facts } = kind;
    const low = (i + 1).toString(16).padStart(2, '0');
    return {
      ...facts,
      name: `lab-${i + 1}`,
      serial: `1ab000${low}`,
      mac: `${vendor}:b0:00:${low}`,
      address: `${wire}.${FIRST_ADDRESS + i}`,
    };
  });
}
