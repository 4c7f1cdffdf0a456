import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PowerPort, startPowerServer } from '../power-server.ts';
import type { LabBoard } from './boards.ts';

/** What the lab's Pis have their power from. */
export interface LabSwitch {
  /** What it is, for people. */
  readonly title: string;
  /** Settings of a server that is to switch it. */
  readonly settings: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** A port, and the board behind it. */
export interface LabPort extends PowerPort {
  readonly board: LabBoard;
}

/** A small web server with a port for each Pi (`simpleweb`). Its list of ports is a file in `folder`. */
export async function startWebSwitch(ports: readonly LabPort[], folder: string): Promise<LabSwitch> {
  const server = await startPowerServer(Object.fromEntries(ports.map((port, i) => [i + 1, port])));
  const list = ports.map(({ board: { serial } }, i) => [serial, { piId: serial, id: i + 1, url: server.url }]);
  const file = join(folder, 'ports.json');
  writeFileSync(file, JSON.stringify({ piList: Object.fromEntries(list) }));
  return {
    title: `a web server with ${ports.length} ports`,
    settings: { BAKERY_POWER: 'simpleweb', PPI_CONFIG_PATH: file },
    close: () => server.close(),
  };
}
