import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BakeryError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/host/clock.ts';
import { adopt, endProcess, findByArgument, logTail, startDetached } from '../../../core/host/detached.ts';
import type { Exec } from '../../../core/host/exec.ts';
import { exists, removeFile, writeFileAtomic } from '../../../core/host/files.ts';
import type { Log } from '../../../core/log.ts';
import { listeningPorts, MOUNT_PROGRAM, NFS_PROGRAM, parseRpcinfo, RPCBIND_PORT } from '../rpcbind.ts';
import { countThreads, endGrace, requireKernel } from './kernel.ts';
import {
  CONF_FILE,
  CONF_TEXT,
  EXPORTS_FILE,
  hasStarted,
  MAIN_EXPORTS_FILE,
  type NfsdLayout,
  writeStarted,
} from './layout.ts';

/** The port of NFS, which with this server is no setting. */
export const NFS_PORT = 2049;
/** The port of a mountd that Bakery starts; another's is found by rpcbind. */
export const MOUNTD_PORT = 20_048;

/** What the server needs of its surroundings. */
export interface ServerContext {
  readonly layout: NfsdLayout;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Log;
  /** How long each part of a start may take to answer, in ms. */
  readonly startTimeoutMs: number;
}

/** Threads of the kernel; 100 Pis that boot at once are served by fewer, and idle ones cost nothing. */
const THREADS = '8';
const POLL_MS = 20;
/** By this a mountd of ours is known. */
const MOUNTD_ARGUMENT = `--port=${MOUNTD_PORT}`;

/** Which parts are there. */
export interface ServerState {
  readonly threads: number | undefined;
  readonly rpcbind: boolean;
  /** rpcbind names a living NFS server, and a living mountd. */
  readonly nfs: boolean;
  readonly mountd: boolean;
}

/** Looks at the parts of the server, whoever started them. */
export async function lookAtServer(exec: Exec): Promise<ServerState> {
  const threads = await countThreads();
  const listening = await listeningPorts();
  if (!listening.has(RPCBIND_PORT)) return { threads, rpcbind: false, nfs: listening.has(NFS_PORT), mountd: false };
  const { stdout } = await exec('rpcinfo', ['-p', '127.0.0.1'], { timeoutMs: 10_000 });
  const names = (wanted: number) =>
    parseRpcinfo(stdout).some(
      ({ program, protocol, port }) => program === wanted && protocol === 'tcp' && listening.has(port),
    );
  return { threads, rpcbind: true, nfs: names(NFS_PROGRAM) || listening.has(NFS_PORT), mountd: names(MOUNT_PROGRAM) };
}

/** True when NFSv3 and NFSv4 clients are served. */
export function isWhole({ threads, rpcbind, nfs, mountd }: ServerState): boolean {
  return (threads ?? 0) > 0 && rpcbind && nfs && mountd;
}

/** Refuses to start beside an NFS server in user space. @throws BakeryError `foreign-nfs-server` (unavailable). */
export function refuseForeign({ threads, nfs }: ServerState): void {
  if (!nfs || (threads ?? 0) > 0) return;
  throw new BakeryError('unavailable', 'foreign-nfs-server', 'another NFS server runs on this host', {
    detail: "it is not the kernel's; stop it (ganesha of an earlier Bakery: `npm start -- stop` with its settings)",
  });
}

/**
 * Sees to it that exportfs works: it is there, and so are the places that it reads. To list what there is fails only for a missing /etc/exports.
 * @throws BakeryError `tool-missing` (unavailable).
 */
export async function requireExportfs(exec: Exec): Promise<void> {
  await mkdir(dirname(EXPORTS_FILE), { recursive: true });
  await appendFile(MAIN_EXPORTS_FILE, '');
  await exec('exportfs', ['-s']);
}

/**
 * Starts what is not there: rpcbind, mountd, the kernel's threads; `serve` is called before anybody is answered. What is there is left as it
 * is. After a throw nothing runs that Bakery started.
 * @throws BakeryError `nfsd-missing`, `foreign-nfs-server`, `tool-missing`, `nfs-start-failed` (unavailable).
 */
export async function startServer(context: ServerContext, serve: () => Promise<void>): Promise<void> {
  const { layout, exec, log } = context;
  await requireKernel(exec);
  const before = await lookAtServer(exec);
  refuseForeign(before);
  await mkdir(layout.folder, { recursive: true, mode: 0o700 });
  if ((before.threads ?? 0) === 0) await writeStarted(layout);
  try {
    if (!before.rpcbind) await startRpcbind(context);
    await serve();
    if (!before.mountd) await startMountd(context);
    if ((before.threads ?? 0) === 0) await startThreads(context);
    await waitFor(context, async () => isWhole(await lookAtServer(exec)));
    log.info({ before }, "the kernel's NFS server started");
  } catch (error) {
    await endServer(context);
    if (error instanceof BakeryError && error.code !== 'tool-failed') throw error;
    throw failed(`${error instanceof BakeryError ? error.detail : String(error)}`, error);
  }
}

function failed(detail: string, cause?: unknown): BakeryError {
  return new BakeryError('unavailable', 'nfs-start-failed', 'the NFS server did not start', { detail, cause });
}

async function startRpcbind(context: ServerContext): Promise<void> {
  const { layout } = context;
  await mkdir('/run/rpcbind', { recursive: true, mode: 0o755 });
  await startDetached({
    program: 'rpcbind',
    args: ['-f', '-w'],
    logFile: layout.rpcbindLog,
    recordFile: layout.records.rpcbind,
  });
  await waitFor(context, async () => (await listeningPorts()).has(RPCBIND_PORT));
}

async function startMountd(context: ServerContext): Promise<void> {
  const { layout, exec } = context;
  await mkdir(dirname(CONF_FILE), { recursive: true });
  await writeFileAtomic(CONF_FILE, CONF_TEXT);
  await startDetached({
    program: 'rpc.mountd',
    args: ['-F', MOUNTD_ARGUMENT],
    logFile: layout.mountdLog,
    recordFile: layout.records.mountd,
  });
  await waitFor(context, async () => (await lookAtServer(exec)).mountd);
}

/** NFSv3 and NFSv4 by TCP, whatever /etc/nfs.conf says. */
async function startThreads({ exec }: ServerContext): Promise<void> {
  await exec('rpc.nfsd', ['--tcp', '--port', `${NFS_PORT}`, '--nfs-version', '3', '--nfs-version', '4', THREADS]);
  await endGrace();
}

/** Does what a start may have left out that was killed when the kernel's threads ran already; nothing to another's server. */
export async function finishStart(layout: NfsdLayout): Promise<void> {
  if (await hasStarted(layout)) await endGrace();
}

/** Waits for `ready`. Each part has its own time: to serve a thousand exports anew takes minutes. */
async function waitFor(context: ServerContext, ready: () => Promise<boolean>): Promise<void> {
  const { clock, layout } = context;
  const until = clock.monotonic() + context.startTimeoutMs;
  while (!(await ready())) {
    if (clock.monotonic() > until)
      throw failed(
        `no answer in time; mountd: ${await logTail(layout.mountdLog)}; rpcbind: ${await logTail(layout.rpcbindLog)}`,
      );
    await clock.sleep(POLL_MS);
  }
}

/**
 * Ends what Bakery has started since the machine's boot, the kernel's threads first: clients wait for it, they are not told that anything is
 * gone. What was there before goes on.
 */
export async function endServer(context: ServerContext): Promise<void> {
  const { layout, exec, clock } = context;
  const isOurs = await hasStarted(layout);
  if (isOurs && ((await countThreads()) ?? 0) > 0) await exec('rpc.nfsd', ['0']);
  const strays = isOurs ? await findByArgument('rpc.mountd', MOUNTD_ARGUMENT) : [];
  for (const record of [layout.records.mountd, layout.records.rpcbind]) {
    const part = await adopt(record);
    if (part) await endProcess(part, { clock });
    if (record === layout.records.mountd && (part || isOurs) && (await exists(CONF_FILE))) await removeFile(CONF_FILE);
    await removeFile(record);
  }
  for (const stray of strays) await endProcess(stray, { clock });
  await removeFile(layout.record);
}
