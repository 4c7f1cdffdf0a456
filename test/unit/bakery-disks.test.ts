import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';

const SCRIPT = join(import.meta.dirname, '../../exports/images/files/bakery-disks');
const A = '5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a';
const B = '0b2d9f60-41f7-4c0e-8f55-6a1a5a9de2aa';
const entry = (id: string, more: object = {}) => ({
  id,
  location: `/data/nfs/${id}`,
  size: 1,
  nfsAddress: '10.99.0.1',
  ...more,
});

/** A file system on the first loop device, mounted by another name of it, at a place with a blank. */
const ON_LOOP = `41 1 7:0 / /srv/my\\040docker rw - ext4 /dev/bakery/${A} rw\n`;

/** The kernel, as far as the script sees it: what is mounted and which loop device has which file is in files below $TOP. */
const PROGRAMS = {
  // mount -t nfs -o OPTIONS SOURCE TARGET: the export's folder shows through a link, as a mount does.
  mount: `echo "mount $*" >> "$BAKERY_DISKS_TOP/calls"
while [ $# -gt 2 ]; do shift; done
from=$BAKERY_DISKS_TOP/exports\${1#*:}
[ -d "$from" ] || { echo "mount: $1: no such export" >&2; exit 32; }
rmdir "$2" && ln -s "$from" "$2"
echo "40 1 0:99 / $2 rw - nfs $1 rw" >> "$BAKERY_DISKS_TOP/proc/self/mountinfo"`,
  umount: `echo "umount $*" >> "$BAKERY_DISKS_TOP/calls"
[ ! -e "$BAKERY_DISKS_TOP/busy" ] || { echo "umount: target is busy" >&2; exit 32; }
mounts=$BAKERY_DISKS_TOP/proc/self/mountinfo
awk -v what="$(printf %s "$1" | sed 's/ /\\\\\\\\040/g')" '$5 != what' "$mounts" > "$mounts.new" && mv "$mounts.new" "$mounts"
if [ -h "$1" ]; then rm "$1" && mkdir "$1"; fi
exit 0`,
  losetup: `echo "losetup $*" >> "$BAKERY_DISKS_TOP/calls"
blocks=$BAKERY_DISKS_TOP/sys/block
case $1 in
  -f)
    n=0; while [ -e "$blocks/loop$n/loop" ]; do n=$((n + 1)); done
    [ "$n" -lt 4 ] || { echo "losetup: no free device" >&2; exit 1; }
    mkdir -p "$blocks/loop$n/loop"
    echo "$2" > "$blocks/loop$n/loop/backing_file"
    echo "7:$n" > "$blocks/loop$n/dev"
    echo $(($(stat -c %s "$2") / 512)) > "$blocks/loop$n/size" ;;
  -c) echo $(($(stat -c %s "$(cat "$blocks/\${2##*/}/loop/backing_file")") / 512)) > "$blocks/\${2##*/}/size" ;;
  -d) [ -e "$BAKERY_DISKS_TOP/open" ] || rm -r "$blocks/\${2##*/}/loop" ;;
esac`,
};

for (const shell of [['dash'], ['busybox', 'sh']]) {
  suite(`bakery-disks, run by ${shell.join(' ')}`, () => {
    let top: string;
    const at = (...path: string[]) => join(top, ...path);
    const list = (disks: unknown) =>
      writeFileSync(at('piConfig/disks.json'), typeof disks === 'string' ? disks : JSON.stringify(disks));
    function run(command: string): { code: number | null; said: string } {
      const [program = '', ...args] = [...shell, SCRIPT, command];
      const env = { PATH: `${at('bin')}:/usr/bin:/bin`, BAKERY_DISKS_TOP: top };
      const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8', timeout: 20_000 });
      return { code: status, said: stdout + stderr };
    }
    const calls = () => {
      const made = existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trim().split('\n') : [];
      rmSync(at('calls'), { force: true });
      return made.map((call) => call.split(' ')[0]);
    };
    const links = () => (existsSync(at('dev/bakery')) ? readdirSync(at('dev/bakery')).toSorted() : []);
    const told = () => readFileSync(at('var/lib/bakery/disks.state'), 'utf8').split('\n').filter(Boolean);

    beforeEach(() => {
      top = mkdtempSync(join(tmpdir(), 'bakery-disks-'));
      for (const folder of ['bin', 'piConfig', 'proc/self', 'sys/block']) mkdirSync(at(folder), { recursive: true });
      for (const [name, text] of Object.entries(PROGRAMS)) {
        writeFileSync(at('bin', name), `#!/bin/sh\n${text}\n`);
        chmodSync(at('bin', name), 0o755);
      }
      symlinkSync('mount', at('bin/mount.nfs'));
      writeFileSync(at('proc/self/mountinfo'), '1 0 0:20 / / rw - nfs 10.99.0.1:/data/nfs/5564247d rw\n');
      writeFileSync(at('proc/cmdline'), 'root=/dev/nfs nfsroot=10.99.0.1:/data/nfs/5564247d,vers=3 rw\n');
      for (const id of [A, B]) {
        mkdirSync(at('exports/data/nfs', id), { recursive: true });
        writeFileSync(at('exports/data/nfs', id, 'disk.img'), Buffer.alloc(1024));
      }
    });
    afterEach(() => rmSync(top, { recursive: true, force: true }));

    test('gives each disk of the list a loop device with a stable name, and tells so', () => {
      list([entry(A), entry(B)]);
      assert.deepEqual(run('apply').code, 0);
      assert.deepEqual(calls(), ['mount', 'losetup', 'mount', 'losetup']);
      assert.deepEqual(links(), [B, A].toSorted());
      assert.equal(readlinkSync(at('dev/bakery', A)), '../loop0');
      assert.equal(readlinkSync(at('dev/bakery', B)), '../loop1');
      assert.deepEqual(told(), [B, A].toSorted());
    });

    test('does nothing the second time', () => {
      list([entry(A)]);
      run('apply');
      calls();
      assert.deepEqual([run('apply'), calls()], [{ code: 0, said: '' }, []]);
    });

    test('takes away what the list has no longer, and leaves the others alone', () => {
      list([entry(A), entry(B)]);
      run('apply');
      calls();
      list([entry(B)]);
      assert.equal(run('apply').code, 0);
      assert.deepEqual(calls(), ['losetup', 'umount']);
      assert.deepEqual([links(), told()], [[B], [B]]);
      assert.equal(readlinkSync(at('dev/bakery', B)), '../loop1');
      list([]);
      assert.equal(run('apply').code, 0);
      assert.deepEqual([links(), told(), readdirSync(at('run/bakery-disks'))], [[], [], ['lock']]);
    });

    test('unmounts the file system of a disk that goes, and not that of a device whose name begins alike', () => {
      list([entry(A)]);
      run('apply');
      calls();
      const mounts = readFileSync(at('proc/self/mountinfo'), 'utf8');
      writeFileSync(
        at('proc/self/mountinfo'),
        `${mounts}${ON_LOOP}42 1 17:0 / /srv rw - ext4 /dev/other rw\n43 1 7:01 / /opt rw - ext4 /dev/loop01 rw\n`,
      );
      list([]);
      assert.equal(run('apply').code, 0);
      assert.deepEqual(calls(), ['umount', 'losetup', 'umount']);
      assert.match(readFileSync(at('proc/self/mountinfo'), 'utf8'), /dev\/other rw\n.*loop01 rw/);
    });

    test('leaves a disk in use as it is, says what is busy, and takes it away later', () => {
      list([entry(A)]);
      run('apply');
      const mounts = readFileSync(at('proc/self/mountinfo'), 'utf8');
      writeFileSync(at('proc/self/mountinfo'), `${mounts}${ON_LOOP}`);
      writeFileSync(at('busy'), '');
      list([]);
      const { code, said } = run('apply');
      assert.equal(code, 1);
      assert.match(said, new RegExp(`${A}: busy: /srv/my docker is in use`));
      assert.deepEqual([links(), told()], [[A], [A]]);
      rmSync(at('busy'));
      assert.equal(run('apply').code, 0);
      assert.deepEqual([links(), told()], [[], []]);
    });

    for (const [what, make, words] of [
      ['open', () => writeFileSync(at('open'), ''), /busy: \/dev\/loop0 is open/],
      ['swap', () => writeFileSync(at('proc/swaps'), '/dev/loop0   file 1 0 -2\n'), /busy: \/dev\/loop0 is swap/],
      [
        'a part of another device',
        () => mkdirSync(at('sys/block/loop0/holders/dm-0'), { recursive: true }),
        /busy: dm-0 is on/,
      ],
    ] as const) {
      test(`keeps the export of a disk that is ${what}`, () => {
        list([entry(A)]);
        run('apply');
        make();
        list([]);
        const { code, said } = run('apply');
        assert.equal(code, 1);
        assert.match(said, words);
        assert.ok(readFileSync(at('proc/self/mountinfo'), 'utf8').includes(at('run/bakery-disks', A)));
        assert.deepEqual(told(), [A]);
      });
    }

    test('sets up the others when one export cannot be mounted, fails, and ends it when it can', () => {
      rmSync(at('exports/data/nfs', A), { recursive: true });
      list([entry(A), entry(B)]);
      const { code, said } = run('apply');
      assert.equal(code, 1);
      assert.match(said, new RegExp(`${A}: its export cannot be mounted`));
      assert.deepEqual(links(), [B]);
      mkdirSync(at('exports/data/nfs', A));
      writeFileSync(at('exports/data/nfs', A, 'disk.img'), Buffer.alloc(512));
      assert.equal(run('apply').code, 0);
      assert.deepEqual(told(), [B, A].toSorted());
    });

    test('follows no link that stands where disk.img belongs', () => {
      rmSync(at('exports/data/nfs', A, 'disk.img'));
      symlinkSync('/etc/passwd', at('exports/data/nfs', A, 'disk.img'));
      list([entry(A)]);
      assert.match(run('apply').said, /it has no disk\.img/);
      assert.ok(!calls().includes('losetup'));
    });

    test('mounts a disk anew that is served from another place', () => {
      list([entry(A)]);
      run('apply');
      calls();
      mkdirSync(at('exports/new'), { recursive: true });
      writeFileSync(at('exports/new/disk.img'), Buffer.alloc(512));
      list([entry(A, { location: '/new' })]);
      assert.equal(run('apply').code, 0);
      assert.deepEqual(calls(), ['losetup', 'umount', 'mount', 'losetup']);
    });

    test('tells the device when its disk has grown', () => {
      list([entry(A)]);
      run('apply');
      calls();
      writeFileSync(at('exports/data/nfs', A, 'disk.img'), Buffer.alloc(4096));
      assert.equal(run('apply').code, 0);
      assert.deepEqual(calls(), ['losetup']);
      assert.equal(readFileSync(at('sys/block/loop0/size'), 'utf8').trim(), '8');
    });

    test('takes all of them away when it is told to, whatever the list says', () => {
      list([entry(A), entry(B)]);
      run('apply');
      assert.equal(run('clear').code, 0);
      assert.deepEqual([links(), told()], [[], []]);
    });

    test('goes on after a death between any two of its acts', () => {
      list([entry(A)]);
      // Before the mount, and between the mount and the loop device.
      mkdirSync(at('run/bakery-disks'), { recursive: true });
      writeFileSync(at('run/bakery-disks', `${A}.source`), `10.99.0.1:/data/nfs/${A}\n`);
      writeFileSync(at('proc/self/mountinfo'), `40 1 0:99 / ${at('run/bakery-disks', A)} rw - nfs x rw\n`);
      symlinkSync(at('exports/data/nfs', A), at('run/bakery-disks', A));
      assert.equal(run('apply').code, 0);
      assert.deepEqual([calls(), links()], [['losetup'], [A]]);
      // Between the loop device and its name.
      rmSync(at('dev/bakery', A));
      assert.equal(run('apply').code, 0);
      assert.deepEqual([calls(), links(), told()], [[], [A], [A]]);
    });

    test('mounts on the ports that the root is mounted from, and never on what is no port', () => {
      writeFileSync(at('proc/cmdline'), 'nfsroot=10.99.0.1:/r,vers=3,port=3049,mountport=3048,port=1x,exec rw\n');
      list([entry(A)]);
      assert.equal(run('apply').code, 0);
      const options = /-o (\S+)/.exec(readFileSync(at('calls'), 'utf8'))?.[1];
      assert.equal(options, 'vers=3,nolock,proto=tcp,mountproto=tcp,nodev,nosuid,noexec,port=3049,mountport=3048');
    });

    test('lets the kernel mount alone where there is no mount.nfs', () => {
      rmSync(at('bin/mount.nfs'));
      list([entry(A)]);
      assert.equal(run('apply').code, 0);
      assert.match(
        readFileSync(at('calls'), 'utf8'),
        /^mount -i -t nfs -o \S+,addr=10\.99\.0\.1,mountaddr=10\.99\.0\.1 /,
      );
    });

    test('watches the list, also where nothing tells of its change', { timeout: 20_000 }, async () => {
      const [program = '', ...args] = [...shell, SCRIPT, 'watch'];
      const env = { PATH: `${at('bin')}:/usr/bin:/bin`, BAKERY_DISKS_TOP: top, BAKERY_DISKS_PAUSE: '0.05' };
      // In a group of its own: what it has started is ended with it.
      const watch = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
      const ended = once(watch, 'exit');
      const said = watch.stdout[Symbol.asyncIterator]();
      const next = async () => String((await said.next()).value);
      try {
        list([entry(A)]);
        assert.match(await next(), new RegExp(`${A}: up as /dev/loop0`));
        list([]);
        assert.match(await next(), new RegExp(`${A}: away`));
      } finally {
        if (watch.pid !== undefined) process.kill(-watch.pid, 'SIGKILL');
        await ended;
      }
    });

    test('without a list it changes nothing, and makes an empty one: its NFS client is to have a file to ask the server for', () => {
      list([entry(A)]);
      run('apply');
      rmSync(at('piConfig/disks.json'));
      for (const _ of ['missing', 'empty']) {
        assert.deepEqual(run('apply'), { code: 0, said: '' });
        assert.deepEqual([links(), told()], [[A], [A]]);
        assert.equal(readFileSync(at('piConfig/disks.json'), 'utf8'), '');
      }
    });

    test('makes no list where something is in the way, or no folder for it', () => {
      symlinkSync(at('elsewhere'), at('piConfig/disks.json'));
      assert.deepEqual(run('apply'), { code: 0, said: '' });
      assert.ok(!existsSync(at('elsewhere')));
      rmSync(at('piConfig'), { recursive: true });
      assert.deepEqual(run('apply'), { code: 0, said: '' });
      assert.ok(!existsSync(at('piConfig')));
    });

    test('reads what the CPI and Bakery write, whatever else is in it', () => {
      const more = { name: 'a "b" \\ /', tags: [1, -2.5e3, true, null, { deep: [[]] }], odd: {} };
      list(`\n${JSON.stringify([entry(A, more), entry(B)], null, 2).replaceAll('/', '\\/')}\r\n`);
      assert.deepEqual(run('apply').code, 0);
      assert.deepEqual(told(), [B, A].toSorted());
    });

    for (const [what, text] of [
      ['no JSON', 'disks: none'],
      ['cut off', JSON.stringify([entry(A)]).slice(0, -2)],
      ['an object', '{}'],
      ['followed by something', '[] []'],
      ['a list of text', '["x"]'],
      ['without a comma', JSON.stringify([entry(A), entry(B)]).replace('},{', '}{')],
      ['with a comma too many', '[{"id":"x"},]'],
      ['too large', `[${' '.repeat(70_000)}]`],
      ['nested too deep', JSON.stringify([entry(A, { x: JSON.parse('['.repeat(12) + ']'.repeat(12)) })])],
      ['with an id twice', JSON.stringify([entry(A), entry(A)])],
      ['with an id that is a path', JSON.stringify([entry('../../../../../../../etc/cron.d/aaaaaaaa')])],
      ['with an id that is an option', JSON.stringify([entry(`-${A.slice(1)}`)])],
      ['with an address that is a program', JSON.stringify([entry(A, { nfsAddress: '$(touch owned)' })])],
      ['with an address that is an option', JSON.stringify([entry(A, { nfsAddress: '-o' })])],
      ['with a relative location', JSON.stringify([entry(A, { location: 'data' })])],
      ['with a location of two lines', JSON.stringify([entry(A, { location: '/data\n/etc' })])],
      ['with a raw control character', JSON.stringify([entry(A)]).replace('/data', '/da\tta')],
      ['without a location', JSON.stringify([{ id: A, nfsAddress: '10.99.0.1' }])],
      ['with a null', '[null]'],
    ] as const) {
      test(`a list that is ${what} changes nothing, and is told`, () => {
        list([entry(B)]);
        run('apply');
        calls();
        list(text);
        const { code, said } = run('apply');
        assert.equal(code, 1);
        assert.match(said, /disks\.json changes nothing: /);
        assert.deepEqual([calls(), links(), told()], [[], [B], [B]]);
        assert.ok(!existsSync('owned'));
      });
    }
  });
}
