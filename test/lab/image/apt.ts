import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './host.ts';

/** Where this machine gets Debian from. */
export interface Mirror {
  readonly uri: string;
  readonly suite: string;
  /** The keyring file or fingerprints of `signed-by`; undefined when apt trusts its own keyrings. */
  readonly signedBy: string | undefined;
}

const COMPONENTS = 'main non-free-firmware';

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** Entries of a one-line-style file: `deb [options] uri suite component…`. */
export function parseOneLine(text: string): Mirror[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+\S/.exec(line);
    const [, options = '', uri, suite] = found ?? [];
    if (uri === undefined || suite === undefined) return [];
    return [{ uri, suite, signedBy: /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1] }];
  });
}

/** Entries of a deb822-style file, one for each pair of URI and suite; disabled stanzas are left out. */
export function parseDeb822(text: string): Mirror[] {
  // Comment lines may stand inside a field's value, so they go first.
  const bare = text.replace(/^#.*\n?/gm, '');
  return bare.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1]?.trim();
    const words = (name: string): string[] => field(name)?.split(/\s+/).filter(Boolean) ?? [];
    if (!words('Types').includes('deb') || /^(no|false|0|off)$/i.test(field('Enabled') ?? 'yes')) return [];
    const signedBy = field('Signed-By');
    // A key in the field itself (armored, over several lines) is of no use in a one-line entry.
    const keyring = signedBy?.includes('\n') ? undefined : signedBy;
    return words('URIs').flatMap((uri) => words('Suites').map((suite) => ({ uri, suite, signedBy: keyring })));
  });
}

/** The Debian mirror of this machine: nobody's address belongs in the repository. */
export function findMirror(etcApt = '/etc/apt', osRelease = '/etc/os-release'): Mirror {
  const suite = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(readIfThere(osRelease))?.[1] ?? 'bookworm';
  const parts = join(etcApt, 'sources.list.d');
  const names = existsSync(parts) ? readdirSync(parts).sort() : [];
  const all = [
    ...parseOneLine(readIfThere(join(etcApt, 'sources.list'))),
    ...names.filter((name) => name.endsWith('.list')).flatMap((name) => parseOneLine(readIfThere(join(parts, name)))),
    ...names.filter((name) => name.endsWith('.sources')).flatMap((name) => parseDeb822(readIfThere(join(parts, name)))),
  ];
  const found = all.find((entry) => entry.suite === suite && /\/debian(?:\/\d{8}T\d{6}Z)?\/?$/.test(entry.uri));
  if (!found) throw new Error(`no Debian mirror for ${suite} in ${etcApt}: the image is built from Debian packages`);
  return found;
}

/** An apt of our own for one architecture: its lists, cache and status are below a folder; the system's apt is not touched. */
export interface PrivateApt {
  update(): Promise<void>;
  /** The package that a metapackage like linux-image-arm64 stands for. */
  dependsOn(name: string, pattern: RegExp): Promise<string>;
  /** The packages that have to be installed for `names` on an empty machine, themselves included. */
  closureOf(names: readonly string[]): Promise<readonly string[]>;
  /** Downloads packages into a folder and unpacks each into `target`, without their scripts. */
  unpack(names: readonly string[], target: string): Promise<void>;
}

/** Sets up a private apt below `folder`. */
export function privateApt(folder: string, mirror: Mirror, architecture: 'arm64' | 'amd64' = 'arm64'): PrivateApt {
  const at = (...names: string[]): string => join(folder, ...names);
  for (const name of ['lists/partial', 'cache/archives/partial', 'etc/apt.conf.d', 'debs', 'log']) {
    mkdirSync(at(name), { recursive: true });
  }
  writeFileSync(at('status'), '');
  const options = mirror.signedBy ? `[signed-by=${mirror.signedBy}] ` : '';
  writeFileSync(at('etc/sources.list'), `deb ${options}${mirror.uri} ${mirror.suite} ${COMPONENTS}\n`);
  const settings: Record<string, string> = {
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'Acquire::Languages': 'none',
    // As root apt would drop to the user _apt, which may not enter our folder.
    'APT::Sandbox::User': 'root',
    'Acquire::Retries': '3',
    'Dir::State': folder,
    'Dir::State::lists': at('lists'),
    'Dir::State::status': at('status'),
    'Dir::Cache': at('cache'),
    'Dir::Log': at('log'),
    'Dir::Etc::sourcelist': at('etc/sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::Etc::preferences': '-',
    'Dir::Etc::preferencesparts': '-',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  writeFileSync(at('etc/apt.conf'), lines.join(''));
  // Read after the system's apt.conf.d, hence proxies and the like of this machine stay in force.
  const env = { APT_CONFIG: at('etc/apt.conf') };

  return {
    update: async () => {
      // Without the mode a mirror that cannot be reached is only a warning.
      await run('apt-get', ['-q', 'update', '-o', 'APT::Update::Error-Mode=any'], { env });
    },
    dependsOn: async (name, pattern) => {
      const text = await run('apt-cache', ['depends', '--no-recommends', '--no-suggests', name], { env });
      const found = [...text.matchAll(/Depends: (\S+)/g)]
        .map(([, word = '']) => word)
        .find((word) => pattern.test(word));
      if (found === undefined) throw new Error(`${name} depends on nothing like ${pattern}:\n${text}`);
      return found;
    },
    closureOf: async (names) => {
      const text = await run('apt-get', ['-s', '--no-install-recommends', 'install', ...names], { env });
      return [...text.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name);
    },
    unpack: async (names, target) => {
      mkdirSync(target, { recursive: true });
      await run('apt-get', ['-q', 'download', ...names], { env, cwd: at('debs') });
      const debs = readdirSync(at('debs')).filter((file) => file.endsWith('.deb'));
      for (const name of names) {
        const deb = debs.find((file) => file.startsWith(`${name.replace(/:.*/, '')}_`));
        if (deb === undefined) throw new Error(`apt-get downloaded no ${name}`);
        await run('dpkg-deb', ['-x', at('debs', deb), target]);
      }
    },
  };
}
