import type { Logger } from 'pino';
import { localSubnet } from '../core/host/network.ts';
import { serveApi } from './api.ts';
import { createBoards } from './boards.ts';
import { watchedRelayDesk } from './boot/watched-desk.ts';
import { bringUp } from './bring-up.ts';
import type { Config } from './config.ts';
import { openGround } from './ground.ts';
import { createKeepers } from './keepers.ts';
import type { DhcpPart } from './listen.ts';
import { startNetboot } from './netboot.ts';
import { createEngine } from './operations/engine.ts';
import type { OperationPorts } from './operations/ports.ts';
import { operationKinds } from './operations/registry.ts';
import { switchFigures } from './power/switches/figures.ts';
import { readyLines } from './ready.ts';
import { makeRoom } from './reconcile/trim.ts';
import { trashKeepMsOf, withRealRoot } from './root.ts';
import type { Seams } from './seams.ts';
import { openStorage } from './storage.ts';
import { Teardown } from './teardown.ts';
import { watchParts } from './watch.ts';

/** A server that is up. */
export interface RunningServer {
  /** What a person reads when it is ready, the last line for programs. */
  readonly readyLines: readonly string[];
  /** Takes a renewed certificate into use now; else it is seen some seconds later. */
  reload(): Promise<void>;
  /** No new operations; running ones get `drainMs`. Mounts and exports stay: Pis notice nothing. */
  close(drainMs: number): Promise<void>;
}

/** Builds everything and brings it up in the order of design §8. Nothing of it listens after a throw. */
export async function composeServer(
  given: Config,
  log: Logger,
  version: string,
  seams: Seams = {},
): Promise<RunningServer> {
  const teardown = new Teardown();
  try {
    const config = await withRealRoot(given);
    return await start(config, log, { version, seams }, teardown);
  } catch (error) {
    await teardown.run(log);
    throw error;
  }
}

async function start(
  config: Config,
  logger: Logger,
  { version, seams }: { version: string; seams: Seams },
  teardown: Teardown,
): Promise<RunningServer> {
  const ground = await openGround(config, { logger, version, seams }, teardown);
  const { db, guard, tls, wires, clock, log, scope, metrics, observers } = ground;
  const storage = await openStorage(config, ground, (level) =>
    makeRoom({ level, trimmer: keepers.trimmer, trash: keepers.trash }),
  );
  const { places, backend, pool, openFiles, volumes, images, uploads, takeover, space, exports } = storage;
  /** `taken` before it is known: what is not heard says nothing. */
  let dhcpMode: DhcpPart['mode'] = 'taken';
  const diagnosisFacts = () => ({ dhcp: dhcpMode === 'taken' ? ('off' as const) : dhcpMode });
  const boards = await createBoards(config, ground, { seams, facts: diagnosisFacts }, teardown);
  const { fallback, switchKinds, seal, switches, questions, turns, boots, power } = boards;
  const trashKeepMs = trashKeepMsOf(config);
  const ports: OperationPorts = {
    db,
    volumes,
    images,
    takeover,
    exports,
    power,
    places,
    keepsTrash: trashKeepMs > 0,
    nfsAddress: wires.address,
    clock,
    log,
  };
  const engine = createEngine({
    db,
    kinds: operationKinds(ports),
    clock,
    log,
    gate: seams.gate,
    scope,
    watch: observers.work,
  });
  const keepers = createKeepers(config, { ground, storage, boards, engine }, teardown);
  const { feed, webhooks, follower, backups, litter } = keepers;
  const { isRecovered } = await bringUp(config, { ground, storage, boards, keepers, engine }, seams, teardown);

  const netboot = { db, power, exports, places, backend, boots, follower, observers, wires, openFiles, clock, log };
  const { desk, tftp, dhcp } = await startNetboot(config, netboot, teardown);
  dhcpMode = dhcp.mode;
  let ready = false;
  const { readiness, page } = watchParts({
    db,
    guard,
    pool,
    space,
    backend,
    exports,
    tftp,
    dhcp,
    power: { driver: fallback.name, failures: observers.powerFailures },
    switches: { kinds: switchKinds.map(({ name }) => name), figures: () => switchFigures(switches, questions) },
    turns,
    backups,
    isRecovered,
    isOpen: () => ready,
    metrics,
    clock,
    log,
  });
  const api = await serveApi(
    config,
    {
      db,
      engine,
      feed,
      webhooks,
      power,
      switchKinds,
      switches,
      questions,
      seal,
      places,
      openFiles,
      consoles: config.BAKERY_CONSOLES,
      desk: watchedRelayDesk(desk, boots),
      boots,
      diagnosisFacts,
      clock,
      auth: config.BAKERY_AUTH === 'off' ? { kind: 'off' } : { kind: 'token', admin: ground.admin },
      nfsAddress: wires.address,
      subnet: () => localSubnet(wires.address),
      trashKeepMs,
      growsMounted: ground.growsMounted,
      litter: litter.list,
      goldenBytes: (id) => volumes.goldenBytes(id),
      uploads,
      mayWrite: () => space.access() === 'rw',
      readiness,
      metrics: { ...page, request: observers.http },
    },
    { logger, log, version, tls, clock },
    teardown,
  );
  ready = true;

  return {
    readyLines: readyLines(config, {
      isSecure: tls !== undefined,
      address: wires.address,
      httpPort: api.port,
      tftpPort: tftp.port,
      dhcp,
      backend,
      power: fallback.name,
    }),
    reload: api.renewTls,
    async close(drainMs) {
      ready = false;
      turns.stop();
      await engine.drain(drainMs, turns.isWaiting);
      await teardown.run(log);
    },
  };
}
