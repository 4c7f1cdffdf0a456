// A parent to be killed: starts the server at argv[2], says so, and waits for its end.
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const [, , root = ''] = process.argv;
await ganeshaBackend({ root, log: quiet }).start();
process.stdout.write('started\n');
setInterval(() => undefined, 60_000);
