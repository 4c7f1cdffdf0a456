import { writeSync } from 'node:fs';
import { restoreByCommand } from '../../server/reconcile/backups-commands.ts';

/** The command restore, held at one point until somebody kills it: `restore-main.ts ROOT FILE POINT`. */
const [root = '', file = '', held = ''] = process.argv.slice(2);

await restoreByCommand({ root, database: undefined }, file, (point) => {
  if (point !== held) return;
  writeSync(1, `at ${point}\n`);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
