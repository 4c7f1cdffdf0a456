import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, watchFile } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sh, trySh } from './sh.ts';

/**
 * One powered Raspberry Pi 3B, as a process: what it does from power-on to power cut. Runs inside the lab's network namespace,
 * where the bridge is. First the boot ROM, in a namespace of its own behind a cable with the Pi's MAC; then QEMU on what the
 * ROM fetched and nothing else, on the same bridge with the same MAC. Tells what happens as JSON lines.
 *
 * With --hide it covers folders with an empty tmpfs first (in a mount namespace of its own), so that neither the image nor
 * the server's storage can be reached.
 */
const { values } = parseArgs({
  options: {
    serial: { type: 'string', default: '' },
    mac: { type: 'string', default: '' },
    address: { type: 'string', default: '' },
    server: { type: 'string', default: '' },
    bridge: { type: 'string', default: 'labbr0' },
    workdir: { type: 'string', default: '' },
    hide: { type: 'string', multiple: true, default: [] },
    'file-timeout-ms': { type: 'string', default: '30000' },
  },
});
const { serial, mac, address, server, bridge, workdir } = values;
/** Interface names have at most 15 characters. */
const [netns, cable, tap] = [`pi-${serial}`, `ve${serial}`, `tap${serial}`];
let child: ChildProcess | undefined;

const tell = (event: string, facts: object = {}) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);

function unplug(): void {
  trySh('ip', 'link', 'del', cable);
  trySh('ip', 'netns', 'del', netns);
  trySh('ip', 'link', 'del', tap);
}

function cutPower(): never {
  child?.kill('SIGKILL');
  unplug();
  process.exit(0);
}

function hide(): void {
  for (const folder of values.hide) {
    if (!existsSync(folder)) throw new Error(`${folder} cannot be hidden: there is no such folder`);
    // This namespace began as a copy of the server's: its mounts would keep the server's volumes busy.
    const below = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '');
    for (const at of below.filter((path) => path.startsWith(`${folder}/`)).toReversed()) sh('umount', '--lazy', at);
    sh('mount', '-t', 'tmpfs', '-o', 'ro,size=4k', 'tmpfs', folder);
  }
}

async function rom(): Promise<boolean> {
  unplug();
  sh('ip', 'netns', 'add', netns);
  sh('ip', 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'address', mac, 'netns', netns);
  sh('ip', 'link', 'set', cable, 'master', bridge, 'up');
  sh('ip', '-n', netns, 'addr', 'add', address, 'dev', 'eth0');
  sh('ip', '-n', netns, 'link', 'set', 'eth0', 'up');
  const main = fileURLToPath(new URL('./rom/main.ts', import.meta.url));
  const args = [
    '--server',
    server,
    '--serial',
    serial,
    '--workdir',
    workdir,
    '--file-timeout-ms',
    values['file-timeout-ms'],
  ];
  child = spawn('nsenter', [`--net=/run/netns/${netns}`, process.execPath, main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await new Promise((resolve) => child?.once('close', resolve));
  unplug();
  const { requests = [], failure = 'the boot ROM died', choice } = output === '' ? {} : JSON.parse(output);
  if (choice === undefined) {
    tell('failed', { reason: failure, requests });
    return false;
  }
  tell('fetched', { requests, choice });
  return true;
}

/** The machine that virtual-pi.md measured: raspi3b with a USB network card. */
function qemu(): void {
  sh('ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap');
  sh('ip', 'link', 'set', tap, 'master', bridge, 'up');
  const log = join(workdir, 'serial.log');
  rmSync(log, { force: true });
  const initramfs = join(workdir, 'initramfs');
  child = spawn(
    'qemu-system-aarch64',
    [
      '-M',
      'raspi3b',
      '-kernel',
      join(workdir, 'kernel'),
      '-dtb',
      join(workdir, 'dtb'),
      ...(existsSync(initramfs) ? ['-initrd', initramfs] : []),
      '-append',
      readFileSync(join(workdir, 'cmdline'), 'utf8'),
      '-netdev',
      `tap,id=n0,ifname=${tap},script=no,downscript=no`,
      '-device',
      `usb-net,netdev=n0,mac=${mac}`,
      '-display',
      'none',
      '-monitor',
      'none',
      '-no-reboot',
      '-serial',
      `file:${log}`,
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  tell('qemu');
  let read = 0;
  watchFile(log, { interval: 100 }, () => {
    if (!existsSync(log)) return;
    const lines = readFileSync(log, 'latin1').split('\n').slice(0, -1);
    for (const line of lines.slice(read)) {
      const marker = /LAB (.*?)\r?$/.exec(line)?.[1];
      if (marker !== undefined) tell('marker', { text: marker });
    }
    read = lines.length;
  });
  child.once('close', (code) => {
    tell('halted', { code });
    cutPower();
  });
}

process.on('SIGTERM', cutPower);
process.on('SIGINT', cutPower);
// The power supply: when whoever holds it is gone, so is the power.
process.stdin.on('end', cutPower).resume();
hide();
if (await rom()) qemu();
