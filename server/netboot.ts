import { join } from 'node:path';
import type { Clock } from '../core/host/clock.ts';
import { neighbourOf } from '../core/host/network.ts';
import type { OpenFiles } from '../core/host/open-files.ts';
import type { Log } from '../core/log.ts';
import type { Db } from '../db/open.ts';
import { findPiBy } from '../db/pis.ts';
import { FIRST_STAGE } from '../exports/images/firmware.ts';
import { findBootFolder } from '../exports/images/prepare.ts';
import type { NfsBackend } from '../exports/nfs/backend.ts';
import { bootFile } from '../netboot/files/routes.ts';
import type { TftpTransfer } from '../netboot/tftp/server.ts';
import { type BootDesk, createBootDesk } from './boot/desk.ts';
import type { Follower } from './boot/follow.ts';
import type { BootRecorder } from './boot/recorder.ts';
import { createSightings } from './boot/sightings.ts';
import { watchedDesk } from './boot/watched-desk.ts';
import type { Config } from './config.ts';
import { type DhcpPart, startDhcp, startTftp, type Wires } from './listen.ts';
import type { Observers } from './metrics/observe.ts';
import type { ExportKeeper, PiPower, Places } from './operations/ports.ts';
import type { Teardown } from './teardown.ts';

/** What Pis are booted with. */
export interface NetbootPorts {
  readonly db: Db;
  readonly power: PiPower;
  readonly exports: ExportKeeper;
  readonly places: Places;
  readonly backend: Pick<NfsBackend, 'ports'>;
  /** Told of all that comes over the wire. */
  readonly boots: BootRecorder;
  readonly follower: Follower;
  readonly observers: Observers;
  readonly wires: Wires;
  readonly openFiles: OpenFiles;
  readonly clock: Clock;
  readonly log: Log;
}

/** What serves them. */
export interface Netboot {
  /** Who may have which boot file; not yet watched. */
  readonly desk: BootDesk;
  readonly tftp: Awaited<ReturnType<typeof startTftp>>;
  readonly dhcp: DhcpPart;
}

/** The port that clients take NFS to be at when nobody names one. */
const NFS_PORT = 2049;

/** Serves boot files, and takes part in DHCP as the settings say. @throws what `startTftp` and `startDhcp` throw. */
export async function startNetboot(config: Config, ports: NetbootPorts, teardown: Teardown): Promise<Netboot> {
  const { db, power, exports, places, boots, follower, observers, wires, openFiles, clock, log } = ports;
  const nfsPorts = ports.backend.ports();
  const named = nfsPorts.nfs === NFS_PORT ? {} : { ports: nfsPorts };
  const firmwareFolder = firmwareFolderOf(config);
  const sightings = createSightings({ db, clock, log, follow: follower.follow });
  const desk = createBootDesk({
    db,
    power,
    exports,
    clock,
    log,
    policy: config.BAKERY_DISCOVERY,
    neighbour: neighbourOf,
    toldBy: sightings.toldBy,
    async bootFile(pi, rest) {
      const mountPoint = places.root(pi.id);
      const target = { nfsServer: wires.address, nfsRoot: mountPoint, piId: pi.id, ...named };
      return bootFile({ rest, mountPoint, bootFolder: await findBootFolder(mountPoint), target });
    },
    async firmware(path) {
      return FIRST_STAGE.some((name) => name === path) ? { kind: 'file', root: firmwareFolder, path } : undefined;
    },
  });
  const observed = {
    ...observers.tftp,
    transfer(transfer: TftpTransfer) {
      observers.tftp.transfer(transfer);
      boots.transferred({ ...transfer, relay: config.BAKERY_TRUSTED_RELAYS.includes(transfer.client) }, transfer);
    },
  };
  const tftp = await startTftp(config, watchedDesk(desk, boots), wires, { log, observed, openFiles });
  teardown.add(() => tftp.close());
  const dhcp = await startDhcp(config, wires, {
    knows: async (mac) => (await findPiBy(db, 'mac', mac)) !== undefined,
    onSeen(sighting) {
      sightings.note(sighting);
      boots.sighted(sighting);
    },
    observed: observers.dhcp,
    clock,
    log,
  });
  teardown.add(() => dhcp.server?.close());
  return { desk, tftp, dhcp };
}

/** Where the first stage of the firmware is kept, which boards ask for before they say who they are. */
export function firmwareFolderOf(config: Pick<Config, 'BAKERY_ROOT'>): string {
  return join(config.BAKERY_ROOT, 'boot');
}
