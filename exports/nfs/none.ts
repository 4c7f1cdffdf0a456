import { BakeryError } from '../../core/errors.ts';
import type { NfsBackend, NfsExport } from './backend.ts';

async function refuse(wanted: NfsExport): Promise<never> {
  throw new BakeryError('unavailable', 'export-refused', 'this server exports nothing', { detail: wanted.path });
}

/** No NFS server, for a Bakery without volumes: nothing is started, and nothing can be exported. */
export function noBackend(ports: { readonly nfs: number; readonly mountd: number }): NfsBackend {
  return {
    name: 'none',
    start: async () => ({ adopted: false }),
    alive: async () => true,
    list: async () => [],
    outline: async () => [],
    add: refuse,
    update: refuse,
    remove: async () => undefined,
    clients: async () => [],
    operations: async () => ({ v3: 0, v4: 0, v4Failed: 0 }),
    stop: async () => undefined,
    ports: () => ports,
  };
}
