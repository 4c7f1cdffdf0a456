import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { exec } from '../../core/host/exec.ts';
import { createPathMtu } from '../../core/host/path-mtu.ts';
import type { Ipv4 } from '../../core/ids.ts';
import { startTftpServer, type TftpServer } from '../../netboot/tftp/server.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { type LabNetwork, makeLabNetwork } from '../lab/network.ts';
import { LAB_ENV, requireTools, sh } from '../lab/sh.ts';
import { isLongRun, size } from '../sizes.ts';

const US = '10.99.0.1' as Ipv4;
/** A second address of ours on the same wire: what is sent without a thought leaves from the first. */
const SECOND = '10.99.0.77' as Ipv4;
const CLIENT = '/run/netns/stranger';
const run = promisify(execFile);
/** Packets to our transfers and to the client's, on their way in: dropped on the way out, a sender would notice. */
const LOSSY = 'type filter hook input priority 0; policy accept;';

type Client = (name: string, to: string) => readonly string[];
const atftp =
  (...options: readonly string[]): Client =>
  (name, to) => ['atftp', ...options.flatMap((one) => ['--option', one]), '-g', '-r', name, '-l', to, US];
const curl =
  (...options: readonly string[]): Client =>
  (name, to) => ['curl', '-sS', ...options, '-o', to, `tftp://${US}/${name}`];
const busybox =
  (...options: readonly string[]): Client =>
  (name, to) => ['busybox', 'tftp', ...options, '-g', '-r', name, '-l', to, US];
const NPM = fileURLToPath(new URL('../lab/npm-tftp.ts', import.meta.url));
const npm =
  (window: number): Client =>
  (name, to) => [process.execPath, '--no-deprecation', NPM, US, String(window), name, to];
const hpa: Client = (name, to) => ['tftp', '-m', 'binary', US, '-c', 'get', name, to];

const CLIENTS: Record<string, Client> = {
  'tftp-hpa': hpa,
  curl: curl(),
  'curl without options': curl('--tftp-no-options'),
  'curl, blksize 1468': curl('--tftp-blksize', '1468'),
  atftp: atftp('tsize', 'timeout 2'),
  'atftp, window 4': atftp('blksize 1468', 'windowsize 4'),
  'atftp, window 16': atftp('blksize 1468', 'windowsize 16'),
  busybox: busybox(),
  'busybox, blksize 1468': busybox('-b', '1468'),
  'npm tftp, window 1': npm(1),
  'npm tftp, window 4': npm(4),
};
/** Those that get a file in spite of losses: the npm module gives up at one in a window. */
const HARDY = Object.entries(CLIENTS).filter(([name]) => !name.startsWith('npm'));
/** Around one block, whole blocks of 512 and of 1468, and what the server reads in more than one go. */
const SIZES = [0, 1, 511, 512, 513, 1024, 1468 * 3, 1468 * 16, 400_001];

inOwnNamespace(import.meta.url, () => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-interop-'));
  const [files, got] = [join(folder, 'files'), join(folder, 'got')];
  const contents = new Map<string, Buffer>();
  let network: LabNetwork | undefined;
  let server: TftpServer | undefined;
  const asked: Ipv4[] = [];
  let fetches = 0;
  let now = 0;

  function put(name: string, data: Buffer): string {
    contents.set(name, data);
    writeFileSync(join(files, name), data);
    return name;
  }
  const inside = (...argv: readonly string[]) =>
    run('nsenter', [`--net=${CLIENT}`, ...argv], { env: LAB_ENV, timeout: 300_000 });
  /** Fetches with a real client, and throws where what came is not what is here. */
  async function fetch(client: Client, name: string): Promise<void> {
    const to = join(got, String(fetches++));
    // An OACK that comes again because the ACK of it was lost (RFC 2347) is a fault to atftp 0.8. A person tries again.
    for (let tries = 1; ; tries++) {
      const failed = await inside(...client(name, to)).then(
        () => undefined,
        (error: Error) => error,
      );
      if (!failed) break;
      if (tries === 5 || !failed.message.includes('unexpected OACK')) throw failed;
    }
    // Of an empty file some clients make no file.
    const data = existsSync(to) ? readFileSync(to) : Buffer.alloc(0);
    assert.ok(contents.get(name)?.equals(data), `${name}: ${data.length} bytes came`);
    rmSync(to, { force: true });
  }

  before(async () => {
    requireTools('atftp', 'busybox', 'curl', 'nft', 'tftp');
    for (const one of [files, got]) mkdirSync(one);
    network = await makeLabNetwork([]);
    sh('ip', 'addr', 'add', `${SECOND}/24`, 'dev', network.bridge);
    server = await startTftpServer({
      addresses: [US, SECOND],
      port: 69,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      pathMtu: createPathMtu(exec, { monotonic: () => now }),
      async resolve({ filename, localAddress }) {
        asked.push(localAddress);
        return { kind: 'file', root: files, path: filename };
      },
    });
  });
  after(async () => {
    await server?.close();
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  describe('every client gets every size', () => {
    for (const [name, client] of Object.entries(CLIENTS)) {
      test(name, async () => {
        // curl 7.88 ends at an OACK that says tsize 0, and takes that for a fault.
        const some = name.startsWith('npm') ? [0, 512, 400_001] : SIZES;
        const sizes = /curl(,|$)/.test(name) ? some.slice(1) : some;
        for (const bytes of sizes) await fetch(client, put(`f${bytes}`, randomBytes(bytes)));
      });
    }
  });

  describe('a file of more than 65,535 blocks arrives whole', () => {
    const clients: Record<string, Client> = { 'atftp, window 64': atftp('blksize 8', 'windowsize 64') };
    if (isLongRun) Object.assign(clients, { 'tftp-hpa': hpa, curl: curl(), busybox: busybox() });
    for (const [name, client] of Object.entries(clients)) {
      const bytes = (name.includes('64') ? 8 : 512) * 66_000;
      test(name, () => fetch(client, put(`blocks${bytes}`, randomBytes(bytes))));
    }
  });

  test('every client is told that a file is missing', async () => {
    for (const [name, client] of Object.entries(CLIENTS)) {
      const { stderr, stdout } = await inside(...client('none', join(got, 'none'))).catch((error) => error);
      // 68: CURLE_TFTP_NOTFOUND.
      assert.match(`${stdout}${stderr}`, /not found|^curl: \(68\)/im, name);
    }
  });

  test('the answer leaves from the address that was asked', async () => {
    const name = put('homed', randomBytes(5_000));
    // From here on the client hears only what the second address sends.
    sh('nsenter', `--net=${CLIENT}`, 'nft', `add table ip homed { chain in { ${LOSSY} ip saddr ${US} drop; }; }`);
    const to = join(got, 'homed');
    await inside('curl', '-sS', '-o', to, `tftp://${SECOND}/${name}`);
    sh('nsenter', `--net=${CLIENT}`, 'nft', 'delete table ip homed');
    assert.ok(contents.get(name)?.equals(readFileSync(to)));
    assert.equal(asked.at(-1), SECOND);
  });

  test('a block fits in a packet of the wire, and of the way to a client behind a router', async () => {
    const name = put('mtu', randomBytes(20_000));
    const [behind, to] = ['10.98.0.9', join(got, 'mtu')];
    /** The block size that was agreed on, as curl tells it. */
    async function agreed(...options: readonly string[]): Promise<string | undefined> {
      const url = `tftp://${US}/${name}`;
      const { stderr } = await inside('curl', '-sSv', '--tftp-blksize', '1468', ...options, '-o', to, url);
      assert.ok(contents.get(name)?.equals(readFileSync(to)));
      return /blksize parsed from OACK \((\d+)\)/.exec(stderr)?.[1];
    }
    sh('nsenter', `--net=${CLIENT}`, 'ip', 'addr', 'add', `${behind}/32`, 'dev', 'lo');
    sh('ip', 'route', 'add', `${behind}/32`, 'via', '10.99.0.66', 'mtu', '1300');
    assert.equal(await agreed('--interface', behind), '1268');
    assert.equal(await agreed(), '1468');
    now += 60_000;
    sh('ip', 'link', 'set', 'labbr0', 'mtu', '1280');
    assert.equal(await agreed(), '1248');
    sh('ip', 'link', 'set', 'labbr0', 'mtu', '1500');
    now += 60_000;
  });

  for (const percent of [1, 5]) {
    describe(`with ${percent} % of all packets lost, both ways`, { concurrency: true }, () => {
      const drop = `meta l4proto udp numgen random mod 100 < ${percent} drop`;
      before(() => {
        for (const at of [[], ['nsenter', `--net=${CLIENT}`]]) {
          const [program = 'nft', ...args] = [...at, 'nft', `add table ip loss { chain in { ${LOSSY} ${drop}; }; }`];
          sh(program, ...args);
        }
      });
      after(() => {
        sh('nft', 'delete table ip loss');
        sh('nsenter', `--net=${CLIENT}`, 'nft', 'delete table ip loss');
      });
      for (const [name, client] of HARDY) {
        // To firmware, and who asks as it does, a lost block comes again after a second; and atftp in lock step waits out its own timeout.
        const isSlow = /hpa|busybox|without|atftp$/.test(name);
        test(`${name} gets its file`, async () => {
          const file = put(`lossy-${percent}-${name.replaceAll(/\W/g, '')}`, randomBytes(isSlow ? 10_000 : 200_000));
          for (let n = 0; n < size('tftpLossyFetches'); n++) await fetch(client, file);
        });
      }
    });
  }
});
