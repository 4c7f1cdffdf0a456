import { parentPort, workerData } from 'node:worker_threads';
import { fetchFile } from './client.ts';

/**
 * A client in a thread of its own. It holds its first ACK until the server's main thread has stopped for good (`flags[0]`), and says
 * when it has the whole file (`flags[1]`).
 */
const { port, name, shared } = workerData as { port: number; name: string; shared: SharedArrayBuffer };
const flags = new Int32Array(shared);
const file = await fetchFile(port, name, {
  options: { blksize: '1468', tsize: '0' },
  onBlock(blocks) {
    if (blocks !== 1) return;
    parentPort?.postMessage('begun');
    Atomics.wait(flags, 0, 0);
  },
});
Atomics.store(flags, 1, file.data.length);
Atomics.notify(flags, 1);
