import { Agent, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';

/** A device that shakes no hands for this long gets its socket closed; whoever asked was told by its own limit before. */
const HANDSHAKE_MS = 30_000;

/** What a request carries to the agent: the handshake of a request that was aborted ends too. */
export interface PinnedOptions extends RequestOptions {
  readonly handshake?: AbortSignal;
}

/** The device showed a certificate, and not the pinned one. */
export class OtherCertificate extends Error {
  constructor(seen: string) {
    super(`its certificate has the SHA-256 fingerprint ${seen}, which is not the one in the settings`);
    this.name = 'OtherCertificate';
  }
}

/** A SHA-256 fingerprint as it is compared: 64 hex digits in lower case. */
const bare = (fingerprint: string) => fingerprint.replaceAll(':', '').toLowerCase();

/**
 * Keeps connections to a device whose certificate is known by its fingerprint and by nothing else: no name, no issuer and no date of it counts. A
 * socket is handed out only after it was compared, so no request, and with it no password, is ever written to somebody else.
 */
export class PinnedAgent extends Agent {
  readonly #pin: string;
  readonly #shaking = new Set<TLSSocket>();

  constructor(pin: string, options: ConstructorParameters<typeof Agent>[0]) {
    super(options);
    this.#pin = bare(pin);
  }

  override createConnection(options: PinnedOptions, done?: (error: Error | null, stream: Duplex) => void): undefined {
    const { host, port, servername, handshake } = options;
    const socket = connect({
      host: host ?? '',
      port: Number(port),
      servername: servername ?? '',
      rejectUnauthorized: false,
    });
    this.#shaking.add(socket);
    const giveUp = () => end(new Error('aborted'));
    const end = (error: Error | null) => {
      if (!this.#shaking.delete(socket)) return;
      handshake?.removeEventListener('abort', giveUp);
      socket.setTimeout(0);
      if (error) socket.destroy();
      done?.(error, socket);
    };
    handshake?.addEventListener('abort', giveUp);
    socket.setTimeout(HANDSHAKE_MS, () => end(new Error('no TLS handshake')));
    socket.on('error', end);
    socket.once('close', () => end(new Error('closed during the TLS handshake')));
    socket.once('secureConnect', () => {
      const seen = bare(socket.getPeerCertificate().fingerprint256 ?? '');
      end(seen === this.#pin ? null : new OtherCertificate(seen));
    });
    return undefined;
  }

  override destroy(): void {
    for (const socket of this.#shaking) socket.destroy();
    super.destroy();
  }
}
