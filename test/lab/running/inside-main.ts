import { mkdirSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { makeLabNetwork } from '../network.ts';
import { labBoards } from './boards.ts';
import { introduce } from './introduce.ts';
import { plugInPi } from './pi.ts';
import { relay } from './relay.ts';
import { makeSampleImage } from './sample.ts';
import { startLabServer } from './server.ts';
import { startWebSwitch } from './switch.ts';
import { LAB_LABEL, labIsUp, piLine, SAMPLE } from './words.ts';

/**
 * The lab, in namespaces of its own, where it may do as it likes (outside.ts makes them). The first process of its pid namespace:
 * whatever it leaves running ends with it, and what is mounted goes with the last of them. The socket of the API comes by IPC from
 * outside, where it listens; when whoever holds that channel is gone, this ends.
 */
const {
  pis: count,
  root,
  base,
  token,
} = JSON.parse(process.argv[2] ?? '') as {
  readonly pis: number;
  readonly root: string;
  /** Where people reach the API. */
  readonly base: string;
  readonly token: string;
};
const HTTP_PORT = 8080;

const ends: (() => Promise<unknown>)[] = [];
let ending: Promise<never> | undefined;

/** Ends all of it, the last first, and then this process. */
function end(code: number): Promise<never> {
  ending ??= (async () => {
    for (const one of ends.toReversed()) await one().catch((error) => console.error('[lab]', error));
    process.exit(code);
  })();
  return ending;
}

// Who comes before the server listens is turned away.
process.once('message', (_message, handle) => relay(handle as Server, HTTP_PORT));
process.on('disconnect', () => end(0));
process.on('SIGTERM', () => end(0));
process.on('SIGINT', () => end(0));

async function run(): Promise<void> {
  const work = '/run/lab';
  mkdirSync(join(work, 'tmp'), { recursive: true });
  process.env.TMPDIR = join(work, 'tmp');
  const boards = labBoards(count);
  const network = await makeLabNetwork(boards);
  ends.push(() => network.close());
  const pis = boards.map((board) => plugInPi(board, (words) => console.log(piLine(board, words))));
  const power = await startWebSwitch(pis, work);
  ends.push(() => power.close());
  ends.push(() => Promise.all(pis.map((pi) => pi.off())));
  const image = makeSampleImage();
  const server = await startLabServer(
    {
      BAKERY_ROOT: root,
      BAKERY_LABEL: LAB_LABEL,
      BAKERY_ADDRESS: network.server,
      BAKERY_DHCP: 'proxy',
      // A pool that shares blocks takes 4 GiB of the machine at once; what is baked here is small.
      BAKERY_POOL: 'plain',
      BAKERY_ROOT_SIZE: '64MiB',
      HTTP_PORT: String(HTTP_PORT),
      ...power.settings,
    },
    token,
  );
  ends.push(() => server.stop());
  server.ended.then((code) => {
    if (ending) return;
    console.error(`[lab] the server has ended (${code})`);
    return end(1);
  });
  const { status } = await server.call('GET', `/bakeforms/${SAMPLE}`);
  if (status === 404) {
    const made = await server.call('POST', `/bakeforms/${SAMPLE}`, image);
    if (made.status !== 201) throw new Error(`the sample is no bakeform: ${JSON.stringify(made.body)}`);
  }
  for (const line of labIsUp({ base, token, boards, power: power.title })) console.log(line);
  await introduce(pis, server, ({ board }, words) => console.log(piLine(board, words)));
}

run().catch((error: unknown) => {
  if (!ending) console.error('bakery lab:', error instanceof Error ? error.message : error);
  return end(1);
});
