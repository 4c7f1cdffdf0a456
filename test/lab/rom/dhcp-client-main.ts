import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';

/**
 * The DHCP port of a board, as a process, so that it can be where the board is. Sends each line of stdin (address, hex) to port 67
 * there, and tells what comes to port 68 as JSON lines: first `{ready: true}`, then `{from, hex}` each.
 */
const socket = createSocket('udp4');
const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
socket.on('message', (datagram, peer) => tell({ from: peer.address, hex: datagram.toString('hex') }));
socket.bind(68, () => {
  socket.setBroadcast(true);
  tell({ ready: true });
});
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const [address = '', hex = ''] = line.split(' ');
  socket.send(Buffer.from(hex, 'hex'), 67, address);
});
lines.on('close', () => socket.close());
