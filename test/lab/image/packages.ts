import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Runs a program of the builder; a missing one is told with the line that installs it. */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string | Uint8Array } = {},
): Buffer {
  try {
    return execFileSync(program, [...args], {
      env: { PATH, LC_ALL: 'C.UTF-8', ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      maxBuffer: 1024 ** 3,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.input === undefined ? {} : { input: options.input }),
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error(
        `${program} is missing: apt-get install --no-install-recommends apt dpkg kmod cpio mtools dosfstools fdisk e2fsprogs`,
      );
    }
    throw error;
  }
}

/** The Debian mirror, suite and keyring that this machine itself uses; never written down anywhere. */
export function debianSource(): { uri: string; suite: string; keyring: string } {
  const suite = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  for (const file of globSync('/etc/apt/sources.list.d/*.sources')) {
    for (const stanza of readFileSync(file, 'utf8').split(/\n\s*\n/)) {
      const uri = /^URIs:\s*(\S+)/m.exec(stanza)?.[1];
      if (uri?.replace(/\/$/, '').endsWith('/debian') && stanza.match(/^Suites:.*/m)?.[0].includes(suite))
        return { uri, suite, keyring };
    }
  }
  for (const file of ['/etc/apt/sources.list', ...globSync('/etc/apt/sources.list.d/*.list')]) {
    if (!existsSync(file)) continue;
    const line = new RegExp(`^deb\\s+(?:\\[[^\\]]*\\]\\s+)?(\\S+/debian/?)\\s+${suite}\\s`, 'm').exec(
      readFileSync(file, 'utf8'),
    );
    if (line?.[1]) return { uri: line[1], suite, keyring };
  }
  throw new Error('this machine has no apt source of Debian to take the image from');
}

/**
 * Downloads arm64 packages and unpacks them into `<work>/tree`, through an apt of its own: the system's lists, status and
 * architectures are not touched. @returns the folder and the kernel's version.
 */
export function fetchPackages(work: string): { tree: string; kernel: string } {
  const { uri, suite, keyring } = debianSource();
  for (const folder of ['lists/partial', 'cache/archives/partial', 'etc', 'debs', 'tree'])
    mkdirSync(join(work, folder), { recursive: true });
  writeFileSync(join(work, 'status'), '');
  writeFileSync(
    join(work, 'etc/sources.list'),
    `deb [signed-by=${keyring} arch=arm64] ${uri} ${suite} main non-free-firmware\n`,
  );
  const conf = [
    'APT::Architecture "arm64";',
    'APT::Architectures { "arm64"; };',
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
    `Dir::State "${work}";`,
    `Dir::State::lists "${work}/lists";`,
    `Dir::State::status "${work}/status";`,
    `Dir::Cache "${work}/cache";`,
    `Dir::Etc "${work}/etc";`,
    `Dir::Etc::sourcelist "${work}/etc/sources.list";`,
    `Dir::Etc::sourceparts "${work}/etc/none";`,
    `Dir::Etc::parts "${work}/etc/none";`,
    '',
  ];
  mkdirSync(join(work, 'etc/none'), { recursive: true });
  writeFileSync(join(work, 'apt.conf'), conf.join('\n'));
  const env = { APT_CONFIG: join(work, 'apt.conf') };
  // Without the mode a mirror that cannot be reached is only a warning.
  run('apt-get', ['update', '-q', '-o', 'APT::Update::Error-Mode=any'], { env });
  const depends = run('apt-cache', ['depends', 'linux-image-arm64'], { env }).toString();
  const image = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (!image) throw new Error('linux-image-arm64 names no kernel package');
  run('apt-get', ['download', '-q', image, 'raspi-firmware', 'busybox-static'], { env, cwd: join(work, 'debs') });
  for (const deb of globSync(join(work, 'debs/*.deb'))) run('dpkg-deb', ['-x', deb, join(work, 'tree')]);
  return { tree: join(work, 'tree'), kernel: image.replace(/^linux-image-/, '').replace(/-unsigned$/, '') };
}
