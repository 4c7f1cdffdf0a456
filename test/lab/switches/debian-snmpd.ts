import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { boundToUs, LAB_ENV, requireTools } from '../sh.ts';

/** Debian's agent, on a port of loopback. */
export interface DebianSnmpd {
  readonly port: number;
  /** Ends it and starts it again: its engine has been booted once more (RFC 3414 section 2.2). */
  restart(): Promise<void>;
}

/** Without the texts of MIBs, which Debian has not in main, and about which its tools would print pages. */
export const SNMP_ENV = { ...LAB_ENV, MIBS: '' };

/** A UDP port of loopback that nobody has at the moment. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** Starts it with these lines of snmpd.conf(5); it ends with the test. */
export async function startDebianSnmpd(t: TestContext, lines: readonly string[]): Promise<DebianSnmpd> {
  requireTools('snmpd', 'setpriv');
  const folder = await mkdtemp(join(tmpdir(), 'bakery-snmpd-'));
  const port = await freePort();
  const config = join(folder, 'snmpd.conf');
  await writeFile(config, `${[`agentaddress udp:127.0.0.1:${port}`, ...lines].join('\n')}\n`);
  const env = { ...SNMP_ENV, SNMP_PERSISTENT_DIR: join(folder, 'state') };

  async function start(): Promise<ChildProcess> {
    const [program = '', ...args] = boundToUs('snmpd', '-f', '-C', '-c', config, '-Lo');
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      if (chunk.includes('NET-SNMP version')) break;
    }
    child.stdout.resume();
    return child;
  }
  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  let child = await start();
  t.after(async () => {
    // It writes its state down when it ends.
    await end(child);
    await rm(folder, { recursive: true });
  });
  return {
    port,
    async restart() {
      await end(child);
      child = await start();
    },
  };
}
