import { type Agent, request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { sh } from './sh.ts';

/** Files of a certificate for 127.0.0.1 that vouches for itself, and of its key. */
export function makeCertificate(folder: string, name: string): { cert: string; key: string } {
  const [cert, key] = [`${folder}/${name}.crt`, `${folder}/${name}.key`];
  sh(
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '30',
    '-subj',
    `/CN=${name}`,
    '-addext',
    'subjectAltName=IP:127.0.0.1,DNS:localhost',
    '-keyout',
    key,
    '-out',
    cert,
  );
  return { cert, key };
}

/** An answer, as it came. */
export interface TlsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The parsed body, of one in JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** What is asked beside method and path. */
export interface Ask {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** The address it comes from, in 127.0.0.0/8. */
  readonly from?: string;
  /** Keeps connections; without one each call has its own. */
  readonly agent?: Agent;
}

/** A client of one server that speaks TLS, trusting only these certificates. */
export interface TlsClient {
  ask(method: string, path: string, options?: Ask): Promise<TlsAnswer>;
  /** Opens a connection, says what it is given, and collects what comes until the server closes it, in 30 s at most. */
  dial(options?: { from?: string; say?: string }): Promise<{ socket: TLSSocket; closed: Promise<string> }>;
}

/** Makes one. `ca` is asked at each call. */
export function tlsClient(port: number, ca: () => readonly string[]): TlsClient {
  const target = { host: '127.0.0.1', port };
  return {
    ask(method, path, { token, headers, body, from, agent } = {}) {
      return new Promise((resolve, reject) => {
        const asked = request({
          ...target,
          method,
          path,
          ca: [...ca()],
          agent: agent ?? false,
          ...(from === undefined ? {} : { localAddress: from }),
          headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
        });
        asked.once('error', reject);
        asked.once('response', (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.once('error', reject);
          response.once('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const isJson = String(response.headers['content-type']).includes('json');
            const { statusCode: status = 0, headers: answered } = response;
            resolve({ status, headers: answered, text, json: isJson && text !== '' ? JSON.parse(text) : {} });
          });
        });
        asked.end(body);
      });
    },
    dial({ from, say } = {}) {
      return new Promise((resolve, reject) => {
        const local = from === undefined ? {} : { localAddress: from };
        const socket = connect({ ...target, ca: [...ca()], ...local });
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk;
        });
        const closed = new Promise<string>((end) => {
          socket.once('close', () => end(text));
          setTimeout(() => end(`still open, after ${text}`), 30_000).unref();
        });
        socket.once('error', reject);
        socket.once('secureConnect', () => {
          socket.on('error', () => undefined);
          if (say !== undefined) socket.write(say);
          resolve({ socket, closed });
        });
      });
    },
  };
}
