import { createRequire } from 'node:module';

/**
 * Fetches a file with the npm module `tftp`: <server> <window> <remote> <local>. Its own command wants a terminal. It is a client of its own
 * making for the tests, and served nobody well as a server: one datagram ends it.
 */
interface Module {
  createClient(options: { host: string; port: number; windowSize: number }): {
    get(remote: string, local: string, done: (error?: Error) => void): void;
  };
}
const [host = '', window = '', remote = '', local = ''] = process.argv.slice(2);
const { createClient }: Module = createRequire(import.meta.url)('tftp');
createClient({ host, port: 69, windowSize: Number(window) }).get(remote, local, (error) => {
  if (!error) return;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
