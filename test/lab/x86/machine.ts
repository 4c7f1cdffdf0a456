import { spawn } from 'node:child_process';
import {
  cpSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { boundToUs, LAB_ENV, requireTools } from '../sh.ts';
import { archive } from './archive.ts';
import { buildMachine } from './build.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');
/** What a test or a bench of the exports runs. */
const SOURCES = ['package.json', 'core', 'exports', 'test/bench', 'test/contract', 'test/lab', 'test/sizes.ts'];
const PACKAGES = ['execa', 'zod'];

/** A package and all that it needs, by name. */
function packagesOf(names: readonly string[], found = new Set<string>()): ReadonlySet<string> {
  for (const name of names.filter((each) => !found.has(each))) {
    found.add(name);
    const text = readFileSync(join(REPOSITORY, 'node_modules', name, 'package.json'), 'utf8');
    const { dependencies = {} } = JSON.parse(text) as { dependencies?: Readonly<Record<string, string>> };
    packagesOf(Object.keys(dependencies), found);
  }
  return found;
}

/** How a machine is run. */
export interface MachineOptions {
  readonly limitMs: number;
  readonly isLong: boolean;
  /** Debian packages that it has beside its own. */
  readonly packages?: readonly string[];
  /** Its memory; 2048. */
  readonly memoryMib?: number;
  /** Copied into /src, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Its one network card: a tap of this network namespace, and the address that it has. */
  readonly nic?: { readonly tap: string; readonly address: string };
  /** Told each line of its console. */
  readonly onLine?: (line: string) => void;
  /** Its power. */
  readonly signal?: AbortSignal;
}

/** The first root: the machine's, and our sources in /src. */
async function writeRoot(
  machineRoot: string,
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const sources = join(folder, 'tree', 'src');
  mkdirSync(sources, { recursive: true });
  for (const name of SOURCES) cpSync(join(REPOSITORY, name), join(sources, name), { recursive: true });
  for (const [name, file] of Object.entries(files)) cpSync(file, join(sources, name));
  const modules = realpathSync(join(REPOSITORY, 'node_modules'));
  for (const name of packagesOf(PACKAGES)) {
    cpSync(join(modules, name), join(sources, 'node_modules', name), { recursive: true });
  }
  await archive(join(folder, 'tree'), join(folder, 'src.cpio'));
  const whole = join(folder, 'root.cpio');
  await pipeline(createReadStream(machineRoot), createWriteStream(whole));
  await pipeline(createReadStream(join(folder, 'src.cpio')), createWriteStream(whole, { flags: 'a' }));
  return whole;
}

/** What ran in the machine. */
export interface MachineRun {
  /** Exit code of the test file; undefined when the machine ended, or was ended, before it. */
  readonly code: number | undefined;
  /** The serial console. */
  readonly output: string;
}

/**
 * Runs a test file in an emulated x86 machine of its own, with Debian's kernel and this Node; no network. Without KVM: it needs no more rights
 * than its caller, and is some ten times slower than this machine.
 */
export async function runInMachine(file: string, options: MachineOptions): Promise<MachineRun> {
  requireTools('qemu-system-x86_64', 'cpio', 'flock', 'depmod', 'dpkg-deb');
  const machine = buildMachine(options.packages);
  const folder = mkdtempSync(join(tmpdir(), 'bakery-x86-'));
  try {
    const root = await writeRoot(machine.root, folder, options.files ?? {});
    // no_timer_check: on a busy machine the emulated timer is late, which the kernel would take for a broken one.
    const words = [
      'console=ttyS0',
      'quiet',
      'panic=-1',
      'no_timer_check',
      'mitigations=off',
      `lab.file=${relative(REPOSITORY, file)}`,
    ];
    if (options.isLong) words.push('lab.long=1');
    const nic = options.nic;
    if (nic) words.push(`lab.address=${nic.address}`);
    const cable = nic
      ? [
          '-netdev',
          `tap,id=n0,ifname=${nic.tap},script=no,downscript=no`,
          '-device',
          'virtio-net-pci,netdev=n0,romfile=',
        ]
      : ['-nic', 'none'];
    const argv = boundToUs(
      'qemu-system-x86_64',
      ...[
        '-accel',
        'tcg,thread=multi',
        '-cpu',
        'max',
        '-M',
        'q35',
        '-smp',
        '2',
        '-m',
        `${options.memoryMib ?? 2048}`,
        '-nodefaults',
        '-no-reboot',
      ],
      ...['-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
      ...['-kernel', machine.kernel, '-initrd', root, '-append', words.join(' ')],
    );
    return await watch([...argv, ...cable], options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function watch(argv: readonly string[], options: MachineOptions): Promise<MachineRun> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env: LAB_ENV, cwd: dirname(REPOSITORY) });
  let output = '';
  let told = 0;
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    const plain = text.replaceAll('\r', '');
    output += plain;
    process.stdout.write(plain);
    const lines = output.split('\n');
    for (const line of lines.slice(told, -1)) options.onLine?.(line);
    told = lines.length - 1;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), options.limitMs);
  const cut = () => child.kill('SIGKILL');
  if (options.signal?.aborted) cut();
  options.signal?.addEventListener('abort', cut);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  clearTimeout(timer);
  const code = /^LAB exit (\d+)$/m.exec(output)?.[1];
  return { code: code === undefined ? undefined : Number(code), output };
}
