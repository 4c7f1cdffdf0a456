import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { BakeryError, describeError, isErrno } from '../../core/errors.ts';
import type { Ipv4 } from '../../core/ids.ts';
import { CAPS, countSessions } from './caps.ts';
import type { FromWorker, TftpAnswer, TftpRequest, TftpTransfer, ToWorker, WorkerSettings } from './messages.ts';
import { decodePacket, encodeError, TFTP_ERROR } from './packet.ts';
import { createPoll } from './poll.ts';
import { type Session, startSession } from './session.ts';
import { openSource, type Source } from './source.ts';

/** A thread that owns sockets: an API that is busy delays no acknowledgement. */

/**
 * Firmware gives up after seconds, so what else the machine does, bakes and uploads included, comes after this. It is the nice value of
 * this thread alone (setpriority(2), "C library/kernel differences").
 */
const PRIORITY = -5;
/**
 * With more transfers than these a thread goes with the others. One that goes first is woken for each packet of each client; one that waits
 * its turn finds what has come from many meanwhile, and sends a sixth more on a machine whose processors are the limit (docs/performance.md).
 */
const CROWD = 32;
/** A flood of requests must not become a flood of messages: the load is told at most so often. */
const TELL_LOAD_MS = 200;
const TOO_MANY = 'too many transfers at once';

/** A request from its arrival until its transfer's end. */
interface Entry {
  readonly id: number;
  readonly request: TftpRequest;
  readonly options: ReadonlyMap<string, string>;
  readonly socket: Socket;
  readonly askedAt: number;
  /** Undefined until the main thread has answered. */
  session: Session | undefined;
}

type Peer = Pick<RemoteInfo, 'address' | 'port'>;
const keyOf = ({ client, port }: Pick<TftpRequest, 'client' | 'port'>) => `${client}:${port}`;

function run(
  settings: WorkerSettings,
  tell: (message: FromWorker) => void,
  port: NonNullable<typeof parentPort>,
): void {
  const sockets: Socket[] = [];
  /** By client address and port: a repeated request starts no second transfer. */
  const taken = new Map<string, Entry>();
  const waiting = new Map<number, Entry>();
  /** The caps hold for all threads together, which the main thread sees to. Here they keep a flood from it. */
  const underWay = countSessions(CAPS);
  const thread = { poll: createPoll(), transfers: () => underWay.total };
  let nextId = 1;
  let closed = false;

  let turnedAway = 0;
  let telling: NodeJS.Timeout | undefined;
  let goesFirst = true;

  /** Tells the load soon, if it is not about to. */
  function loadChanged(): void {
    if (closed) return;
    telling ??= setTimeout(() => {
      telling = undefined;
      tell({ kind: 'load', load: { sessions: underWay.total, turnedAway } });
      turnedAway = 0;
      if (goesFirst === underWay.total <= CROWD) return;
      goesFirst = !goesFirst;
      setNice(goesFirst ? PRIORITY : 0);
    }, TELL_LOAD_MS);
  }

  function refuse(socket: Socket, peer: Peer, code: number, message: string): void {
    socket.send(encodeError(code, message), peer.port, peer.address);
  }

  function turnAway(socket: Socket, peer: Peer, code: number, message: string): void {
    turnedAway++;
    loadChanged();
    refuse(socket, peer, code, message);
  }

  function onDatagram(socket: Socket, localAddress: Ipv4, datagram: Buffer, peer: RemoteInfo): void {
    // Port 0 means "no answer wanted" (RFC 768), and Node throws where one is sent.
    if (peer.port === 0) return;
    const packet = decodePacket(datagram);
    if (packet?.kind === 'wrq') turnAway(socket, peer, TFTP_ERROR.access, 'this server only gives files');
    if (packet?.kind !== 'rrq') return;
    if (packet.mode !== 'octet') {
      turnAway(socket, peer, TFTP_ERROR.illegal, 'only the mode octet is served');
      return;
    }
    const key = keyOf({ client: peer.address as Ipv4, port: peer.port });
    const old = taken.get(key);
    if (old) {
      if (old.request.filename === packet.filename && !old.session?.isAbandoned()) return;
      taken.delete(key);
      old.session?.stop();
    }
    const client = peer.address as Ipv4;
    if (!underWay.add(client)) {
      turnAway(socket, peer, TFTP_ERROR.undefined, TOO_MANY);
      return;
    }
    const request = { client, port: peer.port, filename: packet.filename, localAddress };
    const id = nextId++;
    const entry = { id, request, options: packet.options, socket, askedAt: performance.now(), session: undefined };
    taken.set(key, entry);
    waiting.set(id, entry);
    tell({ kind: 'request', id, request });
    loadChanged();
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

  /** Takes a request off the list of those that are waited for. */
  function take(id: number): Entry | undefined {
    const entry = waiting.get(id);
    waiting.delete(id);
    return entry;
  }

  function end({ id, request }: Entry, transfer?: TftpTransfer): void {
    const key = keyOf(request);
    if (taken.get(key)?.id === id) taken.delete(key);
    underWay.remove(request.client);
    loadChanged();
    tell(transfer ? { kind: 'transfer', id, transfer } : { kind: 'dropped', id });
  }

  async function onAnswer(entry: Entry, answer: TftpAnswer, mtu: number | undefined): Promise<void> {
    const { request, socket } = entry;
    // False when the server closes, or the client began anew from the same port.
    const isWanted = () => !closed && taken.get(keyOf(request)) === entry;
    if (!isWanted()) return end(entry);
    const source = await sourceOf(entry, answer);
    if (!isWanted()) {
      if ('load' in source) await source.close();
      return end(entry);
    }
    let transfer: TftpTransfer;
    const waitedMilliseconds = Math.round(performance.now() - entry.askedAt);
    if ('load' in source) {
      entry.session = startSession(request, { options: entry.options, mtu }, source, thread);
      transfer = { ...(await entry.session.done), waitedMilliseconds };
    } else {
      refuse(socket, { address: request.client, port: request.port }, source.code, source.message);
      const { client, filename } = request;
      transfer = { client, filename, outcome: 'refused', bytes: 0, milliseconds: 0, waitedMilliseconds };
    }
    end(entry, transfer);
  }

  function onTurnedAway(entry: Entry): void {
    end(entry);
    const { client: address, port } = entry.request;
    turnAway(entry.socket, { address, port }, TFTP_ERROR.undefined, TOO_MANY);
  }

  /** Ends a transfer without a word: who it goes to is off, or about to be. */
  function stop(id: number): void {
    for (const [key, entry] of taken) {
      if (entry.id !== id) continue;
      // One that is about to begin finds that it is not wanted.
      taken.delete(key);
      entry.session?.stop();
    }
  }

  async function listen(): Promise<void> {
    let chosen = settings.port;
    for (const address of settings.addresses) {
      if (settings.alone) {
        const probe = await bind({ address, port: chosen, reusePort: false });
        if (typeof probe === 'string') return tell({ kind: 'listen-failed', code: probe, address, port: chosen });
        chosen = probe.address().port;
        await new Promise<void>((resolve) => probe.close(() => resolve()));
      }
      const socket = await bind({ address, port: chosen, reusePort: true });
      if (typeof socket === 'string') return tell({ kind: 'listen-failed', code: socket, address, port: chosen });
      chosen = socket.address().port;
      sockets.push(socket);
      // An ICMP error for an answer of ours; the transfer's own timer deals with it.
      socket.on('error', () => undefined);
      socket.on('message', (datagram, peer) => onDatagram(socket, address, datagram, peer));
    }
    tell({ kind: 'listening', port: chosen });
  }

  port.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') return stop(message.id);
    if (message.kind !== 'close') {
      const entry = take(message.id);
      if (!entry) return;
      return void (message.kind === 'answer' ? onAnswer(entry, message.answer, message.mtu) : onTurnedAway(entry));
    }
    closed = true;
    clearTimeout(telling);
    for (const entry of taken.values()) entry.session?.stop();
    for (const socket of sockets) socket.close();
    port.close();
  });
  void listen();
}

/** A socket that is bound, or the system's code for why there is none. */
async function bind(to: { address: Ipv4; port: number; reusePort: boolean }): Promise<Socket | string> {
  const socket = createSocket({ type: 'udp4', reusePort: to.reusePort, recvBufferSize: 4 * 1024 * 1024 });
  try {
    socket.bind({ address: to.address, port: to.port, exclusive: true });
    await once(socket, 'listening');
    return socket;
  } catch (error) {
    socket.close();
    return error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
  }
}

function setNice(value: number): void {
  try {
    setPriority(value);
  } catch {
    // Without CAP_SYS_NICE it waits its turn.
  }
}

if (parentPort) {
  const port = parentPort;
  setNice(PRIORITY);
  run(workerData as WorkerSettings, (message) => port.postMessage(message), port);
}
