import { BakeryError } from '../../core/errors.ts';
import { readBeneath } from '../../core/host/files.ts';
import { type Change, change, write } from './change.ts';
import { finding } from './lint.ts';
import { isFolder, namesIn } from './tree.ts';
import { installUnits, missingIn, unitPath } from './units.ts';

/** An image has one file for each card; more than these nobody wrote. */
const MOST_INTERFACES = 100;

/**
 * interfaces(5) with wired networks left as the kernel set them up: ifupdown's `dhcp` would start a DHCP client that takes the
 * address away before it has another. Pure.
 */
export function manualInterfaces(text: string): string {
  return text.replaceAll(/^(\s*iface\s+(?:eth|en)\S*\s+inet)\s+dhcp\b/gm, '$1 manual');
}

async function planManager(root: string): Promise<Change[]> {
  const path = 'etc/NetworkManager';
  if (!(await isFolder(root, path))) return [];
  // With nothing to manage it would write a resolv.conf with nothing in it.
  const conf = '[main]\ndns=none\n\n[keyfile]\nunmanaged-devices=type:ethernet\n';
  const said = 'NetworkManager leaves ethernet alone: the kernel has its lease';
  const missed = 'NetworkManager may give up the address that the root hangs on';
  const make = write(root, `${path}/conf.d/50-bakery-netboot.conf`, conf);
  return [change({ tells: 'lease-kept', said, missed, path }, make)];
}

async function planNetworkd(root: string): Promise<Change[]> {
  const path = 'etc/systemd/network';
  if (!(await isFolder(root, path))) return [];
  const conf = '[Match]\nType=ether\n\n[Network]\nDHCP=ipv4\nKeepConfiguration=yes\n\n[DHCPv4]\nClientIdentifier=mac\n';
  const said = 'systemd-networkd keeps the lease of ethernet';
  const missed = 'systemd-networkd may give up the address that the root hangs on';
  const make = write(root, `${path}/05-bakery-netboot.network`, conf);
  return [change({ tells: 'lease-kept', said, missed, path }, make)];
}

async function planDhcpcd(root: string): Promise<Change[]> {
  const path = 'etc/dhcpcd.conf';
  const text = (await readBeneath(root, path))?.toString('utf8');
  if (text === undefined || /^nolink$/m.test(text)) return [];
  const conf = `${text.trimEnd()}\n\n# The root is on NFS: a lost link must not drop the address.\nnolink\n`;
  const said = 'dhcpcd keeps the address when the link is lost';
  const missed = 'dhcpcd gives up the address that the root hangs on when the link is lost';
  return [change({ tells: 'lease-kept', said, missed, path }, write(root, path, conf))];
}

/** A file that anybody may have put there; ifupdown reads what is none no more than we do. */
async function readPlain(root: string, path: string): Promise<string> {
  try {
    return (await readBeneath(root, path))?.toString('utf8') ?? '';
  } catch (error) {
    if (error instanceof BakeryError) return '';
    throw error;
  }
}

async function planIfupdown(root: string): Promise<Change[]> {
  const more = (await namesIn(root, 'etc/network/interfaces.d')).sort().slice(0, MOST_INTERFACES);
  const changes: Change[] = [];
  for (const path of ['etc/network/interfaces', ...more.map((name) => `etc/network/interfaces.d/${name}`)]) {
    const text = await readPlain(root, path);
    const manual = manualInterfaces(text);
    if (manual === text) continue;
    const said = 'ifupdown leaves ethernet alone: the kernel has its lease';
    const missed = 'ifupdown asks anew for the address that the root hangs on';
    changes.push(change({ tells: 'lease-kept', said, missed, path }, write(root, path, manual)));
  }
  return changes;
}

/** Whoever no longer asks DHCP for the network does not ask it for name servers either. */
async function planNames(root: string): Promise<Change> {
  const unit = 'bakery-names.service';
  const message = 'bakery-names takes name servers from the lease that a Pi boots with';
  return {
    done: [finding('info', 'names-kept', message, unitPath(unit))],
    left: [],
    async make() {
      if ((await missingIn(root, 'systemd')).length > 0) return false;
      await installUnits(root, 'bakery-names', [unit]);
      return true;
    },
  };
}

/** The kernel has the NIC's lease before userland starts. Whoever gives it up takes the root away. Reads only. */
export async function planNetwork(root: string): Promise<Change[]> {
  const silenced = [...(await planManager(root)), ...(await planIfupdown(root))];
  const names = silenced.length > 0 ? [await planNames(root)] : [];
  return [...silenced, ...names, ...(await planNetworkd(root)), ...(await planDhcpcd(root))];
}
