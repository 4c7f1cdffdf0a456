import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, watchFile } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseIpv4, parseMac, requirePiId } from '../../core/ids.ts';
import { hideFolders } from './hide.ts';
import { boundToUs, LAB_ENV, requireTools, sh, trySh } from './sh.ts';

/**
 * One powered Raspberry Pi 3B, as a process: what it does from power-on to power cut. Runs inside the lab's network namespace,
 * where the bridge is. First the boot ROM, in a namespace of its own behind a cable with the Pi's MAC; then QEMU on what the
 * ROM fetched and nothing else, on the same bridge with the same MAC. --machine: raspi3b, or virt for a system that is too
 * slow there. Its address is given, or it asks by DHCP. Tells what
 * happens as JSON lines:
 *
 *   {event:'lease', lease}       {event:'request', request}
 *   {event:'fetched', requests, prefix, choice, cmdline}   {event:'failed', reason, requests?}
 *   {event:'qemu', pid}          {event:'marker', text}                                 {event:'halted', code}
 *
 * After `failed` and `halted` it stays, as a board does, until the power is cut: by SIGTERM, or when whoever holds its
 * stdin is gone. Its serial console is the file --console, by default serial.log in its folder. With --hide it covers folders first (it must have a mount namespace of its own then), so that neither the
 * image nor the server's storage can be reached.
 */
const { values } = parseArgs({
  options: {
    serial: { type: 'string', default: '' },
    mac: { type: 'string', default: '' },
    address: { type: 'string', default: '' },
    server: { type: 'string', default: '' },
    bridge: { type: 'string', default: 'labbr0' },
    workdir: { type: 'string', default: '' },
    console: { type: 'string', default: '' },
    hide: { type: 'string', multiple: true, default: [] },
    machine: { type: 'string', default: 'raspi3b' },
    'file-timeout-ms': { type: 'string', default: '30000' },
  },
});

function given<T>(option: string, value: T | undefined | ''): T {
  if (value === undefined || value === '') throw new Error(`--${option} is missing or not valid`);
  return value;
}
const serial = requirePiId(values.serial);
const mac = given('mac', parseMac(values.mac));
/** With neither it asks by DHCP. */
const byHand = values.address !== '' || values.server !== '';
const server = byHand ? given('server', parseIpv4(values.server)) : undefined;
const address = byHand ? given('address', /^\S+\/\d+$/.test(values.address) ? values.address : undefined) : undefined;
const workdir = given('workdir', values.workdir);
const { bridge } = values;

/** Interface names have at most 15 characters. */
const [netns, cable, tap] = [`pi-${serial}`, `ve${serial}`, `tap${serial}`];
const memory = (name: string) => join(workdir, name);
const serialLog = values.console || memory('serial.log');
const ROM = fileURLToPath(new URL('./rom/main.ts', import.meta.url));
let child: ChildProcess | undefined;

const tell = (event: string, facts: object) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);

function start(argv: readonly string[], stdout: 'pipe' | 'ignore', stderr: 'inherit' | number): ChildProcess {
  const [program = '', ...args] = boundToUs(...argv);
  child = spawn(program, args, { env: LAB_ENV, stdio: ['ignore', stdout, stderr] });
  return child;
}

/** Takes every cable out, also one that a killed predecessor left in. */
function unplug(): void {
  trySh('ip', 'link', 'del', cable);
  trySh('ip', 'netns', 'del', netns);
  trySh('ip', 'link', 'del', tap);
}

/** Plugging and this are synchronous: a power cut never finds a cable half plugged in. */
function cutPower(): never {
  child?.kill('SIGKILL');
  unplug();
  process.exit(0);
}

/** The boot ROM, from power-on to the start of the kernel; false when it got no further, which is told already. */
async function rom(): Promise<boolean> {
  sh('ip', 'netns', 'add', netns);
  sh('ip', 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'address', mac, 'netns', netns);
  sh('ip', 'link', 'set', cable, 'master', bridge, 'up');
  sh('ip', '-n', netns, 'link', 'set', 'lo', 'up');
  if (address !== undefined) sh('ip', '-n', netns, 'addr', 'add', address, 'dev', 'eth0');
  sh('ip', '-n', netns, 'link', 'set', 'eth0', 'up');
  const facts = ['--serial', serial, '--mac', mac, '--workdir', workdir, ...(server ? ['--server', server] : [])];
  const timeout = ['--file-timeout-ms', values['file-timeout-ms']];
  const machine = start(
    ['nsenter', `--net=/run/netns/${netns}`, process.execPath, ROM, ...facts, ...timeout],
    'pipe',
    'inherit',
  );
  let last: { event: string; choice?: { arm64: boolean } } | undefined;
  if (machine.stdout) {
    createInterface({ input: machine.stdout }).on('line', (line) => {
      process.stdout.write(`${line}\n`);
      last = JSON.parse(line);
    });
  }
  const code = await new Promise((resolve) => machine.once('close', resolve));
  unplug();
  if (last?.event === 'failed') return false;
  const reason =
    last?.event !== 'fetched' || code !== 0
      ? `the boot ROM ended with ${code}`
      : last.choice?.arm64 !== true &&
        'config.txt asks for a 32-bit kernel (no arm_64bit=1); this board runs 64-bit ones';
  if (reason) tell('failed', { reason });
  return !reason;
}

/** Tells each whole line of the serial log that has a marker; kernel messages may stand before it. */
function followMarkers(log: string): () => void {
  let read = 0;
  const look = () => {
    if (!existsSync(log)) return;
    const lines = readFileSync(log, 'latin1').split('\n').slice(0, -1);
    for (const line of lines.slice(read)) {
      const marker = /LAB (.*?)\r*$/.exec(line)?.[1];
      if (marker !== undefined) tell('marker', { text: marker });
    }
    read = lines.length;
  };
  watchFile(log, { interval: 100 }, look);
  return look;
}

/** What is emulated from the kernel on, as QEMU's arguments; all of it from what the ROM fetched. */
function board(): string[] {
  const initrd = existsSync(memory('initramfs')) ? ['-initrd', memory('initramfs')] : [];
  const cmdline = readFileSync(memory('cmdline'), 'utf8');
  const netdev = ['-netdev', `tap,id=n0,ifname=${tap},script=no,downscript=no`];
  if (values.machine !== 'virt') {
    const nic = [...netdev, '-device', `usb-net,netdev=n0,mac=${mac}`];
    return ['-M', 'raspi3b', '-dtb', memory('dtb'), ...initrd, '-append', cmdline, ...nic];
  }
  // Not a Pi's board, but fast enough for a whole system (the emulated USB of a Pi's carries 200 KB/s). As on a Pi its card is eth0; it has
  // no screen, and the firmware replaces serial0 by the name of the port that the board has.
  const line = `${cmdline.replaceAll('serial0', 'ttyAMA0')} console=ttyAMA0,115200 net.ifnames=0`;
  const nic = [...netdev, '-device', `virtio-net-pci,netdev=n0,mac=${mac},romfile=`];
  const processor = ['-accel', 'tcg,thread=multi', '-cpu', 'cortex-a53', '-smp', '2', '-m', '1024'];
  return ['-M', 'virt', ...processor, ...initrd, '-append', line, ...nic];
}

/** The machine, on what the ROM fetched. */
function qemu(): void {
  sh('ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap');
  sh('ip', 'link', 'set', tap, 'master', bridge, 'up');
  const console = ['-display', 'none', '-monitor', 'none', '-no-reboot', '-serial', `file:${serialLog}`];
  const words = openSync(memory('qemu.log'), 'w');
  const machine = start(['qemu-system-aarch64', ...board(), '-kernel', memory('kernel'), ...console], 'ignore', words);
  closeSync(words);
  tell('qemu', { pid: machine.pid });
  const look = followMarkers(serialLog);
  machine.once('close', (code) => {
    look();
    unplug();
    if (code === 0) tell('halted', { code });
    else tell('failed', { reason: `QEMU ended with ${code}: ${readFileSync(memory('qemu.log'), 'utf8').trim()}` });
  });
}

process.on('SIGTERM', cutPower);
process.on('SIGINT', cutPower);
// The power supply: when whoever holds it is gone, so is the power.
process.stdin.on('end', cutPower).on('error', cutPower).resume();
process.stdout.on('error', cutPower);

requireTools('ip', 'nsenter', 'setpriv', 'mount', 'umount', 'qemu-system-aarch64');
mkdirSync(workdir, { recursive: true });
hideFolders(values.hide, [workdir, process.execPath, ROM]);
unplug();
// Memory is empty at power-on.
for (const name of ['kernel', 'dtb', 'initramfs', 'cmdline', 'qemu.log']) rmSync(memory(name), { force: true });
rmSync(serialLog, { force: true });
if (await rom()) qemu();
