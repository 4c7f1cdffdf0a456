import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { BakeryError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Exec } from '../../core/host/exec.ts';
import { exists } from '../../core/host/files.ts';
import type { Ipv4 } from '../../core/ids.ts';
import { lockRoot } from '../../db/lock.ts';
import {
  type Finding,
  judgeClock,
  judgeDhcp,
  judgeInterface,
  judgeNfs,
  judgePort,
  judgeSpace,
  judgeStp,
  type PortState,
} from './judge.ts';
import { judgeNfsd, lookAtNfsd } from './nfsd.ts';
import { answersNfs, askMount, askPorts } from './rpc.ts';
import { askForOffers, askTftp, probePort } from './wire.ts';

/** What the doctor looks at. */
export interface Patient {
  readonly root: string;
  readonly database: string;
  /** Where Pis are told to reach us, and the interface that has it. */
  readonly address: Ipv4;
  readonly interface: string | undefined;
  readonly ports: { readonly tftp: number; readonly dhcp: number };
  readonly dhcp: 'off' | 'listen' | 'proxy';
  /** Which NFS server Bakery uses. */
  readonly backend: 'ganesha' | 'nfsd';
  readonly exec: Exec;
  readonly clock: Clock;
}

/** BPDUs come every 2 s. */
const LISTEN_MS = 5_000;

/** Looks at everything that Pis need of this machine and its wire. Nothing is changed; nothing of it needs a running server. */
export async function examine(patient: Patient): Promise<Finding[]> {
  const isRunning = await hasServer(patient.root);
  const [nfs, dhcp, stp, tftp, dhcpPort] = await Promise.all([
    lookAtNfs(patient, isRunning),
    askForOffers(patient.address, patient.clock),
    listenForStp(patient),
    lookAtTftp(patient, isRunning),
    probePort('255.255.255.255', patient.ports.dhcp, true),
  ]);
  return [
    judgeInterface({ address: patient.address, interface: patient.interface, isUp: await isUp(patient) }),
    judgePort('tftp', { port: `UDP ${patient.ports.tftp}`, state: tftp, isRunning }),
    // Shared by all who say so, the server itself too: to open it says that it can read there.
    ...(patient.dhcp === 'off'
      ? []
      : [
          judgePort('dhcp-port', {
            port: `UDP ${patient.ports.dhcp}`,
            state: dhcpPort === 'free' && isRunning ? 'answers' : dhcpPort,
            isRunning: false,
          }),
        ]),
    ...nfs,
    judgeDhcp({ offers: dhcp, mode: patient.dhcp, isRunning }),
    await lookAtClock(patient),
    await lookAtSpace(patient.root),
    judgeStp({ heard: stp }),
  ];
}

async function hasServer(root: string): Promise<boolean> {
  const file = join(root, 'lock.db');
  if (!(await exists(file))) return false;
  try {
    lockRoot(file)();
    return false;
  } catch (error) {
    if (error instanceof BakeryError && error.code === 'root-in-use') return true;
    throw error;
  }
}

/** What is plugged in has the flag LOWER_UP (netdevice(7)). */
async function isUp({ exec, interface: name }: Patient): Promise<boolean> {
  if (name === undefined) return false;
  const { stdout } = await exec('ip', ['-o', 'link', 'show', 'dev', name]);
  return /<[^>]*\bLOWER_UP\b[^>]*>/.test(stdout);
}

async function lookAtTftp({ address, ports, clock }: Patient, isRunning: boolean): Promise<PortState> {
  if (isRunning && (await askTftp(address, ports.tftp, clock))) return 'answers';
  return probePort(address, ports.tftp, false);
}

async function lookAtNfs({ address, root, backend, exec }: Patient, isRunning: boolean): Promise<Finding[]> {
  const rpcbind = await askPorts(address);
  const isNfsAnswering = rpcbind !== undefined && rpcbind.nfs > 0 && (await answersNfs(address, rpcbind.nfs));
  const path = join(root, 'nfs', 'bakery-doctor');
  const mount = rpcbind && rpcbind.mountd > 0 ? await askMount(address, rpcbind.mountd, path) : 'no answer';
  if (backend === 'nfsd') {
    const facts = await lookAtNfsd(exec);
    // Without a server of ours the kernel's may run: it would be used.
    const isUsed = (facts.threads ?? 0) > 0;
    return [...judgeNfsd(facts), ...judgeNfs({ isRunning: isRunning || isUsed, rpcbind, isNfsAnswering, mount })];
  }
  return judgeNfs({ isRunning, rpcbind, isNfsAnswering, mount });
}

async function lookAtClock({ exec, clock, database }: Patient): Promise<Finding> {
  const told = await exec('timedatectl', ['show', '-p', 'NTPSynchronized', '--value']).catch(() => undefined);
  const newest = await stat(database).catch(() => undefined);
  const said = told?.stdout.trim();
  const isSynchronised = said === 'yes' ? true : said === 'no' ? false : undefined;
  return judgeClock({ now: clock.now(), newest: newest?.mtimeMs, isSynchronised });
}

async function lookAtSpace(root: string): Promise<Finding> {
  const { bavail, blocks, bsize } = await statfs(root);
  return judgeSpace({ available: bavail * bsize, total: blocks * bsize });
}

/** The first BPDU that is heard: of the standard, or of Cisco's tree for each VLAN. */
async function listenForStp({ exec, interface: name }: Patient): Promise<string[] | undefined> {
  if (name === undefined) return undefined;
  const bpdus = 'ether dst 01:80:c2:00:00:00 or ether dst 01:00:0c:cc:cc:cd';
  try {
    const { stdout } = await exec('tcpdump', ['-i', name, '-c', '1', '-nn', '-v', bpdus], { timeoutMs: LISTEN_MS });
    return [stdout];
  } catch (error) {
    return error instanceof BakeryError && error.code === 'tool-timeout' ? [] : undefined;
  }
}
