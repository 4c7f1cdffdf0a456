import { join } from 'node:path';
import { systemClock } from '../../core/host/clock.ts';
import { neighbourOf } from '../../core/host/network.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, movePi, patchPi } from '../../db/pis.ts';
import { bootFile } from '../../netboot/files/routes.ts';
import { startTftpServer } from '../../netboot/tftp/server.ts';
import { createBootDesk } from '../../server/boot/desk.ts';
import { BENCH_PI, CLIENT, CLIENT_MAC } from './wire.ts';

/**
 * Bakery's TFTP server as it runs, with its boot desk over an inventory of 10,000 Pis, one of which is baked. Only its root is no
 * volume, but a folder: `<folder>/<serial>`. The Pi asks from its own address; who asks from another one is a relay.
 */
const [address = '', folder = ''] = process.argv.slice(2);
const log = { debug() {}, info() {}, warn: console.error, error: console.error };
const db = await openDatabase(join(folder, 'inventory.db'));
await db.transaction().execute(async (trx) => {
  const now = Date.now();
  for (let n = 0; n < 10_000; n++) {
    const id = (0x10000000 + n * 7_919).toString(16).padStart(8, '0') as PiId;
    await addPi(trx, { id, quarantine: false, confirmed: true, now });
  }
  await addPi(trx, { id: BENCH_PI as PiId, quarantine: false, confirmed: true, now });
  await movePi(trx, BENCH_PI as PiId, 'bake');
  await movePi(trx, BENCH_PI as PiId, 'baked');
  const here = { mac: CLIENT_MAC as Mac, address: CLIENT as Ipv4, addressSeenAt: now };
  await patchPi(trx, BENCH_PI as PiId, here);
});
const desk = createBootDesk({
  db,
  power: { controls: () => false, off: async () => 'off' },
  exports: { converge: async () => undefined },
  clock: systemClock,
  log,
  policy: 'accept',
  neighbour: neighbourOf,
  toldBy: () => undefined,
  bootFile(pi, rest) {
    const target = { nfsServer: address as Ipv4, nfsRoot: `/srv/nfs/${pi.id}`, piId: pi.id };
    return bootFile({ rest, mountPoint: folder, bootFolder: pi.id, target });
  },
  firmware: async () => undefined,
});
await startTftpServer({
  addresses: [address as Ipv4],
  port: 69,
  log,
  resolve: ({ client, filename }) => desk.answer({ client, filename, relay: client !== CLIENT }),
});
