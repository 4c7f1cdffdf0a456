import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabBoard } from './boards.ts';
import { createEmulatedPi } from './emulated.ts';
import type { Ending } from './ending.ts';
import { introduce } from './introduce.ts';
import { createPi } from './pi.ts';
import type { PiPlace } from './place.ts';
import { makeSampleImage } from './sample.ts';
import { type LabServer, startLabServer } from './server.ts';
import { startPoeSwitch } from './switch.ts';
import { EMULATED, labelOf, labIsUp, piLine, SAMPLE } from './words.ts';

/** What a lab stands on. */
export interface LabGround {
  readonly boards: readonly LabBoard[];
  /** Settings of its server, beside those that every lab has. */
  readonly settings: Readonly<Record<string, string>>;
  /** False without root: nothing can be baked. */
  readonly isWhole: boolean;
  /** Where people reach the API; absent: where it listens. */
  readonly base?: string;
  readonly token: string;
  /** The first Pi is emulated: the image that it can be baked of, and where its console is written. */
  readonly emulated?: { readonly image: string; readonly consoles: string };
  /** Where a Pi is. `tftpPort` may be asked once the server runs. */
  place(board: LabBoard, tftpPort: () => number): PiPlace;
}

/**
 * Brings a lab up: its Pis without power on a switch, its server, the sample; then tells how to use it, and switches the Pis on, by
 * which they come into the fridge. All that it starts is added to `ending`, which is also what happens when the server ends by itself.
 */
export async function openLab(ground: LabGround, ending: Ending): Promise<void> {
  const { boards, token, isWhole, emulated } = ground;
  let tftpPort = 0;
  const pis = boards.map((board, i) => {
    const tell = (words: string) => console.log(piLine(board, words));
    if (emulated && i === 0) return createEmulatedPi(board, join(emulated.consoles, `${board.serial}.log`), tell);
    return createPi(
      board,
      ground.place(board, () => tftpPort),
      tell,
    );
  });
  const power = await startPoeSwitch(pis, (error) => console.error('[lab]', error));
  ending.add(() => power.close());
  ending.add(() => Promise.all(pis.map((pi) => pi.off())));
  const settings = { BAKERY_LABEL: labelOf({ isWhole }), ...ground.settings };
  const server = await startLabServer(settings, token);
  ending.add(() => server.stop());
  server.ended.then((code) => {
    if (ending.isOn()) return;
    console.error(`[lab] the server has ended (${code})`);
    return ending.now(1);
  });
  tftpPort = server.tftpPort;
  await power.enter(server);
  if (isWhole) await takeIn(server, SAMPLE, makeSampleImage);
  if (emulated) await takeIn(server, EMULATED, () => readFileSync(emulated.image));
  const base = ground.base ?? new URL(server.base).origin;
  for (const line of labIsUp({ base, token, boards, power: power.title, isWhole, isEmulated: emulated !== undefined }))
    console.log(line);
  await introduce({ pis, server, power }, ({ board }, words) => console.log(piLine(board, words)));
}

/** Makes an image a bakeform, unless there is one of that name. */
async function takeIn(server: LabServer, name: string, image: () => Buffer): Promise<void> {
  if ((await server.call('GET', `/bakeforms/${name}`)).status !== 404) return;
  const made = await server.call('POST', `/bakeforms/${name}`, image());
  if (made.status !== 201) throw new Error(`the image ${name} is no bakeform: ${JSON.stringify(made.body)}`);
}
