import type { LabPi } from './pi.ts';
import type { LabServer } from './server.ts';
import type { LabSwitch } from './switch.ts';

/** Boot ROMs at work at once when the lab is plugged in. */
const AT_ONCE = 4;

/** What a lab is made of. */
interface Parts {
  readonly pis: readonly LabPi[];
  readonly server: LabServer;
  readonly power: LabSwitch;
}

/**
 * Names a Pi that has asked for its files, by which it is in the fridge, and binds it to its port. What its revision code is boards up to
 * the 3 do not tell.
 */
async function nameIt({ board }: LabPi, { server, power }: Parts, tell: (words: string) => void): Promise<void> {
  const { name, revision, serial } = board;
  const patch = { name, revision, port: power.portOf(board) };
  const { status, body } = await server.call('PATCH', `/pis/${serial}`, patch);
  const { state } = body as { readonly state?: string };
  // Until now nobody could: one in the fridge has no business being on, and one that is baked boots.
  if (status === 200 && state === 'fridge') await server.call('POST', `/pis/${serial}/power`, { action: 'off' });
  tell(status === 200 ? `known as ${name}, ${serial}` : `the server does not know it (${status})`);
}

/** Switches every Pi on, a few at a time, as a rack is switched on; each is named once it has asked for its files. */
export async function introduce(parts: Parts, tell: (pi: LabPi, words: string) => void): Promise<void> {
  const { pis, power } = parts;
  const waiting = [...pis];
  async function next(): Promise<void> {
    for (let pi = waiting.shift(); pi; pi = waiting.shift()) {
      const one = pi;
      power.feed(one.board);
      await one.rom();
      await nameIt(one, parts, (words) => tell(one, words));
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}
