import { readSync, writeSync } from 'node:fs';
import { pino } from 'pino';
import { systemClock } from '../../core/host/clock.ts';
import { composeServer } from '../../server/compose.ts';
import { readConfig } from '../../server/config.ts';
import { toyKind } from './switches/toy-kind.ts';

/**
 * The server as main.ts starts it, with its seams connected to a test: every point of the journal, the end of every child
 * process and each answer of the NFS server, is written to pipe 3. At the point that the test names (over IPC) the whole process stops in a read of pipe 4, to
 * which nobody ever writes: so it stands exactly there when SIGKILL comes from outside.
 */
const [TOLD, HELD_BY] = [3, 4];

/**
 * `hold`: stop at the nth time of that point. `fail`: what the step did there counts as failed. `passMs`: so much time passes at once, by the
 * clock that nobody can set.
 */
export interface Order {
  readonly hold?: { readonly point: string; readonly nth: number };
  readonly fail?: string;
  readonly passMs?: number;
}

/** What happens while it starts is ordered in the environment. */
let order: Order = JSON.parse(process.env.BAKERY_TEST_ORDER ?? '{}');
/**
 * How often its loops run, by their names, in ms, so that what they begin need not be waited for. Of those of all tests one looks at a file,
 * the other does nothing unless it is told to by a setting. Of those that a test names each round is told when it is over.
 */
const named: Readonly<Record<string, number>> = JSON.parse(process.env.BAKERY_TEST_PACE ?? '{}');
const pace: Readonly<Record<string, number>> = { heal: 100, 'boot-retries': 100, ...named };
let seen = 0;
let passedMs = 0;
process.on('message', (message: Order) => {
  order = message;
  seen = 0;
  passedMs += message.passMs ?? 0;
  process.send?.('armed');
});

function at(point: string): void {
  writeSync(TOLD, `${point}\n`);
  if (order.hold?.point === point && ++seen === order.hold.nth) {
    writeSync(TOLD, `HELD ${point}\n`);
    readSync(HELD_BY, Buffer.alloc(1));
  }
  if (order.fail === point) {
    order = order.hold ? { hold: order.hold } : {};
    throw new Error(`the test wants a failure at ${point}`);
  }
}

/** What a child process is for: its program and the first argument that is a word (`losetup --detach`). */
function nameOf(program: string, args: readonly string[]): string {
  const verb = args.find((arg) => /^-*[a-z][a-z-]*(?==|$)/i.test(arg))?.split('=')[0] ?? '';
  return `exec ${program} ${verb}`.trim();
}

const log = pino({ level: 'info' });
const server = await composeServer(readConfig([], process.env), log, '0.0.0', {
  gate: at,
  clock: { ...systemClock, monotonic: () => systemClock.monotonic() + passedMs },
  loop: (loop) => ({
    ...loop,
    everyMs: pace[loop.name] ?? loop.everyMs,
    async run() {
      await loop.run();
      if (loop.name in named) at(`round ${loop.name}`);
    },
  }),
  // No board hangs on these ports that has to be without power for a while, and no switch that comes to itself in one.
  power: { minOffMs: 100, retryDelaysMs: [50, 100, 200] },
  switchKinds: [toyKind],
  // On every machine the same: it tries, and the kernel refuses what needs the capability, as it does in a container that lacks it.
  growsMounted: true,
  exec: (inner) => async (program, args, options) => {
    const result = await (program === 'resize2fs'
      ? inner('setpriv', ['--bounding-set=-sys_resource', program, ...args], options)
      : inner(program, args, options));
    at(nameOf(program, args));
    return result;
  },
  bus: (inner) => async (call) => {
    const values = await inner(call);
    at(`bus ${call.method}`);
    return values;
  },
});
for (const line of server.readyLines) process.stdout.write(`${line}\n`);
// Not `once`: see main.ts.
process.on('SIGTERM', () => server.close(20_000).then(() => process.exit(0)));
process.once('disconnect', () => process.exit(1));
