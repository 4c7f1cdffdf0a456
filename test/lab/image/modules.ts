import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { run } from './host.ts';

/** One module name for every way of writing it. */
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.xz)?$/, '')
    .replaceAll('-', '_');
}

/**
 * The files of the wanted modules and all they depend on, each after its dependencies; paths as in modules.dep. What the
 * kernel has built in is left out; what it lacks altogether is an error.
 */
export function loadOrder(wanted: readonly string[], modulesDep: string, modulesBuiltin: string): string[] {
  const dependencies = new Map<string, string[]>();
  const files = new Map<string, string>();
  for (const line of modulesDep.split('\n').filter(Boolean)) {
    const [file = '', rest = ''] = line.split(':');
    files.set(moduleName(file), file);
    dependencies.set(file, rest.split(' ').filter(Boolean));
  }
  const builtin = new Set(modulesBuiltin.split('\n').filter(Boolean).map(moduleName));
  const order = new Set<string>();
  const add = (file: string): void => {
    if (order.has(file)) return;
    for (const needed of dependencies.get(file) ?? []) add(needed);
    order.add(file);
  };
  for (const name of wanted.map(moduleName)) {
    const file = files.get(name);
    if (file !== undefined) add(file);
    else if (!builtin.has(name)) throw new Error(`the kernel has no module ${name}`);
  }
  return [...order];
}

/** The modules of an unpacked kernel package that the image needs. */
export interface Modules {
  /** In load order, as paths in the trees, decompressed. */
  readonly files: readonly string[];
  /** Copies them, with their modules.dep, into a tree. */
  copyTo(tree: string): Promise<void>;
}

/** Works out the modules; the package itself has no modules.dep yet, it is made when the package is configured. */
export async function needModules(unpacked: string, version: string, wanted: readonly string[]): Promise<Modules> {
  await run('depmod', ['-b', unpacked, version]);
  const home = join('lib/modules', version);
  const text = (name: string): string => readFileSync(join(unpacked, home, name), 'utf8');
  const order = loadOrder(wanted, text('modules.dep'), text('modules.builtin'));
  return {
    files: order.map((file) => join('/', home, file.replace(/\.xz$/, ''))),
    copyTo: async (tree) => {
      for (const file of order) {
        const target = join(tree, home, file);
        mkdirSync(dirname(target), { recursive: true });
        cpSync(join(unpacked, home, file), target);
        // busybox's insmod knows no xz.
        if (file.endsWith('.xz')) await run('xz', ['-d', target]);
      }
      for (const name of ['modules.builtin', 'modules.order']) writeFileSync(join(tree, home, name), text(name));
      await run('depmod', ['-b', tree, version]);
    },
  };
}
