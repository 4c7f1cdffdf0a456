import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTools } from '../sh.ts';
import { TINY } from '../tiny-image.ts';
import type { LabWish } from './arguments.ts';
import { labBoards } from './boards.ts';
import { createEnding } from './ending.ts';
import { openLabFolder } from './folder.ts';
import { keptFolder } from './keep.ts';
import { openLab } from './lab.ts';
import { onLoopback } from './place.ts';
import { claimWire, listenForPeople } from './port.ts';

/**
 * Runs what there can be of a lab without root: Pis that are addresses of the loopback, power, and boots as far as their first files.
 * No DHCP, no NFS; nothing can be baked. It is ended by SIGINT, SIGTERM and SIGHUP. @throws LabRefusal
 */
export async function runRootless(wish: LabWish, token: string): Promise<never> {
  requireTools('setpriv');
  // Its server is the one that listens: here it is only asked whether it can.
  (await listenForPeople(wish.httpPort)).server.close();
  const kept = wish.keep === undefined ? undefined : keptFolder(wish.keep, { isWhole: false });
  const { wire } = await claimWire();
  const temporary = openLabFolder(tmpdir());
  const ending = createEnding();
  ending.add(async () => temporary.close());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.now(0));
  const boards = labBoards(wish.pis, wire);
  try {
    const root = kept ?? join(temporary.folder, 'root');
    // What a Pi up to the 3 asks for before it says who it is is taken out of images, and here there will be none.
    mkdirSync(join(root, 'boot'), { recursive: true, mode: 0o711 });
    writeFileSync(join(root, 'boot', 'bootcode.bin'), TINY.bootFiles['bootcode.bin'] ?? '');
    const settings = {
      BAKERY_ROOT: root,
      BAKERY_STORAGE: 'none',
      BAKERY_ADDRESS: '127.0.0.1',
      BAKERY_INTERFACES: 'lo',
      BAKERY_DHCP: 'off',
      BAKERY_TFTP_PORT: '0',
      BAKERY_HTTP_ADDRESS: '127.0.0.1',
      HTTP_PORT: String(wish.httpPort),
      // Nobody at such an address has a MAC: they are let in as who asks for others is, by serial alone.
      BAKERY_TRUSTED_RELAYS: ['127.0.0.1', ...boards.map(({ address }) => address)].join(','),
    };
    await openLab({ boards, settings, isWhole: false, token, place: onLoopback }, ending);
  } catch (error) {
    if (!ending.isOn()) console.error('bakery lab:', error instanceof Error ? error.message : error);
    return ending.now(1);
  }
  return new Promise(() => undefined);
}
