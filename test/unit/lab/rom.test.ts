import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import type { RomRequest } from '../../lab/rom/ask.ts';
import { bootRom } from '../../lab/rom/boot.ts';
import { createRomTftp } from '../../lab/rom/tftp.ts';
import { type Quirks, startTinyTftp } from './tiny-tftp.ts';

type Files = Readonly<Record<string, Buffer | string>>;

const S = '5564247d';
const TSIZE = ['tsize', '0'];
const boot: Files = {
  'start.elf': Buffer.alloc(3000, 's'),
  'fixup.dat': 'fixup',
  'config.txt': 'arm_64bit=1\ninclude more.txt\n',
  'more.txt': '[pi3]\ninitramfs initrd followkernel\n',
  'bcm2710-rpi-3-b.dtb': Buffer.alloc(1024, 'd'),
  'cmdline.txt': 'console=ttyAMA0 root=/dev/nfs \nsecond line\n',
  'kernel8.img': Buffer.alloc(5000, 'k'),
  initrd: Buffer.alloc(512, 'i'),
};
const rack: Files = {
  'bootcode.bin': 'bootcode',
  ...Object.fromEntries(Object.entries(boot).map(([name, content]) => [`${S}/${name}`, content])),
};

/** A server, and how to ask it; a real Pi's ports may be taken here, so the kernel picks them unless a test looks. */
async function server(context: TestContext, files: Files, quirks?: Quirks) {
  const tftp = await startTinyTftp(files, quirks);
  context.after(() => tftp.close());
  const settings = {
    server: '127.0.0.1',
    port: tftp.port,
    firstPort: 0,
    fileTimeoutMs: 2_000,
    resendMs: 100,
    serial: S,
    model: '3b' as const,
  };
  return { seen: tftp.seen, settings };
}
const told = ({ path, outcome }: RomRequest) => `${path.replace(`${S}/`, 'S/')} ${outcome}`;

/** netboot-facts §2.3, "x2" as a probe and a read; more.txt belongs to config.txt, initrd stands where a Pi 4 asks for it. */
const config = ['S/config.txt exists', 'S/config.txt fetched', 'S/more.txt exists', 'S/more.txt fetched'];
const ORDER = [
  'bootcode.bin fetched',
  'bootsig.bin missing',
  'S/start.elf exists',
  'S/autoboot.txt missing',
  'S/config.txt fetched',
  'S/recovery.elf missing',
  'S/start.elf fetched',
  'S/fixup.dat fetched',
  'S/recovery.elf missing',
  ...config,
  'S/dt-blob.bin missing',
  'S/recovery.elf missing',
  ...config,
  'S/bootcfg.txt missing',
  'S/initrd fetched',
  'S/bcm2710-rpi-3-b.dtb exists',
  'S/bcm2710-rpi-3-b.dtb fetched',
  'S/overlays/overlay_map.dtb missing',
  ...config,
  'S/cmdline.txt exists',
  'S/cmdline.txt fetched',
  'S/recovery8.img missing',
  'S/kernel8.img exists',
  'S/armstub8.bin missing',
  'S/kernel8.img exists',
  'S/kernel8.img fetched',
];

describe('the boot of a Pi 3B', () => {
  test('asks in the order of a real one, each time from the next port', async (context) => {
    const { seen, settings } = await server(context, rack);
    const heard: RomRequest[] = [];
    // Above the ports that Linux gives away itself.
    const firstPort = 61_100;
    const run = await bootRom({ ...settings, firstPort, onRequest: (request) => heard.push(request) });
    assert.equal(run.failure, undefined);
    assert.deepEqual(heard.map(told), ORDER);
    assert.deepEqual(run.requests, heard);
    assert.deepEqual(
      seen.ports,
      heard.map((_, index) => firstPort + index),
    );
    // No options from the ROM, tsize from the firmware.
    assert.deepEqual(seen.asked.slice(0, 3), ['bootcode.bin', 'bootsig.bin', `${S}/start.elf tsize 0`]);
    assert.ok(seen.asked.slice(2).every((asked) => asked.endsWith(' tsize 0')));
    // Probes, and nothing else, end with ERROR 0.
    const probes = heard.filter(({ outcome }) => outcome === 'exists').map(({ path }) => `${path}: 0 Early terminate`);
    assert.deepEqual(seen.errors, probes);
  });

  test('ends with the bytes that it fetched', async (context) => {
    const { settings } = await server(context, rack);
    const { boot: got, requests } = await bootRom(settings);
    assert.equal(got?.prefix, `${S}/`);
    assert.equal(got.cmdline, 'console=ttyAMA0 root=/dev/nfs');
    assert.deepEqual(
      [got.kernel, got.deviceTree, got.initramfs],
      [boot['kernel8.img'], boot['bcm2710-rpi-3-b.dtb'], boot.initrd],
    );
    assert.equal(requests.at(-1)?.sha256, createHash('sha256').update(got.kernel).digest('hex'));
    assert.equal(requests.at(-1)?.bytes, 5000);
  });

  test('takes everything from the root when its folder has no start.elf', async (context) => {
    const { settings } = await server(context, { 'bootcode.bin': 'b', ...boot });
    const { boot: got, requests } = await bootRom(settings);
    assert.equal(got?.prefix, '');
    assert.deepEqual(requests.filter(({ path }) => path.startsWith(S)).map(told), ['S/start.elf missing']);
  });

  test('waits the time of one file for a server that is silent about its folder, then takes the root', async (context) => {
    const quirks = { deaf: { [`${S}/start.elf`]: 99 } };
    const { settings, seen } = await server(context, { 'bootcode.bin': 'b', ...boot }, quirks);
    const { boot: got, requests } = await bootRom({ ...settings, fileTimeoutMs: 500 });
    assert.equal(got?.prefix, '');
    assert.equal(requests[2]?.outcome, 'timeout');
    const ports = seen.ports.filter((_, index) => seen.asked[index]?.startsWith(S));
    assert.ok(ports.length > 1 && new Set(ports).size === 1, 'sent again from the same port');
  });

  test('goes on without an initramfs that only auto_initramfs asks for', async (context) => {
    const { settings } = await server(context, { ...rack, [`${S}/config.txt`]: 'arm_64bit=1\nauto_initramfs=1' });
    const { boot: got, requests } = await bootRom(settings);
    assert.ok(got && got.initramfs === undefined);
    assert.ok(requests.map(told).includes('S/initramfs8 missing'));
  });

  for (const name of ['kernel8.img', 'bcm2710-rpi-3-b.dtb', 'cmdline.txt', 'initrd']) {
    test(`stops at a missing ${name} and says so`, async (context) => {
      const files = Object.fromEntries(Object.entries(rack).filter(([path]) => path !== `${S}/${name}`));
      const { settings } = await server(context, files);
      const { boot: got, failure } = await bootRom(settings);
      assert.deepEqual([got, failure], [undefined, `no ${S}/${name} (missing)`]);
    });
  }

  test('stops at a missing bootcode.bin and asks for nothing more', async (context) => {
    const { settings } = await server(context, boot);
    const { failure, requests } = await bootRom(settings);
    assert.match(failure ?? '', /^no bootcode\.bin \(missing\)/);
    assert.equal(requests.length, 1);
  });

  test('stops at its limit when nobody answers', async (context) => {
    const { settings } = await server(context, rack, { deaf: { 'bootcode.bin': 99 } });
    const { failure, requests } = await bootRom({ ...settings, fileTimeoutMs: 300 });
    assert.match(failure ?? '', /^no bootcode\.bin \(timeout\)/);
    assert.ok((requests[0]?.ms ?? 0) >= 290, `${requests[0]?.ms} ms`);
  });

  test('refuses a file of more blocks than there are numbers', async (context) => {
    const { settings } = await server(context, rack);
    const { failure } = await bootRom({ ...settings, maxBlocks: 9 });
    assert.equal(failure, `${S}/kernel8.img has more blocks than there are numbers`);
  });
});

describe('the TFTP client of the ROM', () => {
  test('asks again from the same port until it is heard', async (context) => {
    const { settings, seen } = await server(context, { file: 'x' }, { deaf: { file: 2 } });
    assert.equal((await createRomTftp(settings).fetch('file', [])).outcome, 'fetched');
    assert.equal(seen.ports.length, 3);
    assert.equal(new Set(seen.ports).size, 1);
  });

  for (const noOack of [false, true]) {
    test(`reads files of whole blocks and of none ${noOack ? 'without' : 'with'} OACK`, async (context) => {
      const files = { empty: '', whole: Buffer.alloc(1024, 'w'), more: Buffer.alloc(1025, 'm') };
      const { settings } = await server(context, files, { noOack });
      for (const [name, content] of Object.entries(files))
        assert.deepEqual((await createRomTftp(settings).fetch(name, TSIZE)).data, Buffer.from(content), name);
    });
  }

  test('acknowledges a block that comes twice twice, and keeps it once', async (context) => {
    const content = Buffer.alloc(1300, 'abc');
    const { settings, seen } = await server(context, { file: content }, { twice: true });
    assert.deepEqual((await createRomTftp(settings).fetch('file', [])).data, content);
    assert.deepEqual(seen.acks.get('file')?.slice(0, 4), [1, 1, 2, 2]);
  });

  test('passes over what comes from another port', async (context) => {
    const content = Buffer.alloc(1300, 'abc');
    const { settings } = await server(context, { file: content }, { foreign: true });
    assert.deepEqual((await createRomTftp(settings).fetch('file', TSIZE)).data, content);
  });

  test('reads a file of as many blocks as there are numbers, and none of one more', async (context) => {
    const files = { most: Buffer.alloc(3 * 512 - 1, 'x'), over: Buffer.alloc(3 * 512, 'x') };
    const { settings } = await server(context, files);
    const tftp = createRomTftp({ ...settings, maxBlocks: 3 });
    assert.equal((await tftp.fetch('most', [])).bytes, files.most.length);
    const { outcome, bytes, data } = await tftp.fetch('over', []);
    assert.deepEqual([outcome, bytes, data], ['too-large', 0, undefined]);
  });
});
