// npm modules, the pinned Node among them.
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal, run } from './run.mjs';

/**
 * Installs the npm modules when they are missing or not those of package-lock.json. Scripts of packages are never run:
 * everything Bakery uses comes ready-built.
 */
export async function installModules(root, { command }) {
  const withDev = !['start', 'stop', 'lab'].includes(command);
  const wanted = readLock(join(root, 'package-lock.json'));
  if (!wanted) throw new Refusal('package-lock.json is missing: this is not a whole checkout');
  const why = whatDiffers(wanted, readLock(join(root, 'node_modules', '.package-lock.json')), { withDev });
  if (!why) return;
  // npm empties the folder first, and through a link that of another checkout.
  if (isLink(join(root, 'node_modules'))) {
    throw new Refusal(`${why}, and node_modules is a link: remove it, or run npm ci in the checkout that it leads to`);
  }
  // Warnings would be about the Node that runs npm, which is not the one that runs Bakery.
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const args = ['ci', '--ignore-scripts', ...quiet, '--include=dev', '--include=optional'];
  console.error(`bakery: ${why}; running npm ${args.join(' ')}`);
  const { code, signal } = await run('npm', args);
  if (code !== 0) throw new Refusal(`npm ci failed (${signal ?? `exit status ${code}`})`);
}

/**
 * Why `installed` (npm's own record in node_modules) is not what `wanted` (package-lock.json) says, or undefined when it is. What
 * npm leaves out is fine: optional packages for another system, and development packages unless `withDev`.
 */
export function whatDiffers(wanted, installed, { withDev }) {
  if (!installed) return 'npm modules are not installed yet';
  for (const [path, entry] of Object.entries(wanted.packages)) {
    if (path === '') continue;
    const there = installed.packages[path];
    if (!there) {
      if (entry.optional || (!withDev && (entry.dev || entry.devOptional))) continue;
      return `npm module ${path.replace(/^.*node_modules\//, '')} is missing`;
    }
    if (there.version !== entry.version || there.integrity !== entry.integrity) {
      return `npm module ${path.replace(/^.*node_modules\//, '')} is not the version of package-lock.json`;
    }
  }
  return undefined;
}

function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function readLock(path) {
  try {
    const lock = JSON.parse(readFileSync(path, 'utf8'));
    return lock.packages ? lock : undefined;
  } catch {
    return undefined;
  }
}

/** The Node that Bakery is made for. It comes as an npm package for each platform that it supports. */
export function pinnedNode(root, { platform = process.platform, arch = process.arch } = {}) {
  if (platform !== 'linux' || !['x64', 'arm64'].includes(arch)) {
    throw new Refusal(`Bakery runs on Linux on x64 and arm64; this is ${platform} on ${arch}`);
  }
  const node = join(root, 'node_modules', `node-linux-${arch}`, 'bin', 'node');
  if (!existsSync(node))
    throw new Refusal(`npm did not install the package node-linux-${arch}; remove node_modules and try again`);
  return node;
}
