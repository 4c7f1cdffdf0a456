import { mkdirSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { makeLabNetwork } from '../network.ts';
import { labBoards } from './boards.ts';
import { createEnding } from './ending.ts';
import { openLab } from './lab.ts';
import { onBridge } from './place.ts';
import { relay } from './relay.ts';

/**
 * The lab in namespaces of its own, where it may do as it likes (outside.ts makes them). The first process of its pid namespace:
 * whatever it leaves running ends with it, and what is mounted goes with the last of them. The socket of the API comes by IPC from
 * outside, where it listens; when whoever holds that channel is gone, this ends.
 */
const { pis, root, base, token, image } = JSON.parse(process.argv[2] ?? '') as {
  readonly pis: number;
  readonly root: string;
  /** Where people reach the API. */
  readonly base: string;
  readonly token: string;
  /** Of the emulated Pi, if one is wished. */
  readonly image?: string;
};
const HTTP_PORT = 8080;
/** Below the empty /run that it has been given. */
const FOLDER = '/run/lab';

const ending = createEnding();
// Who comes before the server listens is turned away.
process.once('message', (_message, handle) => relay(handle as Server, HTTP_PORT));
process.on('disconnect', () => ending.now(0));
process.on('SIGTERM', () => ending.now(0));
process.on('SIGINT', () => ending.now(0));

async function run(): Promise<void> {
  mkdirSync(join(FOLDER, 'tmp'), { recursive: true });
  process.env.TMPDIR = join(FOLDER, 'tmp');
  const boards = labBoards(pis, '10.99.0');
  const network = await makeLabNetwork(boards);
  ending.add(() => network.close());
  const consoles = join(FOLDER, 'consoles');
  mkdirSync(consoles);
  const settings = {
    BAKERY_ROOT: root,
    BAKERY_ADDRESS: network.server,
    BAKERY_DHCP: 'proxy',
    // A pool that shares blocks takes 4 GiB of the machine at once; what is baked here is small.
    BAKERY_POOL: 'plain',
    BAKERY_ROOT_SIZE: '64MiB',
    HTTP_PORT: String(HTTP_PORT),
    ...(image === undefined ? {} : { BAKERY_CONSOLES: consoles }),
  };
  await openLab(
    {
      boards,
      settings,
      isWhole: true,
      base,
      token,
      place: onBridge,
      ...(image === undefined ? {} : { emulated: { image, consoles } }),
    },
    ending,
  );
}

run().catch((error: unknown) => {
  if (!ending.isOn()) console.error('bakery lab:', error instanceof Error ? error.message : error);
  return ending.now(1);
});
