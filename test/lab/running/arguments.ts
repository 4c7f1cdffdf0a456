import { parseArgs } from 'node:util';

/** What a lab is asked for. */
export interface LabWish {
  readonly pis: number;
  /** The port of the API on 127.0.0.1; 0 picks one. */
  readonly httpPort: number;
  /** The first Pi is an emulated Raspberry Pi 3. */
  readonly isEmulated: boolean;
  /** Where its data is kept; absent: nowhere. */
  readonly keep?: string;
}

/** Something that a person has to say otherwise; told without a stack. */
export class LabRefusal extends Error {}

/** Its wire has room for more, but each Pi that runs is a process of some 50 MB. */
export const MOST_PIS = 40;
const USUAL_PIS = 4;
const USUAL_PORT = 8080;

/** The text of `--help`. */
export const LAB_HELP = `usage: npm start -- --lab [N] [flags]

A Bakery of its own with N virtual Raspberry Pis (1 to ${MOST_PIS}, default ${USUAL_PIS}) on a simulated switch and a sample
bakeform. As root all of it is in namespaces of its own: nothing reaches this machine's network, and nothing of it is left
at its end (Ctrl-C). Only the API can be reached, from this machine. Without root there is no DHCP and no NFS: Pis come
into the fridge and are switched, but nothing can be baked.

  --http-port N   port of the API on 127.0.0.1 [${USUAL_PORT}]; 0 picks one
  --qemu          the first Pi is an emulated Raspberry Pi 3 (QEMU), with a kernel and a serial console; as root
  --keep DIR      keep its data in that folder, a new one or that of a lab; the next lab with it goes on there, under
                  another token [kept nowhere]
  --yes           as root: install the Debian packages that it needs without asking
  --help, -h      this text
In the environment LOG_LEVEL says how much its server logs [warn]. More: docs/lab.md.
`;

function whole(text: string, what: string, [least, most]: readonly [number, number]): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new LabRefusal(`${what} is a number from ${least} to ${most}, not ${text}`);
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        'http-port': { type: 'string' },
        keep: { type: 'string' },
        qemu: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Behind the first sentence Node says how a value may begin with a dash.
    const [words = ''] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw new LabRefusal(`${words}\n\n${LAB_HELP}`);
  }
}

/** Reads what stands behind `--lab`; `help` when that is what is asked for. @throws LabRefusal */
export function parseLabArguments(argv: readonly string[]): LabWish | 'help' {
  const { values, positionals } = parsed(argv);
  if (values.help) return 'help';
  const [count = String(USUAL_PIS), ...more] = positionals;
  if (more.length > 0) throw new LabRefusal(`there is no use for ${more.join(' ')}\n\n${LAB_HELP}`);
  if (values.keep === '') throw new LabRefusal('--keep needs a folder');
  return {
    pis: whole(count, 'how many Pis', [1, MOST_PIS]),
    httpPort: whole(values['http-port'] ?? String(USUAL_PORT), '--http-port', [0, 65_535]),
    isEmulated: values.qemu === true,
    ...(values.keep === undefined ? {} : { keep: values.keep }),
  };
}
