import { readFile } from 'node:fs/promises';
import { isErrno } from '../../core/errors.ts';

/** The port of rpcbind. */
export const RPCBIND_PORT = 111;
/** Program numbers (RFC 1813 §2.1, §5.1). */
export const NFS_PROGRAM = 100003;
export const MOUNT_PROGRAM = 100005;

/** Ports in state LISTEN out of /proc/net/tcp or tcp6 (proc_net_tcp: column 2 is `address:port`, column 4 the state, 0A). */
export function parseListeningPorts(text: string): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[3] === '0A') ports.add(Number.parseInt(fields[1]?.split(':')[1] ?? '', 16));
  }
  return ports;
}

/** TCP ports someone listens on in our network namespace, on any address; the kernel's own servers included. */
export async function listeningPorts(): Promise<ReadonlySet<number>> {
  const texts = await Promise.all(
    ['/proc/self/net/tcp', '/proc/self/net/tcp6'].map((file) =>
      readFile(file, 'utf8').catch((error) => {
        if (isErrno(error, 'ENOENT')) return '';
        throw error;
      }),
    ),
  );
  return new Set(texts.flatMap((text) => [...parseListeningPorts(text)]));
}

/** One line of `rpcinfo -p`. */
export interface Registration {
  readonly program: number;
  readonly version: number;
  readonly protocol: string;
  readonly port: number;
}

/** Registrations out of `rpcinfo -p`. */
export function parseRpcinfo(text: string): readonly Registration[] {
  return text.split('\n').flatMap((line) => {
    const [, program, version, protocol, port] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\d+)/.exec(line) ?? [];
    if (program === undefined || protocol === undefined) return [];
    return [{ program: Number(program), version: Number(version), protocol, port: Number(port) }];
  });
}
