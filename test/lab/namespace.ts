import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const GUARD = 'BAKERY_TEST_NAMESPACE';

/**
 * Runs the tests of a file in a network and a mount namespace of their own, with `lo` up and an empty /run: rpcbind's
 * lock and socket are paths in /run, and a server under test must neither see nor disturb this machine's mounts. The
 * file is run a second time inside; the outer run is one test that passes when the inner run does. When it ends,
 * everything that still runs in there is killed with it. `outside` runs first, where there still is a network.
 */
export function inOwnNamespace(url: string, tests: () => void, options: { outside?: () => void } = {}): void {
  const file = fileURLToPath(url);
  if (process.env[GUARD] === file) {
    tests();
    return;
  }
  test(`${file.split('/test/').at(-1)} (in namespaces of its own)`, async () => {
    if (process.getuid?.() !== 0) throw new Error('this test needs root: sudo npm test');
    options.outside?.();
    // --pid --kill-child: when the inner node is gone, the kernel ends whatever daemon it left behind.
    const child = spawn(
      'unshare',
      [
        '--mount',
        '--net',
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
        '--propagation',
        'private',
        'sh',
        '-ec',
        'mount -t tmpfs -o mode=755 tmpfs /run; ip link set lo up; exec "$@"',
        'sh',
        process.execPath,
        '--test-reporter=spec',
        file,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, [GUARD]: file, NODE_TEST_CONTEXT: undefined } },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        output += text;
        process.stdout.write(text);
      });
    }
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    if (code !== 0) throw new Error(`the tests inside failed (exit ${code}):\n${output.slice(-6000)}`);
    if (!/tests [1-9]/.test(output)) throw new Error('no test ran inside');
  });
}
