import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';
import { BakeryError, describeError, isErrno } from '../../core/errors.ts';
import type { Ipv4 } from '../../core/ids.ts';
import type { FromWorker, TftpAnswer, TftpRequest, TftpTransfer, ToWorker, WorkerSettings } from './messages.ts';
import { decodePacket, encodeError, TFTP_ERROR } from './packet.ts';
import { type Session, startSession } from './session.ts';
import { openSource, type Source } from './source.ts';

/** The thread that owns the sockets: an API that is busy delays no acknowledgement. */

const MAX_SESSIONS = 512;
const MAX_SESSIONS_PER_CLIENT = 64;

/** A request from its arrival until its transfer's end. */
interface Entry {
  readonly request: TftpRequest;
  readonly options: ReadonlyMap<string, string>;
  readonly socket: Socket;
  readonly askedAt: number;
  /** Undefined until the main thread has answered. */
  session: Session | undefined;
}

function run(
  settings: WorkerSettings,
  tell: (message: FromWorker) => void,
  port: NonNullable<typeof parentPort>,
): void {
  const sockets: Socket[] = [];
  /** By client address and port: a repeated request starts no second transfer. */
  const taken = new Map<string, Entry>();
  const waiting = new Map<number, Entry>();
  let nextId = 1;
  let closed = false;

  function refuse(socket: Socket, peer: { address: string; port: number }, code: number, message: string): void {
    socket.send(encodeError(code, message), peer.port, peer.address);
  }

  function onDatagram(socket: Socket, localAddress: Ipv4, datagram: Buffer, peer: RemoteInfo): void {
    // Port 0 means "no answer wanted" (RFC 768), and Node throws where one is sent.
    if (peer.port === 0) return;
    const packet = decodePacket(datagram);
    if (packet?.kind === 'wrq') refuse(socket, peer, TFTP_ERROR.access, 'this server only gives files');
    if (packet?.kind !== 'rrq') return;
    if (packet.mode !== 'octet') {
      refuse(socket, peer, TFTP_ERROR.illegal, 'only the mode octet is served');
      return;
    }
    const key = `${peer.address}:${peer.port}`;
    const old = taken.get(key);
    if (old) {
      if (old.request.filename === packet.filename && !old.session?.isAbandoned()) return;
      taken.delete(key);
      old.session?.stop();
    }
    const ofClient = [...taken.keys()].filter((other) => other.startsWith(`${peer.address}:`)).length;
    if (taken.size >= MAX_SESSIONS || ofClient >= MAX_SESSIONS_PER_CLIENT) {
      refuse(socket, peer, TFTP_ERROR.undefined, 'too many transfers at once');
      return;
    }
    const request = { client: peer.address as Ipv4, port: peer.port, filename: packet.filename, localAddress };
    const entry = { request, options: packet.options, socket, askedAt: Date.now(), session: undefined };
    const id = nextId++;
    taken.set(key, entry);
    waiting.set(id, entry);
    tell({ kind: 'request', id, request });
  }

  /** The source of an answer, or the ERROR to send in its place. */
  async function sourceOf(entry: Entry, answer: TftpAnswer): Promise<Source | Extract<TftpAnswer, { kind: 'error' }>> {
    if (answer.kind === 'error') return answer;
    try {
      return await openSource(answer);
    } catch (error) {
      // Missing and refused look the same from outside; firmware takes ERROR 1 for "go on without it".
      const refused = error instanceof BakeryError && error.code === 'path-refused';
      if (refused || isErrno(error, 'ENOENT') || isErrno(error, 'EACCES')) {
        return { kind: 'error', code: TFTP_ERROR.notFound, message: 'File not found' };
      }
      tell({ kind: 'fault', request: entry.request, error: describeError(error) });
      return { kind: 'error', code: TFTP_ERROR.undefined, message: 'internal error' };
    }
  }

  async function onAnswer(id: number, answer: TftpAnswer): Promise<void> {
    const entry = waiting.get(id);
    waiting.delete(id);
    if (!entry) return;
    const { request, socket } = entry;
    const key = `${request.client}:${request.port}`;
    // False when the server closes, or the client began anew from the same port.
    const isWanted = () => !closed && taken.get(key) === entry;
    if (!isWanted()) return;
    const source = await sourceOf(entry, answer);
    if (!isWanted()) return void ('read' in source && (await source.close()));
    let transfer: TftpTransfer;
    if ('read' in source) {
      entry.session = startSession(request, entry.options, source);
      transfer = await entry.session.done;
    } else {
      refuse(socket, { address: request.client, port: request.port }, source.code, source.message);
      const { client, filename } = request;
      transfer = { client, filename, outcome: 'refused', bytes: 0, milliseconds: Date.now() - entry.askedAt };
    }
    if (taken.get(key) === entry) taken.delete(key);
    tell({ kind: 'transfer', transfer });
  }

  async function listen(): Promise<void> {
    let chosen = settings.port;
    for (const address of settings.addresses) {
      const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
      sockets.push(socket);
      const failure = await new Promise<string | undefined>((resolve) => {
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'EIO'));
        socket.bind({ address, port: chosen, exclusive: true }, () => resolve(undefined));
      });
      if (failure) return tell({ kind: 'listen-failed', code: failure, address, port: chosen });
      chosen = socket.address().port;
      socket.removeAllListeners('error');
      // An ICMP error for an answer of ours; the transfer's own timer deals with it.
      socket.on('error', () => undefined);
      socket.on('message', (datagram, peer) => onDatagram(socket, address, datagram, peer));
    }
    tell({ kind: 'listening', port: chosen });
  }

  port.on('message', (message: ToWorker) => {
    if (message.kind === 'answer') return void onAnswer(message.id, message.answer);
    closed = true;
    for (const entry of taken.values()) entry.session?.stop();
    for (const socket of sockets) {
      try {
        socket.close();
      } catch {
        // It never came to listen.
      }
    }
    port.close();
  });
  void listen();
}

if (parentPort) {
  const port = parentPort;
  run(workerData as WorkerSettings, (message) => port.postMessage(message), port);
}
