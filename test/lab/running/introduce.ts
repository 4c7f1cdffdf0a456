import type { LabPi } from './pi.ts';
import type { LabServer } from './server.ts';

/** Boot ROMs at work at once when the lab is plugged in. */
const AT_ONCE = 4;

/** Names a Pi that has asked for its files: by that it is in the fridge. What its revision code is boards up to the 3 do not tell. */
async function nameIt({ board }: LabPi, server: LabServer, tell: (words: string) => void): Promise<void> {
  const { name, revision, serial } = board;
  const { status } = await server.call('PATCH', `/pis/${serial}`, { name, revision });
  tell(status === 200 ? `known as ${name}, ${serial}` : `the server does not know it (${status})`);
}

/** Switches every Pi on, a few at a time, as a rack is switched on; each is named once it has asked for its files. */
export async function introduce(
  pis: readonly LabPi[],
  server: LabServer,
  tell: (pi: LabPi, words: string) => void,
): Promise<void> {
  const waiting = [...pis];
  async function next(): Promise<void> {
    for (let pi = waiting.shift(); pi; pi = waiting.shift()) {
      const one = pi;
      await one.on();
      await one.rom();
      await nameIt(one, server, (words) => tell(one, words));
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}
