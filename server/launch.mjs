#!/usr/bin/env node
// The way into a checkout: installs what is missing, then runs the pinned Node. Plain JavaScript without dependencies,
// because it must run on any Node from 18 on and before anything is installed.
import { fileURLToPath } from 'node:url';
import { parseArguments, USAGE } from './launch/arguments.mjs';
import { commandsFor } from './launch/commands.mjs';
import { installModules, pinnedNode } from './launch/modules.mjs';
import { ensurePackages } from './launch/packages.mjs';
import { endLike, isInteractive, Refusal, run } from './launch/run.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

async function main() {
  const plan = parseArguments(process.argv.slice(2), process.env);
  if (plan.command === 'help') return console.log(USAGE);
  if (plan.needsRoot && process.getuid?.() !== 0) {
    throw new Refusal(`the tests mount file systems and make network namespaces, so they need root:\n  ${plan.asRoot}`);
  }
  process.chdir(root);
  await installModules(root, plan);
  // A lab without root is less than one with it, and needs none of them.
  const isLess = plan.command === 'lab' && process.getuid?.() !== 0;
  if (plan.packages !== 'none' && !isLess) await ensurePackages({ ...plan, ask: isInteractive() });
  const node = pinnedNode(root);

  const commands = commandsFor(plan, {
    root,
    node,
    path: process.env.PATH ?? '',
    colors: Boolean(process.stdout.isTTY),
  });
  const failed = [];
  for (const { name, program, args, env } of commands) {
    const end = await run(program, args, { env: { ...process.env, ...env } });
    // One command is the whole purpose: end as it ended. Several are checks: all of them are run and told.
    if (commands.length === 1) return endLike(end);
    if (end.signal) return endLike(end);
    if (end.code !== 0) failed.push(name);
  }
  const passed = commands.map(({ name }) => name).filter((name) => !failed.includes(name));
  console.log(`passed: ${passed.join(', ') || 'none'}${failed.length > 0 ? `; FAILED: ${failed.join(', ')}` : ''}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

main().catch((error) => {
  console.error(error instanceof Refusal ? `bakery: ${error.message}` : error);
  process.exitCode = error instanceof Refusal ? 2 : 1;
});
