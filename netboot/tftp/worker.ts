import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';
import type { Ipv4 } from '../../core/ids.ts';
import type { FromWorker, TftpAnswer, TftpRequest, ToWorker, WorkerSettings } from './messages.ts';
import { decodePacket, encodeError, TFTP_ERROR } from './packet.ts';
import { type Session, startSession } from './session.ts';
import { openSource } from './source.ts';

/** The thread that owns the sockets: an API that is busy delays no acknowledgement. */

const MAX_SESSIONS = 512;
const MAX_SESSIONS_PER_CLIENT = 64;

interface Waiting {
  readonly request: TftpRequest;
  readonly options: ReadonlyMap<string, string>;
  readonly socket: Socket;
}

function run(
  settings: WorkerSettings,
  tell: (message: FromWorker) => void,
  port: NonNullable<typeof parentPort>,
): void {
  const sockets: Socket[] = [];
  /** By client address and port, from the request until the transfer's end: a repeated request starts no second one. */
  const taken = new Map<string, Session | undefined>();
  const waiting = new Map<number, Waiting>();
  let nextId = 1;

  function refuse(socket: Socket, peer: { address: string; port: number }, code: number, message: string): void {
    socket.send(encodeError(code, message), peer.port, peer.address);
  }

  function onDatagram(socket: Socket, localAddress: Ipv4, datagram: Buffer, peer: RemoteInfo): void {
    const packet = decodePacket(datagram);
    if (packet?.kind === 'wrq') refuse(socket, peer, TFTP_ERROR.access, 'this server only gives files');
    if (packet?.kind !== 'rrq') return;
    if (packet.mode !== 'octet') {
      refuse(socket, peer, TFTP_ERROR.illegal, 'only the mode octet is served');
      return;
    }
    const key = `${peer.address}:${peer.port}`;
    if (taken.has(key)) return;
    const ofClient = [...taken.keys()].filter((other) => other.startsWith(`${peer.address}:`)).length;
    if (taken.size >= MAX_SESSIONS || ofClient >= MAX_SESSIONS_PER_CLIENT) {
      refuse(socket, peer, TFTP_ERROR.undefined, 'too many transfers at once');
      return;
    }
    const request = { client: peer.address as Ipv4, port: peer.port, filename: packet.filename, localAddress };
    const id = nextId++;
    taken.set(key, undefined);
    waiting.set(id, { request, options: packet.options, socket });
    tell({ kind: 'request', id, request });
  }

  async function onAnswer(id: number, answer: TftpAnswer): Promise<void> {
    const asked = waiting.get(id);
    if (!asked) return;
    waiting.delete(id);
    const { request, options, socket } = asked;
    const key = `${request.client}:${request.port}`;
    const refused = (code: number, message: string) => {
      taken.delete(key);
      refuse(socket, { address: request.client, port: request.port }, code, message);
      const { client, filename } = request;
      tell({ kind: 'transfer', transfer: { client, filename, outcome: 'refused', bytes: 0, milliseconds: 0 } });
    };
    if (answer.kind === 'error') return refused(answer.code, answer.message);
    // Missing and refused look the same from outside; firmware takes ERROR 1 for "go on without it".
    const source = await openSource(answer).catch(() => undefined);
    if (!source) return refused(TFTP_ERROR.notFound, 'File not found');
    const session = startSession(request, options, source);
    taken.set(key, session);
    const transfer = await session.done;
    taken.delete(key);
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
    for (const session of taken.values()) session?.stop();
    for (const socket of sockets) {
      try {
        socket.close();
      } catch {
        // It never came to listen.
      }
    }
    tell({ kind: 'closed' });
    port.close();
  });
  void listen();
}

if (parentPort) {
  const port = parentPort;
  run(workerData as WorkerSettings, (message) => port.postMessage(message), port);
}
