import { BakeryError, describeError } from '../core/errors.ts';
import { localAddresses } from '../core/host/network.ts';
import type { Ipv4 } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { startTftpServer } from '../netboot/tftp/server.ts';
import type { BootDesk } from './boot/desk.ts';
import type { Config } from './config.ts';
import type { buildApp } from './http/app.ts';

/** Serves boot files at every address of this machine. */
export async function startTftp(config: Config, desk: BootDesk, address: Ipv4, log: Log) {
  const addresses = [...new Set([address, ...localAddresses().map((local) => local.address)])];
  return startTftpServer({
    addresses,
    port: config.BAKERY_TFTP_PORT,
    log,
    resolve: ({ client, filename }) =>
      desk.answer({ client, filename, relay: config.BAKERY_TRUSTED_RELAYS.includes(client) }),
    onTransfer: (transfer) => log.debug({ transfer }, 'tftp'),
  });
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
