import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { buildPiImage } from '../lab/image/build.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeLabNetwork } from '../lab/network.ts';
import { boundToUs, LAB_ENV, sh } from '../lab/sh.ts';
import { buildMachine } from '../lab/x86/build.ts';
import { runInMachine } from '../lab/x86/machine.ts';

const PI = { mac: 'b8:27:eb:64:24:7d', address: '10.99.0.21' };
const SERVER = '10.99.0.3';
const LIMIT_MS = 540_000;

inOwnNamespace(
  import.meta.url,
  () => {
    test('an emulated Raspberry Pi 3 boots its root from the kernel’s NFS server', {
      timeout: LIMIT_MS,
    }, async (t) => {
      const image = buildPiImage().path;
      const folder = mkdtempSync(join(tmpdir(), 'bakery-nfsd-root-'));
      const network = await makeLabNetwork([PI]);
      const power = new AbortController();
      for (const tap of ['tapx86', 'tappi']) {
        sh('ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap');
        sh('ip', 'link', 'set', tap, 'master', network.bridge, 'up');
      }
      // As disk.sfdisk lays it out: 64 MiB of FAT at 8 MiB, behind it the root.
      const root = join(folder, 'root.ext4');
      sh('dd', `if=${image}`, `of=${root}`, 'bs=1M', 'skip=72', 'status=none');
      for (const name of ['vmlinuz', 'initrd.img', 'bcm2837-rpi-3-b.dtb'])
        sh('mcopy', '-i', `${image}@@8M`, `::${name}`, join(folder, name));

      const served = Promise.withResolvers<void>();
      const heard = Promise.withResolvers<void>();
      const counts: string[] = [];
      const machine = runInMachine(join(import.meta.dirname, '../lab/x86/serve-root.ts'), {
        limitMs: LIMIT_MS,
        isLong: true,
        files: { 'root.ext4': root },
        nic: { tap: 'tapx86', address: `${SERVER}/24` },
        signal: power.signal,
        onLine: (line) => {
          if (line === 'LAB serving') served.resolve();
          if (line.startsWith('LAB heard ')) counts.push(line);
          if (/^LAB heard true v3 [1-9]/.test(line)) heard.resolve();
        },
      });
      t.after(async () => {
        power.abort();
        await machine;
        await network.close();
        rmSync(folder, { recursive: true, force: true });
      });
      await Promise.race([served.promise, machine.then(({ output }) => assert.fail(output.slice(-2_000)))]);

      const cmdline = `console=ttyAMA0,115200 root=/dev/nfs nfsroot=${SERVER}:/lab/data/nfs/root,vers=3,tcp rw ip=dhcp rootwait`;
      const boot = ['vmlinuz', 'bcm2837-rpi-3-b.dtb', 'initrd.img'].map((name) => join(folder, name));
      const [program = '', ...args] = boundToUs(
        'qemu-system-aarch64',
        ...['-M', 'raspi3b', '-display', 'none', '-monitor', 'none', '-no-reboot', '-serial', 'stdio'],
        ...['-kernel', boot[0] ?? '', '-dtb', boot[1] ?? '', '-initrd', boot[2] ?? '', '-append', cmdline],
        ...['-netdev', 'tap,id=n0,ifname=tappi,script=no,downscript=no'],
        ...['-device', `usb-net,netdev=n0,mac=${PI.mac}`],
      );
      const pi = spawn(program, args, { env: LAB_ENV, stdio: ['ignore', 'pipe', 'inherit'] });
      const said: string[] = [];
      const ended = new Promise<void>((resolve) => pi.once('close', () => resolve()));
      for await (const line of createInterface({ input: pi.stdout })) {
        said.push(line);
        if (/LAB (init-started|failed)/.test(line)) break;
      }
      pi.kill('SIGKILL');
      await ended;
      const markers = said.flatMap((line) => /LAB (.*?)\r*$/.exec(line)?.[1] ?? []);
      assert.deepEqual(markers.slice(-2), ['root-mounted', 'init-started'], said.slice(-20).join('\n'));
      // Its requests were counted, which a boot's `root mounted` is made of.
      await heard.promise;
      assert.equal(counts[0], 'LAB heard false v3 0', 'nobody had asked before');
    });
  },
  {
    outside: () => {
      buildPiImage();
      buildMachine();
    },
  },
);
