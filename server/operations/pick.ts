import { BakeryError } from '../../core/errors.ts';
import type { PiId } from '../../core/ids.ts';
import type { Pi } from '../../core/pi.ts';
import { isMeant } from '../../core/pi-filter.ts';
import { formatSize } from '../../core/size.ts';

/** What is wished of the Pi that a bake takes. What is absent does not matter. */
export interface PiChoice {
  readonly piId?: PiId | undefined;
  readonly model?: string | undefined;
  /** It has every one of them. */
  readonly tags?: readonly string[] | undefined;
  /** At least so many bytes. */
  readonly memory?: number | undefined;
}

/** What is known of a Pi when one is picked. */
export interface PiFacts {
  /** Its power works: it can be switched without a person. */
  controls(pi: PiId): boolean;
  /** An operation has it. */
  isClaimed(pi: PiId): boolean;
}

/** Why a bake cannot have that Pi; undefined when it can. */
function hindrance(pi: Pi, facts: PiFacts): string | undefined {
  if (pi.state !== 'fridge') return `it is ${pi.state}`;
  if (facts.isClaimed(pi.id)) return 'an operation has it';
  if (pi.quarantine) return 'it is in quarantine';
  if (pi.maintenance) return 'it is in maintenance';
  if (pi.awaitOff) return 'nobody knows that it is off';
  // To switch it would switch whatever hangs there now.
  if (pi.movedTo) return 'it is bound to a port that it is not on';
  return pi.fault === undefined ? undefined : `it has a fault: ${pi.fault}`;
}

/** Each wish in words, with what asks for it. */
function wishes({ model, tags = [], memory }: PiChoice): { words: string; isMet(pi: Pi): boolean }[] {
  return [
    ...(model === undefined ? [] : [{ words: `the model ${model}`, isMet: (pi: Pi) => isMeant(pi, { model }) }]),
    ...tags.map((tag) => ({ words: `the tag ${tag}`, isMet: (pi: Pi) => isMeant(pi, { tags: [tag] }) })),
    ...(memory === undefined
      ? []
      : [
          {
            words: `at least ${formatSize(memory)} of memory`,
            isMet: (pi: Pi) => isMeant(pi, { minMemoryMiB: memory / 1024 ** 2 }),
          },
        ]),
  ];
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/**
 * Picks the Pi that a bake takes: free, without a flag or fault, as it is wished; first one whose power works, then by id.
 * @throws BakeryError `no-free-pi`, `pi-unknown` (not-found), `pi-not-free`, `pi-unsuitable` (conflict).
 */
export function pickPi(pis: readonly Pi[], choice: PiChoice, facts: PiFacts): Pi {
  const wished = wishes(choice);
  if (choice.piId !== undefined) {
    const pi = pis.find(({ id }) => id === choice.piId);
    if (!pi) throw new BakeryError('not-found', 'pi-unknown', `there is no Pi ${choice.piId}`);
    const why = hindrance(pi, facts);
    if (why) throw new BakeryError('conflict', 'pi-not-free', `Pi ${pi.id} is not free: ${why}`);
    const unmet = wished.filter(({ isMet }) => !isMet(pi)).map(({ words }) => words);
    if (unmet.length === 0) return pi;
    throw new BakeryError(
      'conflict',
      'pi-unsuitable',
      `Pi ${pi.id} has not, or is not known to have, ${listed(unmet)}`,
    );
  }
  const free = pis.filter((pi) => hindrance(pi, facts) === undefined);
  const fit = free.filter((pi) => wished.every(({ isMet }) => isMet(pi)));
  const picked = fit.toSorted((a, b) => Number(facts.controls(b.id)) - Number(facts.controls(a.id)))[0];
  if (picked) return picked;
  if (free.length === 0 || wished.length === 0) {
    throw new BakeryError('not-found', 'no-free-pi', 'no available Pi found');
  }
  const unmet = wished.filter(({ isMet }) => !free.some(isMet)).map(({ words }) => words);
  const what =
    unmet.length > 0
      ? `no available Pi has ${unmet.join(', or ')}`
      : `no available Pi has ${listed(wished.map(({ words }) => words))} at once`;
  throw new BakeryError('not-found', 'no-free-pi', what);
}
