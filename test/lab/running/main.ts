import { randomBytes } from 'node:crypto';
import { LAB_HELP, LabRefusal, parseLabArguments } from './arguments.ts';
import { runInside } from './outside.ts';
import { runRootless } from './rootless.ts';

/** `npm start -- --lab`. */
const REFUSED = 2;

async function main(argv: readonly string[]): Promise<number> {
  const wish = parseLabArguments(argv);
  if (wish === 'help') {
    process.stdout.write(LAB_HELP);
    return 0;
  }
  if (wish.isEmulated && process.getuid?.() !== 0)
    throw new LabRefusal('--qemu needs root: it boots from an NFS export');
  const token = `lab-${randomBytes(12).toString('hex')}`;
  return process.getuid?.() === 0 ? runInside(wish, token) : runRootless(wish, token);
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`bakery lab: ${error instanceof Error ? error.message : error}\n`);
  return error instanceof LabRefusal ? REFUSED : 1;
});
