import { createSocket } from 'node:dgram';

/** What the tiny server saw. */
export interface Seen {
  /** `path [options]`, in the order of the RRQs. */
  readonly asked: string[];
  readonly ports: number[];
  /** `path: code message` for each ERROR that came. */
  readonly errors: string[];
  /** The block of each ACK per path. */
  readonly acks: Map<string, number[]>;
}

/** How it misbehaves. */
export interface Quirks {
  /** RRQs for a path that get no answer, the first ones. */
  readonly deaf?: Readonly<Record<string, number>>;
  /** Sends each DATA twice. */
  readonly twice?: boolean;
  /** Sends a DATA from another port before the right one. */
  readonly foreign?: boolean;
  readonly noOack?: boolean;
}

/** A TFTP server on 127.0.0.1 for files in memory, to be watched; not Bakery's own: both might be wrong together. */
export async function startTinyTftp(
  files: Readonly<Record<string, Buffer | string>>,
  quirks: Quirks = {},
): Promise<{ port: number; seen: Seen; close(): Promise<void> }> {
  const seen: Seen = { asked: [], ports: [], errors: [], acks: new Map() };
  const left = new Map(Object.entries(quirks.deaf ?? {}));
  const open = new Set<ReturnType<typeof createSocket>>();
  const main = createSocket('udp4');
  const stranger = createSocket('udp4');

  main.on('message', (datagram, client) => {
    const [path = '', , ...options] = datagram.toString('latin1', 2).split('\0').slice(0, -1);
    seen.asked.push([path, ...options].join(' '));
    seen.ports.push(client.port);
    const deaf = left.get(path) ?? 0;
    if (deaf > 0) return void left.set(path, deaf - 1);
    const socket = createSocket('udp4');
    open.add(socket);
    const send = (packet: Buffer) => socket.send(packet, client.port, client.address);
    const content = files[path];
    if (content === undefined) return send(Buffer.from('\0\x05\0\x01File not found\0', 'latin1'));
    const bytes = Buffer.from(content);
    const asked = options[2] === 'blksize' && !quirks.noOack ? Number(options[3]) : 512;
    const data = (block: number) => {
      const header = Buffer.from([0, 3, (block >> 8) & 0xff, block & 0xff]);
      const packet = Buffer.concat([header, bytes.subarray((block - 1) * asked, block * asked)]);
      if (quirks.foreign) stranger.send(Buffer.concat([header, Buffer.from('foreign')]), client.port, client.address);
      send(packet);
      if (quirks.twice) send(packet);
    };
    let next = 1;
    const acks: number[] = [];
    seen.acks.set(path, acks);
    socket.on('message', (answer) => {
      if (answer.readUInt16BE(0) === 5) {
        seen.errors.push(`${path}: ${answer.readUInt16BE(2)} ${answer.toString('latin1', 4, answer.length - 1)}`);
        return;
      }
      const block = answer.readUInt16BE(2);
      acks.push(block);
      // Each ACK counts once: a duplicate must not double the traffic.
      if (block !== ((next - 1) & 0xffff) || (next - 1) * asked > bytes.length) return;
      data(next);
      next++;
    });
    if (options[0] === 'tsize' && !quirks.noOack) {
      const blksize = asked === 512 ? '' : `blksize\0${asked}\0`;
      send(Buffer.from(`\0\x06tsize\0${bytes.length}\0${blksize}`, 'latin1'));
    } else {
      data(next);
      next++;
    }
  });
  for (const socket of [stranger, main]) await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    port: main.address().port,
    seen,
    async close() {
      const sockets = [main, stranger, ...open];
      await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
    },
  };
}
