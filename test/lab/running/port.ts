import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { LabRefusal } from './arguments.ts';

/** Listens where people reach the API. @throws LabRefusal when somebody else does. */
export async function listenForPeople(port: number): Promise<{ server: Server; base: string }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => reject(new LabRefusal(`port ${port} is taken: --http-port names another`)));
    server.listen({ host: '127.0.0.1', port }, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('a socket without a port');
  return { server, base: `http://127.0.0.1:${bound.port}` };
}

/** An address that no Pi has, and a port that the kernel gives nobody by itself. */
const [CLAIM_HOST, CLAIM_PORT] = [9, 1069];
const WIRES = 256;

/**
 * The first three bytes of loopback addresses that the Pis of no other lab have: a socket on one of them says so until it is closed, or its process
 * has ended. Boot ROMs of some models always ask from the same port. @throws LabRefusal
 */
export async function claimWire(): Promise<{ wire: string; release(): void }> {
  for (let i = 0; i < WIRES; i++) {
    const wire = `127.0.${i}`;
    const socket = createSocket('udp4');
    try {
      socket.bind({ address: `${wire}.${CLAIM_HOST}`, port: CLAIM_PORT });
      await once(socket, 'listening');
      return { wire, release: () => void socket.close() };
    } catch {
      socket.close();
    }
  }
  throw new LabRefusal(`no addresses of the loopback are left for its Pis: who has UDP port ${CLAIM_PORT}?`);
}
