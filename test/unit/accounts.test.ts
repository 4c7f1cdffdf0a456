import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSize } from '../../core/size.ts';
import { PASSWORD_HASH, USER_NAME } from '../../core/user.ts';
import { requireUserData } from '../../core/user-data.ts';
import {
  authorizedKeysWith,
  findAccount,
  groupWith,
  gshadowWith,
  passwdWith,
  shadowWith,
} from '../../exports/images/accounts.ts';
import { metaDataWith } from '../../exports/images/furnish.ts';

const PASSWD = 'root:x:0:0:root:/root:/bin/bash\npi:x:1000:1000:,,,:/home/pi:/bin/bash\n';
const GROUP = 'root:x:0:\nsudo:x:27:pi\nvideo:x:44:\nscanner:x:110:\npi:x:1000:\nspare:x:1001:\n';
const wish = (name: string) => ({ name, shell: '/bin/bash', group: GROUP });

test('a new user has the first number that is neither a user’s nor a group’s', () => {
  const { text, account, isNew } = passwdWith(PASSWD, wish('ada'));
  assert.equal(text, `${PASSWD}ada:x:1002:1002:,,,:/home/ada:/bin/bash\n`);
  assert.deepEqual(account, { name: 'ada', uid: 1002, gid: 1002, home: 'home/ada' });
  assert.equal(isNew, true);
  // A group that has the name already is the user's.
  assert.equal(passwdWith(PASSWD, wish('video')).account.gid, 44);
});

test('a user that the image has is taken as it is, and done again nothing changes', () => {
  assert.deepEqual(passwdWith(PASSWD, wish('pi')), {
    text: PASSWD,
    account: { name: 'pi', uid: 1000, gid: 1000, home: 'home/pi' },
    isNew: false,
  });
  const once = passwdWith(PASSWD, wish('ada')).text;
  assert.equal(passwdWith(once, wish('ada')).text, once);
  const group = groupWith(GROUP, { name: 'ada', gid: 1002 });
  assert.equal(groupWith(group, { name: 'ada', gid: 1002 }), group);
});

test('a line of passwd that says nonsense is no account, and is replaced', () => {
  for (const line of ['ada:x:abc:1:::', 'ada:x:-1:0::/home/ada:', 'ada:x:4294967295:0::/home/ada:', 'ada:x:1:1::x:']) {
    assert.equal(findAccount(`${line}\n`, 'ada'), undefined, line);
    assert.equal(passwdWith(`${line}\n`, wish('ada')).text, 'ada:x:1002:1002:,,,:/home/ada:/bin/bash\n');
  }
  assert.equal(findAccount('', 'ada'), undefined);
});

test('a password is locked unless a hash is given, and a known one stays', () => {
  const shadow = 'root:*:19000:0:99999:7:::\npi:$6$old$hash:19000:0:99999:7:::\n';
  assert.equal(shadowWith(shadow, { name: 'ada' }), `${shadow}ada:!::0:99999:7:::\n`);
  assert.equal(shadowWith(shadow, { name: 'ada', passwordHash: '$6$a$b' }), `${shadow}ada:$6$a$b::0:99999:7:::\n`);
  assert.equal(shadowWith(shadow, { name: 'pi' }), shadow);
  assert.equal(shadowWith(shadow, { name: 'pi', passwordHash: '$y$n' }), shadow.replace('$6$old$hash', '$y$n'));
  assert.equal(shadowWith('', { name: 'ada' }), 'ada:!::0:99999:7:::\n');
});

test('a user is in the groups that Raspberry Pi OS and Ubuntu have for people, where there are such', () => {
  assert.equal(
    groupWith(GROUP, { name: 'ada', gid: 1002 }),
    'root:x:0:\nsudo:x:27:pi,ada\nvideo:x:44:ada\nscanner:x:110:\npi:x:1000:\nspare:x:1001:\nada:x:1002:\n',
  );
  assert.equal(gshadowWith('sudo:*::pi\nvideo:*::\n', { name: 'ada' }), 'sudo:*::pi,ada\nvideo:*::ada\nada:!::\n');
});

test('a key is added once, and those that are there stay', () => {
  const there = '# mine\nssh-ed25519 AAAA old comment\ncommand="x" ssh-rsa BBBB\n';
  const keys = ['ssh-ed25519 AAAA new', 'ssh-ed25519 CCCC a', 'ssh-ed25519 CCCC b'];
  assert.equal(authorizedKeysWith(there, keys), `${there}ssh-ed25519 CCCC a\n`);
  assert.equal(authorizedKeysWith('no newline', keys.slice(0, 1)), 'no newline\nssh-ed25519 AAAA new\n');
});

test('names and hashes cannot break a line of passwd, shadow or sudoers', () => {
  for (const name of ['ada', '_x', 'a-b_9', 'a'.repeat(32)]) assert.ok(USER_NAME.test(name), name);
  for (const name of [
    '',
    'Ada',
    '9a',
    'a:b',
    'a b',
    'a\nb',
    'ada\n',
    '../x',
    'a.b',
    '-a',
    'a'.repeat(33),
    '%sudo',
    'ä',
  ]) {
    assert.ok(!USER_NAME.test(name), JSON.stringify(name));
  }
  for (const hash of ['$6$salt$8G3pabcde', '$y$j9T$abcdefgh$ijklmnop', '$2b$12$abcdefghijklmnopqrstuv']) {
    assert.ok(PASSWORD_HASH.test(hash), hash);
  }
  for (const hash of [
    '',
    'secret',
    '!',
    '*',
    '$1$abcdefgh$x',
    '$6$a:b$cdefghij',
    '$6$abcdefgh\nroot::0',
    '$6$abcdefgh\n',
  ]) {
    assert.ok(!PASSWORD_HASH.test(hash), JSON.stringify(hash));
  }
});

test('data for cloud-init begins as cloud-init wants it, and is bounded', () => {
  for (const text of [
    '#cloud-config\na: 1\n',
    '#cloud-config',
    '#!/bin/sh\n',
    'Content-Type: multipart/mixed\n',
    'MIME-Version: 1.0\n',
  ]) {
    assert.equal(requireUserData(text), text);
  }
  const large = `#!${'x'.repeat(65_535)}`;
  for (const text of [
    '',
    ' #cloud-config\n',
    '#cloud-configs\n',
    'runcmd: []\n',
    '#!\0',
    large,
    `#!${'é'.repeat(40_000)}`,
  ]) {
    assert.throws(() => requireUserData(text), { code: 'bad-user-data' }, text.slice(0, 20));
  }
  assert.equal(requireUserData(large.slice(0, 65_536)).length, 65_536);
});

test('an instance that cloud-init has not seen is described beside what the image says', () => {
  const machine = { instanceId: 'bakery-1', hostname: '687680cd' };
  const own = 'instance-id: bakery-1\nlocal-hostname: 687680cd\n';
  assert.equal(metaDataWith('', machine), own);
  assert.equal(metaDataWith('dsmode: local\ninstance_id: rpios-image\n', machine), `dsmode: local\n${own}`);
  assert.equal(metaDataWith(`# a comment\n${own}`, machine), `# a comment\n${own}`);
  assert.equal(metaDataWith('{"instance-id": "x"}', machine), own);
});

test('sizes are read with their unit', () => {
  assert.equal(parseSize('16GiB'), 16 * 1024 ** 3);
  assert.equal(parseSize('512MiB'), 512 * 1024 ** 2);
  assert.equal(parseSize('4096'), 4096);
  for (const text of ['', '16GB', '16 GiB', '-1', '1.5GiB', 'GiB', '16gib', '9'.repeat(16)]) {
    assert.equal(parseSize(text), undefined, text);
  }
});
