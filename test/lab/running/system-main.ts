import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { mount } from '../nfs/mount3.ts';
import { nfs3 } from '../nfs/nfs3.ts';
import { connectRpc } from '../nfs/rpc.ts';
import { nfsRootOf } from './nfs-root.ts';

/**
 * What runs on a virtual Pi behind its kernel, in the Pi's place on the wire: mounts the root that its command line names (by NFSv3, in
 * this process: not every machine's kernel is an NFS client), reads its name there, says that it is ready, and goes on using its root
 * until the power is cut. Tells by JSON lines: `root` with its host name, `ready`, or `failed`.
 */
const { values } = parseArgs({
  options: {
    serial: { type: 'string', default: '' },
    address: { type: 'string', default: '' },
    cmdline: { type: 'string', default: '' },
    'api-port': { type: 'string', default: '8080' },
  },
});
/** A kernel takes a while to its root, and a system to its end; on real boards some ten times as long. */
const [KERNEL_MS, SYSTEM_MS] = [1_000, 1_000];
/** A running system asks its root for something all the time. */
const EVERY_MS = 10_000;
const LIMIT_MS = 10_000;

const tell = (event: string, facts: object = {}) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);

async function run(): Promise<never> {
  const root = nfsRootOf(values.cmdline);
  if (!root) throw new Error('its command line names no root over NFS');
  await sleep(KERNEL_MS);
  const from = values.address;
  const mountd = await connectRpc({ host: root.server, port: root.mountPort, from });
  const mounted = await mount(mountd, root.path);
  mountd.close();
  if ('refused' in mounted) throw new Error(`its root is refused: ${mounted.refused}`);
  const files = nfs3(await connectRpc({ host: root.server, port: root.nfsPort, from }));
  const etc = await files.lookup({ folder: mounted.handle, name: 'etc' });
  const name = await files.read(await files.lookup({ folder: etc, name: 'hostname' }), 256);
  tell('root', { path: root.path, hostname: name.toString('latin1').trim() });
  await sleep(SYSTEM_MS);
  const answer = await fetch(`http://${root.server}:${values['api-port']}/api/v1/pis/${values.serial}/ready`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ time: new Date().toISOString() }),
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`nobody hears that it is ready: ${answer.status}`);
  tell('ready');
  for (;;) {
    await sleep(EVERY_MS);
    await files.getattr(mounted.handle);
  }
}

await run().catch((error: unknown) => {
  tell('failed', { reason: error instanceof Error ? error.message : String(error) });
  process.exit(1);
});
