/** An account of a root, from its line of /etc/passwd. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Its home folder, below the root: `home/ada`. */
  readonly home: string;
}

/** Numbers that Debian gives to people (adduser.conf(5)). */
const FIRST_ID = 1000;
const LAST_ID = 59_999;

/** Groups that the first user of Raspberry Pi OS, or of Ubuntu for Pis, is in; of those, the ones that a root has. */
export const USER_GROUPS =
  'adm dialout cdrom sudo dip audio video plugdev games users input render netdev lxd gpio i2c spi'.split(' ');

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');
const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
const isId = (text: string | undefined) => text !== undefined && /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1;

/** The account with that name; undefined when there is none, or its line says nonsense. */
export function findAccount(passwd: string, name: string): Account | undefined {
  const [, , uid, gid, , home = ''] =
    linesOf(passwd)
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':') ?? [];
  if (!isId(uid) || !isId(gid) || !/^\/./.test(home)) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home: home.replace(/^\/+/, '') };
}

/** The number of that group; undefined when there is none. */
function findGroup(group: string, name: string): number | undefined {
  const gid = linesOf(group)
    .find((line) => line.startsWith(`${name}:`))
    ?.split(':')[2];
  return isId(gid) ? Number(gid) : undefined;
}

/** The first number that is neither a user's nor a group's, so that both can have it. */
function freeId(passwd: string, group: string): number {
  const taken = new Set([passwd, group].flatMap((text) => linesOf(text).map((line) => Number(line.split(':')[2]))));
  for (let id = FIRST_ID; id <= LAST_ID; id++) if (!taken.has(id)) return id;
  return LAST_ID + 1;
}

/** `/etc/passwd` with that user: one that is there stays as it is. */
export function passwdWith(
  passwd: string,
  user: { name: string; shell: string; group: string },
): { text: string; account: Account; isNew: boolean } {
  const { name, shell } = user;
  const known = findAccount(passwd, name);
  if (known) return { text: passwd, account: known, isNew: false };
  const uid = freeId(passwd, user.group);
  const account = { name, uid, gid: findGroup(user.group, name) ?? uid, home: `home/${name}` };
  const kept = linesOf(passwd).filter((line) => !line.startsWith(`${name}:`));
  const line = `${name}:x:${uid}:${account.gid}:,,,:/${account.home}:${shell}`;
  return { text: textOf([...kept, line]), account, isNew: true };
}

/**
 * `/etc/shadow` with that user: with the hash when there is one; else one that is there keeps its password, and a new one has a
 * locked password, which keeps nobody out who has a key.
 */
export function shadowWith(shadow: string, user: { name: string; passwordHash?: string | undefined }): string {
  const { name, passwordHash } = user;
  const lines = linesOf(shadow);
  const at = lines.findIndex((line) => line.startsWith(`${name}:`));
  // An empty date of the last change switches ageing off: 0 would ask for a new password at the first login (shadow(5)).
  if (at < 0) return textOf([...lines, `${name}:${passwordHash ?? '!'}::0:99999:7:::`]);
  if (passwordHash === undefined) return shadow;
  const [, , ...rest] = (lines[at] ?? '').split(':');
  return textOf(lines.with(at, [name, passwordHash, ...rest].join(':')));
}

/** `/etc/group` with a group of the account's own, and the account in those of `USER_GROUPS` that there are. */
export function groupWith(group: string, account: Pick<Account, 'name' | 'gid'>): string {
  const lines = withMember(group, account.name);
  const isThere = lines.some((line) => line.startsWith(`${account.name}:`) || line.split(':')[2] === `${account.gid}`);
  return textOf(isThere ? lines : [...lines, `${account.name}:x:${account.gid}:`]);
}

/** `/etc/gshadow`, the same. */
export function gshadowWith(gshadow: string, account: Pick<Account, 'name'>): string {
  const lines = withMember(gshadow, account.name);
  const isThere = lines.some((line) => line.startsWith(`${account.name}:`));
  return textOf(isThere ? lines : [...lines, `${account.name}:!::`]);
}

/** In both files members are the fourth and last field, by commas. */
function withMember(text: string, user: string): string[] {
  return linesOf(text).map((line) => {
    const [name = '', password = '', middle = '', last = '', ...rest] = line.split(':');
    if (!USER_GROUPS.includes(name) || rest.length > 0) return line;
    const members = last.split(',').filter((member) => member !== '');
    return members.includes(user) ? line : [name, password, middle, [...members, user].join(',')].join(':');
  });
}

/** `authorized_keys` with these keys behind those that are there; a key that is there is not added again. */
export function authorizedKeysWith(text: string, keys: readonly string[]): string {
  const lines = linesOf(text);
  const idOf = (key: string) => key.split(' ').slice(0, 2).join(' ');
  const fresh = keys.filter((key, i) => {
    const id = idOf(key);
    return (
      !lines.some((line) => line === id || line.startsWith(`${id} `)) && keys.findIndex((k) => idOf(k) === id) === i
    );
  });
  return textOf([...lines, ...fresh]);
}
