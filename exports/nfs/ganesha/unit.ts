import { mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { BakeryError, describeError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/host/clock.ts';
import type { DetachedProcess } from '../../../core/host/detached.ts';
import { adopt, endProcess, findByArgument, isAlive, logTail, startDetached } from '../../../core/host/detached.ts';
import type { Exec } from '../../../core/host/exec.ts';
import { removeFile, writeFileAtomic } from '../../../core/host/files.ts';
import type { Log } from '../../../core/log.ts';
import type { NfsPorts } from '../backend.ts';
import { listeningPorts, RPCBIND_PORT } from '../rpcbind.ts';
import { type CallBus, exportManager } from './bus.ts';
import { renderBusConf, renderGaneshaConf } from './config.ts';
import { buildGuard, guardEnvironment, guardSource, requireGuard } from './guard.ts';
import { refuseForeignServer, requireCapability, requireMtab } from './host.ts';
import type { UnitLayout, UnitRecord } from './layout.ts';
import { chooseSocket, configHash, readUnitRecord, removeSocket, writeUnitRecord } from './layout.ts';

/** What the unit needs of its surroundings. */
export interface UnitContext {
  readonly layout: UnitLayout;
  readonly ports: NfsPorts;
  readonly exec: Exec;
  /** Calls the unit that runs. */
  readonly bus: CallBus;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a start without exports may take; 15 s. */
  readonly startTimeoutMs: number;
}

const POLL_MS = 15;
const ANSWER_MS = 10_000;
/** How much longer a start may take for each export that it begins with; on a slow machine one takes 0.1 s. */
const EXPORT_MS = 200;

/**
 * ganesha takes a file system's UUID from libblkid, which keeps what it finds in a file and believes it for a while: a volume on a loop device
 * that another one had a moment ago would be served under the identity of that other one. And with each export that is added it reads the
 * whole file: of 1,000 half the time. So it has a file of its own, which is written anew for each change (devices.ts).
 */
const environmentOf = ({ layout }: UnitContext) => ({ BLKID_FILE: layout.devices });

function serverConf(context: UnitContext): string {
  return renderGaneshaConf({ ports: context.ports, recoveryRoot: context.layout.recovery });
}

/** What a running unit was made of; one that was made of anything else is replaced. */
async function unitHash(context: UnitContext): Promise<string> {
  return configHash(`${serverConf(context)}${JSON.stringify(environmentOf(context))}${await guardSource()}`);
}

/** The recorded unit when every process of it lives and it was started with the configuration we would use; no call is made. */
export async function wholeUnit(context: UnitContext): Promise<UnitRecord | undefined> {
  const { layout } = context;
  const record = await readUnitRecord(layout);
  if (!record || record.config !== (await unitHash(context))) return undefined;
  const parts = record.rpcbind === 'own' ? Object.values(layout.records) : [layout.records.ganesha, layout.records.bus];
  for (const recordFile of parts) if (!(await adopt(recordFile))) return undefined;
  return record;
}

/** True when the unit answers on its bus and accepts TCP on its ports. */
export async function unitAnswers(context: UnitContext): Promise<boolean> {
  try {
    await exportManager(context.bus, ANSWER_MS).show();
    const listening = await listeningPorts();
    return listening.has(context.ports.nfs) && listening.has(context.ports.mountd);
  } catch (error) {
    context.log.debug({ error: describeError(error) }, 'the NFS server does not answer');
    return false;
  }
}

/**
 * Ends all that is left of a unit: ganesha first, with time to leave rpcbind; then its bus, without which it would die by
 * itself; then rpcbind, when it is the unit's own. Processes that a Bakery started and could not record any more are found
 * by their configuration file. No unit at all is fine.
 */
export async function endUnit(context: UnitContext): Promise<void> {
  const { layout, clock } = context;
  const record = await readUnitRecord(layout);
  const strays = [
    ...(await findByArgument('ganesha.nfsd', layout.serverConf)),
    ...(await findByArgument('dbus-daemon', `--config-file=${layout.busConf}`)),
  ];
  for (const recordFile of [layout.records.ganesha, layout.records.bus, layout.records.rpcbind]) {
    const part = await adopt(recordFile);
    if (part) await endProcess(part, { clock });
    await removeFile(recordFile);
  }
  for (const stray of strays) await endProcess(stray, { clock });
  if (record) await removeSocket(record.socket);
  await removeFile(layout.unitRecord);
}

/**
 * Starts a unit where none runs (see `endUnit`), with `exports` (see `renderExport`) served from the beginning; resolves
 * when it answers on D-Bus and accepts TCP on the NFS port, with the guard (guard.ts) in front of it. After a throw nothing of it runs.
 * @throws BakeryError `foreign-nfs-server`, `capability-missing`, `tool-missing`, `nfs-start-failed` (unavailable).
 */
export async function startUnit(context: UnitContext, exports: readonly string[] = []): Promise<void> {
  const { layout, log } = context;
  await requireCapability();
  await requireMtab();
  const { rpcbindRuns } = await refuseForeignServer(context, context.ports);
  await mkdir(layout.folder, { recursive: true, mode: 0o700 });
  // Left-overs of an earlier unit.
  await rm(layout.exports, { recursive: true, force: true });
  await rm(layout.recovery, { recursive: true, force: true });
  await removeFile(layout.devices);
  await mkdir(layout.exports, { mode: 0o700 });
  await mkdir(layout.recovery, { mode: 0o700 });
  const conf = serverConf(context);
  const socket = await chooseSocket(layout);
  const rpcbind = rpcbindRuns ? 'host' : 'own';
  await writeUnitRecord(layout, { socket, rpcbind, config: await unitHash(context) });
  try {
    await writeFileAtomic(layout.serverConf, [conf, ...exports].join(''), 0o600);
    await writeFileAtomic(layout.busConf, renderBusConf(socket), 0o600);
    const guard = await buildGuard(context.exec, layout.folder);
    const pid = await startParts(context, { socket, rpcbind, guard, exports: exports.length });
    log.info({ ganesha: pid, ports: context.ports, rpcbind, exports: exports.length }, 'NFS server started');
  } catch (error) {
    await endUnit(context);
    throw error;
  }
}

async function startParts(
  context: UnitContext,
  parts: Pick<UnitRecord, 'socket' | 'rpcbind'> & { readonly guard: string; readonly exports: number },
): Promise<number> {
  const { layout, ports } = context;
  const { socket, rpcbind, guard } = parts;
  const until = context.clock.monotonic() + context.startTimeoutMs + parts.exports * EXPORT_MS;
  await removeFile(socket);
  const bus = await startDetached({
    program: 'dbus-daemon',
    args: [`--config-file=${layout.busConf}`, '--nofork', '--nopidfile'],
    logFile: layout.busLog,
    recordFile: layout.records.bus,
  });
  // ganesha connects once, at its start; without a bus it would run unmanageable.
  await waitFor(context, until, bus, layout.busLog, () => acceptsUnix(socket));
  if (rpcbind === 'own') {
    // rpcbind's own state folder; a fresh /run (container) has none.
    await mkdir('/run/rpcbind', { recursive: true, mode: 0o755 });
    const own = await startDetached({
      program: 'rpcbind',
      args: ['-f', '-w'],
      logFile: layout.rpcbindLog,
      recordFile: layout.records.rpcbind,
    });
    await waitFor(context, until, own, layout.rpcbindLog, () => acceptsTcp(RPCBIND_PORT));
  }
  const ganesha = await startDetached({
    program: 'ganesha.nfsd',
    args: ['-F', '-f', layout.serverConf, '-L', layout.serverLog, '-p', layout.serverPid],
    logFile: layout.serverLog,
    recordFile: layout.records.ganesha,
    cwd: layout.folder,
    env: { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}`, ...environmentOf(context), ...guardEnvironment(guard) },
  });
  await waitFor(
    context,
    until,
    ganesha,
    layout.serverLog,
    async () => (await acceptsTcp(ports.nfs)) && (await unitAnswers(context)),
  );
  await requireGuard(ganesha.pid, layout.folder, guard);
  return ganesha.pid;
}

/** Waits for `ready` while the process lives and time is left. */
async function waitFor(
  context: UnitContext,
  until: number,
  process: DetachedProcess,
  logFile: string,
  ready: () => Promise<boolean>,
): Promise<void> {
  while (!(await ready())) {
    const ended = !(await isAlive(process));
    if (!ended && context.clock.monotonic() < until) {
      await context.clock.sleep(POLL_MS);
      continue;
    }
    throw new BakeryError('unavailable', 'nfs-start-failed', 'the NFS server did not start', {
      detail: `${ended ? 'it ended' : 'no answer in time'}; ${logFile}: ${await logTail(logFile)}`,
    });
  }
}

function acceptsTcp(port: number): Promise<boolean> {
  return accepts({ host: '127.0.0.1', port });
}

function acceptsUnix(path: string): Promise<boolean> {
  return accepts({ path });
}

function accepts(target: { host: string; port: number } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(target);
    const done = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, done(false));
    socket.once('connect', done(true));
    socket.once('error', done(false));
  });
}
