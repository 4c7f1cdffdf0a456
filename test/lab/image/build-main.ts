import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { findMirror, privateApt } from './apt.ts';
import { buildImage } from './image.ts';
import { needModules } from './modules.ts';
import { readList } from './tree.ts';

/** The builder as a process: `build-main.ts TARGET WORK-PREFIX`, run by build.ts under its lock. */
const [target, workPrefix] = process.argv.slice(2);
if (!target || !workPrefix) throw new Error('usage: build-main.ts TARGET WORK-PREFIX');

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest('hex');
}

async function build(path: string, prefix: string): Promise<string> {
  // Another builder may have had the lock before us.
  if (existsSync(path)) return `found ${path}`;
  const began = Date.now();
  // We have the lock, so these belong to builders that were killed.
  for (const name of readdirSync(dirname(prefix))) {
    if (/^[A-Za-z0-9]{6}$/.test(name.slice(basename(prefix).length)) && name.startsWith(basename(prefix)))
      rmSync(join(dirname(prefix), name), { recursive: true, force: true });
  }
  const work = mkdtempSync(prefix);
  try {
    const apt = privateApt(join(work, 'apt'), findMirror());
    await apt.update();
    const kernel = await apt.dependsOn('linux-image-arm64', /^linux-image-\d.*-arm64(-unsigned)?$/);
    const unpacked = join(work, 'unpacked');
    await apt.unpack(['raspi-firmware', kernel, 'busybox-static'], unpacked);
    const version = kernel.replace(/^linux-image-/, '').replace(/-unsigned$/, '');
    const modules = await needModules(unpacked, version, readList('modules'));
    const image = join(work, 'image');
    await buildImage({ unpacked, version, modules, work }, image);
    const sum = await sha256(image);
    chmodSync(image, 0o444);
    writeFileSync(`${path}.sha256`, `${sum}\n`);
    renameSync(image, path);
    return `built ${path} with ${kernel} in ${((Date.now() - began) / 1000).toFixed(0)} s`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

process.stdout.write(`${await build(target, workPrefix)}\n`);
