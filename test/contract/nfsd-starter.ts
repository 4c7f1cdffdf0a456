// A parent to be killed: starts the kernel's server for argv[2] with the exports in argv[3], and waits for its end.
import type { NfsExport } from '../../exports/nfs/backend.ts';
import { nfsdBackend } from '../../exports/nfs/nfsd/backend.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const [, , root = '', exports = '[]'] = process.argv;
await nfsdBackend({ root, log: quiet }).start(async () => JSON.parse(exports) as NfsExport[]);
setInterval(() => undefined, 60_000);
