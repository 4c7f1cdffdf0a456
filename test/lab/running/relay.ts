import { connect, type Server, type Socket } from 'node:net';

/** Passes each connection that `from` takes on to a port of 127.0.0.1 here: in another network namespace than where it listens. */
export function relay(from: Server, port: number): void {
  from.on('connection', (near: Socket) => {
    const far = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  });
}
