import { BakeryError, describeError } from '../core/errors.ts';
import { systemClock } from '../core/host/clock.ts';
import { exec } from '../core/host/exec.ts';
import type { OpenFiles } from '../core/host/open-files.ts';
import { createPathMtu } from '../core/host/path-mtu.ts';
import type { Ipv4 } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { type DhcpOptions, type DhcpServer, startDhcpServer } from '../netboot/dhcp/server.ts';
import { startTftpServer } from '../netboot/tftp/server.ts';
import { type LocalAddress, oneOnEachWire } from './address.ts';
import type { BootDesk } from './boot/desk.ts';
import type { Config } from './config.ts';
import type { buildApp } from './http/app.ts';
import type { HttpSettings } from './http/settings.ts';
import type { Observers } from './metrics/observe.ts';
import { keepsVolumes } from './root.ts';
import type { Tls } from './tls.ts';

/** Where Pis are served. */
export interface Wires {
  /** Where they are told to reach us. */
  readonly address: Ipv4;
  /** All that we have on the interfaces that they are served on. */
  readonly local: readonly LocalAddress[];
}

/** Serves boot files at every address of this machine, or of the interfaces in the settings. */
export async function startTftp(
  config: Config,
  desk: BootDesk,
  wires: Wires,
  ports: { log: Log; observed: Observers['tftp']; openFiles: OpenFiles },
) {
  const { log, observed, openFiles } = ports;
  return startTftpServer({
    openFiles,
    addresses: [...new Set([wires.address, ...wires.local.map((local) => local.address)])],
    port: config.BAKERY_TFTP_PORT,
    log,
    pathMtu: createPathMtu(exec, systemClock),
    resolve: ({ client, filename }) =>
      desk.answer({ client, filename, relay: config.BAKERY_TRUSTED_RELAYS.includes(client) }),
    onTransfer(transfer) {
      log.debug({ transfer }, 'tftp');
      observed.transfer(transfer);
    },
    onLoad: observed.load,
    onRestart: observed.restart,
  });
}

/** How Bakery takes part in DHCP. `taken`: it would read, but another program has the port for itself. */
export interface DhcpPart {
  readonly mode: Config['BAKERY_DHCP'] | 'taken';
  readonly server: DhcpServer | undefined;
}

/**
 * Reads what Pis ask for by DHCP, and answers them in the mode `proxy`. To read is not worth a start that fails: without the port
 * the server does without.
 * @throws BakeryError of `startDhcpServer`, but for `dhcp-port-in-use` in the mode `listen`.
 */
export async function startDhcp(
  config: Config,
  wires: Wires,
  ports: Pick<DhcpOptions, 'knows' | 'onSeen' | 'clock' | 'log'> & { readonly observed: Observers['dhcp'] },
): Promise<DhcpPart> {
  const mode = config.BAKERY_DHCP;
  const { observed, log, ...rest } = ports;
  if (mode === 'off') {
    log.info({}, 'BAKERY_DHCP=off: which Pi is at which address is told by the neighbour table alone');
    return { mode, server: undefined };
  }
  try {
    const server = await startDhcpServer({
      ...rest,
      log,
      port: config.BAKERY_DHCP_PORT,
      addresses: mode === 'proxy' ? oneOnEachWire(wires.local, wires.address) : [],
      onPacket: observed.packet,
      onOffer: observed.offer,
    });
    return { mode, server };
  } catch (error) {
    if (mode !== 'listen' || !(error instanceof BakeryError) || error.code !== 'dhcp-port-in-use') throw error;
    log.warn({ error: describeError(error) }, 'DHCP is not read; BAKERY_DHCP=off says that this is meant to be so');
    return { mode: 'taken', server: undefined };
  }
}

/** The line of DHCP among those that tell what is ready. */
export function dhcpLine({ mode, server }: DhcpPart): string {
  if (mode === 'taken') return 'dhcp   not read: another program has the port for itself';
  return server ? `dhcp   ${mode} (port ${server.port})` : 'dhcp   off';
}

/** What the settings say about HTTP. */
export function httpSettingsOf(config: Config, tls: Tls | undefined): HttpSettings {
  return {
    tls: tls?.pair,
    corsOrigins: config.BAKERY_CORS_ORIGINS,
    hosts: config.BAKERY_HOSTS,
    label: config.BAKERY_LABEL,
    keepsVolumes: keepsVolumes(config),
    limits: {
      wholeMs: config.BAKERY_BODY_SECONDS * 1_000,
      stallMs: config.BAKERY_STALL_SECONDS * 1_000,
      uploadBytes: config.BAKERY_MAX_UPLOAD,
      headerMs: config.BAKERY_HEADER_SECONDS * 1_000,
      connections: config.BAKERY_MAX_CONNECTIONS,
    },
  };
}

/** Opens the API. @returns its port. @throws BakeryError `http-not-listening` (unavailable). */
export async function listen(app: Awaited<ReturnType<typeof buildApp>>, config: Config): Promise<number> {
  try {
    await app.listen({ host: config.BAKERY_HTTP_ADDRESS, port: config.HTTP_PORT });
  } catch (cause) {
    const where = `${config.BAKERY_HTTP_ADDRESS}:${config.HTTP_PORT}`;
    throw new BakeryError('unavailable', 'http-not-listening', `the API cannot listen on ${where}`, {
      cause,
      detail: describeError(cause),
    });
  }
  const bound = app.server.address();
  return bound !== null && typeof bound === 'object' ? bound.port : config.HTTP_PORT;
}
