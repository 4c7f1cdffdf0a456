import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningBakery } from '../lab/bakery.ts';
import { fetchFile } from '../unit/netboot/client.ts';
import { faultOf, type Secrets } from './judge.ts';
import type { ApiDocument } from './operations.ts';
import { type Request, toBytes } from './requests.ts';
import { type Bait, linkHard, setTrap, TRAPS } from './traps.ts';
import { waysOut, waysOutOfTftp } from './ways-out.ts';
import { openWire, type Wire } from './wire.ts';

/** A server, two baked Pis of it, and what must not come out. */
export interface Ways {
  readonly bakery: RunningBakery;
  readonly api: ApiDocument;
  readonly secrets: Secrets;
  /** The Pi whose root belongs to somebody hostile. */
  readonly pi: string;
  /** Where its root is mounted. */
  readonly own: string;
  readonly bait: Bait;
}

/** What an upload brings. */
const UPLOADED = 'uploaded by the test\n';
const SWAPPER = fileURLToPath(new URL('./swapper.ts', import.meta.url));
const PLAIN = { headers: [], framing: 'length', who: 'admin', isBroken: false } as const;

/** Folders and files outside like those in a Pi's root, whose every byte is the marker's. */
export function layBait(outside: string, marker: string): void {
  const files = ['settings.json', 'config.txt', 'cmdline.txt', 'start.elf', 'overlays/overlay_map.dtb', 'passwd'];
  for (const folder of ['', 'piConfig', 'boot/firmware', 'firmware', 'boot']) {
    for (const file of files) {
      mkdirSync(join(outside, folder, file, '..'), { recursive: true });
      writeFileSync(join(outside, folder, file), marker);
    }
  }
}

type Call = { method: 'GET' | 'POST'; id: string; target: string; body?: Buffer };

/** One call, whose answer must be one that the document has; its status, code and body. */
async function ask(ways: Ways, wire: Wire, { method, id, target, body }: Call) {
  const { api, secrets, bakery } = ways;
  const operation = api.operations.find((one) => one.id === id);
  if (!operation) throw new Error(`there is no operation ${id}`);
  const request: Request = { ...PLAIN, method, target, body, isAstray: true };
  const bytes = toBytes(request, bakery.token);
  const outcome = await wire.send({ bytes, isHead: false, isLast: false });
  const fault = faultOf(outcome, { api, operation, request, secrets });
  assert.equal(fault, undefined, `${method} ${target.slice(0, 300)}`);
  assert.ok(outcome !== 'closed');
  const text = outcome.body.toString('latin1');
  assert.ok(!text.startsWith('SQLite format 3'), target);
  const isProblem = outcome.headers['content-type']?.startsWith('application/problem+json');
  return { status: outcome.status, code: isProblem ? (JSON.parse(text) as { code: string }).code : '', text };
}

/** One file over TFTP: its bytes, or the number of the ERROR. */
async function fetchTftp({ bakery, secrets }: Ways, name: string): Promise<string | number> {
  const { data, error } = await fetchFile(bakery.tftpPort, name, { options: { blksize: '1400' } });
  assert.ok(!data.includes(secrets.marker), `TFTP gives what stands outside for ${JSON.stringify(name)}`);
  if (error === undefined) return data.toString('latin1');
  assert.ok(error.code === 1 || error.code === 2, `ERROR ${error.code} for ${JSON.stringify(name)}`);
  return error.code;
}

/** Runs `each` over `list`, some at once. */
async function all<T>(list: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  const queue = list.values();
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      for (const item of queue) await each(item);
    }),
  );
}

/** Asks for everything outside in every way of writing it. @returns how many were refused, and how many asked. */
export async function tryWaysOut(ways: Ways): Promise<{ asked: number; refused: number }> {
  const { bakery, pi } = ways;
  const port = Number(new URL(bakery.base).port);
  const wire = openWire(port);
  const [oven, files] = [`/api/v1/oven/${pi}`, '/api/v1/files'];
  let [asked, refused] = [0, 0];
  for (const way of waysOut()) {
    const calls: Call[] = [
      { method: 'GET', id: 'downloadFile', target: `${oven}/download/${way}` },
      { method: 'POST', id: 'uploadFile', target: `${oven}/upload/${way}`, body: Buffer.from(UPLOADED) },
      { method: 'GET', id: 'getBootFile', target: `${files}/${pi}/${way}` },
      { method: 'GET', id: 'getBootFile', target: `${files}/${way}/cmdline.txt` },
    ];
    for (const call of calls) {
      const { status } = await ask(ways, wire, call);
      asked++;
      if (status >= 400) refused++;
    }
    for (const folder of ['/docs/', '/docs/static/', '/', '/api/v1/']) {
      const bytes = toBytes(
        { ...PLAIN, method: 'GET', target: `${folder}${way}`, body: undefined, isAstray: true },
        bakery.token,
      );
      const outcome = await wire.send({ bytes, isHead: false, isLast: false });
      assert.ok(outcome !== 'closed' && outcome.status < 500, `${folder}${way}`);
      assert.ok(!outcome.body.includes(ways.secrets.marker), `${folder}${way}`);
      asked++;
      if (outcome.status >= 400) refused++;
    }
  }
  wire.close();
  await all(
    waysOutOfTftp().flatMap((way) => [`${pi}/${way}`, way]),
    async (name) => {
      const answer = await fetchTftp(ways, name);
      asked++;
      if (typeof answer === 'number') refused++;
    },
  );
  return { asked, refused };
}

/** Puts each trap under a name in /piConfig and in the boot folder, and asks for it in every way. */
export async function tryTraps(ways: Ways): Promise<void> {
  const { bakery, pi, own, bait } = ways;
  const wire = openWire(Number(new URL(bakery.base).port));
  const [config, boot] = [join(own, 'piConfig'), join(own, 'boot/firmware')];
  mkdirSync(config, { recursive: true });
  for (const folder of [config, boot]) writeFileSync(join(folder, 'plain.txt'), 'plain');
  const download = (name: string) =>
    ask(ways, wire, { method: 'GET', id: 'downloadFile', target: `/api/v1/oven/${pi}/download/${name}` });
  const upload = (name: string) =>
    ask(ways, wire, {
      method: 'POST',
      id: 'uploadFile',
      target: `/api/v1/oven/${pi}/upload/${name}`,
      body: Buffer.from(UPLOADED),
    });
  const bootFile = (name: string) =>
    ask(ways, wire, { method: 'GET', id: 'getBootFile', target: `/api/v1/files/${pi}/${name}` });

  for (const trap of TRAPS) {
    for (const folder of [config, boot]) setTrap(join(folder, trap), trap, bait);
    assert.deepEqual([(await download(trap)).code, trap], ['path-refused', trap]);
    assert.deepEqual([(await bootFile(trap)).code, trap], ['boot-file-unknown', trap]);
    assert.equal(await fetchTftp(ways, `${pi}/${trap}`), 1, trap);
    // cmdline.txt is read and rendered, other files are streamed.
    mkdirSync(join(boot, 'os'), { recursive: true });
    setTrap(join(boot, 'os/cmdline.txt'), trap, bait);
    assert.deepEqual([(await bootFile('os/cmdline.txt')).code, trap], ['boot-file-unknown', trap]);
    assert.equal(await fetchTftp(ways, `${pi}/os/cmdline.txt`), 1, trap);
    const { status, code } = await upload(trap);
    // A link or a special file is replaced, never followed; a folder stays.
    assert.deepEqual([status, code, trap], trap === 'folder' ? [403, 'path-refused', trap] : [200, '', trap]);
    if (trap !== 'folder') assert.equal((await download(trap)).text, UPLOADED);
    for (const folder of [config, boot]) rmSync(join(folder, trap), { recursive: true });
  }
  rmSync(join(boot, 'os'), { recursive: true });

  for (const folder of [config, boot]) linkHard(join(folder, 'plain.txt'), join(folder, 'second.txt'));
  assert.equal((await download('second.txt')).text, 'plain');
  assert.equal(await fetchTftp(ways, `${pi}/second.txt`), 'plain');
  assert.throws(() => linkHard(join(bait.outside, 'settings.json'), join(config, 'third.txt')), { code: 'EXDEV' });

  // The same in place of the folders themselves.
  for (const place of ['piConfig', 'boot', 'boot/firmware', 'boot/firmware/overlays']) {
    const path = join(own, place);
    renameSync(path, `${own}/aside`);
    for (const trap of TRAPS.filter((one) => one !== 'folder')) {
      setTrap(path, trap, bait);
      if (place === 'piConfig') {
        assert.equal((await download('settings.json')).code, 'path-refused', trap);
        assert.equal((await upload('settings.json')).code, 'path-refused', trap);
        continue;
      }
      const file = place.endsWith('overlays') ? 'overlays/overlay_map.dtb' : 'cmdline.txt';
      assert.deepEqual([(await bootFile(file)).code, place, trap], ['boot-file-unknown', place, trap]);
      assert.equal(await fetchTftp(ways, `${pi}/${file}`), 1, `${place} ${trap}`);
    }
    rmSync(path, { recursive: true, force: true });
    symlinkSync(join(bait.outside, place.split('/').at(-1) ?? ''), path);
    const { code } = place === 'piConfig' ? await upload('settings.json') : await bootFile('config.txt');
    assert.equal(
      code,
      place === 'piConfig' ? 'path-refused' : place.endsWith('overlays') ? '' : 'boot-file-unknown',
      place,
    );
    rmSync(path);
    renameSync(`${own}/aside`, path);
  }
  wire.close();
}

/** How often something of the Pi's own came, and how often it was refused, by call. */
export type SwapCounts = ReadonlyMap<string, { own: number; refused: number }>;

/** Asks for the same files `rounds` times, while another process swaps every part of their paths for links that lead out. */
export async function trySwaps(ways: Ways, rounds: number): Promise<{ swaps: number; counts: SwapCounts }> {
  const { bakery, pi, own, bait } = ways;
  const port = Number(new URL(bakery.base).port);
  writeFileSync(join(own, 'piConfig/settings.json'), 'own');
  writeFileSync(join(own, 'boot/firmware/overlays/cmdline.txt'), 'own');
  const pairs = [
    ['piConfig', join(bait.outside, 'piConfig')],
    ['piConfig/settings.json', join(bait.otherPi, 'piConfig/settings.json')],
    ['boot', `${'../'.repeat(30)}${join(bait.outside, 'boot')}`],
    ['boot/firmware', join(bait.outside, 'firmware')],
    ['boot/firmware/overlays', join(bait.outside, 'overlays')],
    ['boot/firmware/config.txt', '/etc/passwd'],
    ['boot/firmware/cmdline.txt', join(bait.outside, 'cmdline.txt')],
    ['boot/firmware/overlays/overlay_map.dtb', join(bait.outside, 'passwd')],
  ].flatMap(([place = '', target = '']) => [join(own, place), target]);
  const swapper = spawn(process.execPath, [SWAPPER, ...pairs], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = told(swapper);
  const counts = new Map<string, { own: number; refused: number }>();
  const count = (what: string, isOwn: boolean) => {
    const so = counts.get(what) ?? { own: 0, refused: 0 };
    counts.set(what, isOwn ? { ...so, own: so.own + 1 } : { ...so, refused: so.refused + 1 });
  };
  const calls: Call[] = [
    { method: 'GET', id: 'downloadFile', target: `/api/v1/oven/${pi}/download/settings.json` },
    { method: 'POST', id: 'uploadFile', target: `/api/v1/oven/${pi}/upload/settings.json`, body: Buffer.from('own') },
    ...['config.txt', 'cmdline.txt', 'overlays/overlay_map.dtb', 'overlays/cmdline.txt'].map(
      (name): Call => ({ method: 'GET', id: 'getBootFile', target: `/api/v1/files/${pi}/${name}` }),
    ),
  ];
  let failure: unknown;
  try {
    await Promise.all([
      ...calls.map(async (call) => {
        const wire = openWire(port);
        for (let round = 0; round < rounds && failure === undefined; round++) {
          const { status } = await ask(ways, wire, call);
          count(`${call.method} ${call.target.replace(pi, 'PI')}`, status < 300);
        }
        wire.close();
      }),
      ...['config.txt', 'overlays/overlay_map.dtb', 'cmdline.txt'].map(async (name) => {
        for (let round = 0; round < rounds && failure === undefined; round++) {
          count(`TFTP ${name}`, typeof (await fetchTftp(ways, `${pi}/${name}`)) === 'string');
        }
      }),
    ]).catch((error) => {
      failure = error;
    });
  } finally {
    swapper.stdin.end();
  }
  const swaps = await ended;
  if (failure !== undefined) throw failure;
  return { swaps, counts };
}

/** What the swapper says at its end. */
async function told(swapper: ChildProcess): Promise<number> {
  let text = '';
  swapper.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const code = await new Promise((resolve) => swapper.once('close', resolve));
  assert.equal(code, 0, 'the swapper went on to the end');
  return Number(text);
}

/** Adds the marker to the namespace's own /etc/passwd: it is the first that hostile ways lead to. */
export function markPasswd(marker: string): void {
  writeFileSync('/etc/passwd', `${readFileSync('/etc/passwd', 'utf8')}# ${marker}\n`);
}
