import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { findMirror, privateApt } from '../image/apt.ts';
import { run } from '../image/host.ts';
import { needModules } from '../image/modules.ts';
import { archive } from './archive.ts';

/** The builder as a process: `build-main.ts TARGET WORK-PREFIX PACKAGES…`, run by build.ts under its lock. */
const [target, workPrefix, ...also] = process.argv.slice(2);
if (!target || !workPrefix) throw new Error('usage: build-main.ts TARGET WORK-PREFIX PACKAGES…');

const FILES = join(import.meta.dirname, 'files');

/** Packages that others need to be installed or to be configured, which nobody runs here; half of all that there is. Perl itself mounts volumes. */
const UNUSED =
  /^(perl(?!-base$)|python3|lib(python3|perl|semanage|sepol)|lib.*-perl$|usrmerge$|media-types$|dpkg$|tar$|debconf$|adduser$|passwd$)/;

function lines(name: string): string[] {
  return readFileSync(join(FILES, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** The root of the machine, out of packages whose scripts nobody has run. */
async function buildTree(work: string): Promise<{ tree: string; kernel: string }> {
  const apt = privateApt(join(work, 'apt'), findMirror(), 'amd64');
  await apt.update();
  const name = await apt.dependsOn('linux-image-cloud-amd64', /^linux-image-\d.*-cloud-amd64(-unsigned)?$/);
  const version = name.replace(/^linux-image-/, '').replace(/-unsigned$/, '');
  const unpacked = join(work, 'kernel');
  await apt.unpack([name], unpacked);
  const tree = join(work, 'tree');
  const needed = await apt.closureOf([...lines('packages'), ...also]);
  await apt.unpack(
    needed.filter((each) => !UNUSED.test(each)),
    tree,
  );

  const modules = await needModules(unpacked, version, lines('modules'));
  await modules.copyTo(tree);
  for (const folder of ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'src', 'etc/exports.d', 'usr/share/doc']) {
    mkdirSync(join(tree, folder), { recursive: true });
  }
  for (const folder of ['doc', 'man', 'locale', 'info'])
    rmSync(join(tree, 'usr/share', folder), { recursive: true, force: true });
  const place = (text: string, ...at: string[]) => writeFileSync(join(tree, ...at), text);
  place(modules.files.map((file) => `${file}\n`).join(''), 'etc/modules.load');
  place(readFileSync(join(FILES, 'passwd'), 'utf8'), 'etc/passwd');
  place('root:x:0:\nnogroup:x:65534:\n', 'etc/group');
  place('127.0.0.1 localhost\n', 'etc/hosts');
  // As Debian's package makes them when it is configured.
  cpSync(join(tree, 'usr/share/nfs-common/conffiles/nfs.conf'), join(tree, 'etc/nfs.conf'));
  place('# exports(5)\n', 'etc/exports');
  symlinkSync('../proc/self/mounts', join(tree, 'etc/mtab'));
  // busybox's own shell runs its own mount and losetup, whatever PATH says.
  rmSync(join(tree, 'bin/sh'), { force: true });
  symlinkSync('dash', join(tree, 'bin/sh'));
  cpSync(process.execPath, join(tree, 'usr/bin/node'));
  cpSync(join(FILES, 'init'), join(tree, 'init'));
  for (const program of ['usr/bin/node', 'init']) chmodSync(join(tree, program), 0o755);
  return { tree, kernel: join(unpacked, 'boot', `vmlinuz-${version}`) };
}

async function build(path: string, prefix: string): Promise<string> {
  // Another builder may have had the lock before us.
  if (existsSync(path)) return `found ${path}`;
  // We have the lock, so these belong to builders that were killed.
  for (const name of readdirSync(dirname(prefix))) {
    if (name.startsWith(basename(prefix)) && name.length === basename(prefix).length + 6)
      rmSync(join(dirname(prefix), name), { recursive: true, force: true });
  }
  const work = mkdtempSync(prefix);
  try {
    const { tree, kernel } = await buildTree(work);
    const root = join(work, 'root.cpio');
    closeSync(openSync(root, 'w'));
    await archive(tree, root);
    cpSync(kernel, `${path}.vmlinuz`);
    await run('sync', [root, `${path}.vmlinuz`]);
    renameSync(root, path);
    return `built ${path}`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

process.stdout.write(`${await build(target, workPrefix)}\n`);
