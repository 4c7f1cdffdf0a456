import type { Ipv4 } from '../../core/ids.ts';

/** One line of the doctor. `look`: it works, or may, and a person should look; `bad`: no Pi boots so. */
export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'look' | 'bad';
  readonly text: string;
  /** What to do; there where something is wrong. */
  readonly cure?: string;
}

/** How a port of this machine is: `answers` as its service does, `silent` is taken and does not, `denied` may not be opened. */
export type PortState = 'answers' | 'silent' | 'free' | 'denied';

const ok = (name: string, text: string): Finding => ({ name, state: 'ok', text });
const look = (name: string, text: string, cure: string): Finding => ({ name, state: 'look', text, cure });
const ill = (name: string, text: string, cure: string): Finding => ({ name, state: 'bad', text, cure });

/** The address that Pis are told, and the link it is on. */
export function judgeInterface(facts: { address: Ipv4; interface: string | undefined; isUp: boolean }): Finding {
  const name = 'interface';
  const { address } = facts;
  if (facts.interface === undefined)
    return ill(name, `no interface has ${address}`, 'set BAKERY_ADDRESS to one of this machine');
  if (facts.interface === 'lo')
    return ill(name, `${address} is loopback: no Pi reaches it`, 'connect a network, or set BAKERY_ADDRESS');
  if (!facts.isUp)
    return ill(name, `${facts.interface} (${address}) has no link`, 'plug the cable in, or switch the other end on');
  return ok(name, `${address} on ${facts.interface}, which has a link`);
}

/** A port that Pis ask at. `isRunning`: a server of this root runs, so that the port should be its own. */
export function judgePort(name: string, facts: { port: string; state: PortState; isRunning: boolean }): Finding {
  const { port, state, isRunning } = facts;
  if (state === 'answers') return ok(name, `${port} answers`);
  if (state === 'denied') return ill(name, `${port} may not be opened`, 'run as root, or give CAP_NET_BIND_SERVICE');
  if (state === 'free')
    return isRunning
      ? ill(
          name,
          `the server runs, and nobody listens on ${port}`,
          'look at GET /readyz and at the log; restart the server',
        )
      : ok(name, `${port} is free for the server`);
  return isRunning
    ? ill(
        name,
        `${port} is taken and does not answer`,
        'a firewall of this machine may drop it; else restart the server',
      )
    : ill(name, `another program has ${port}`, `find it with ss -lnp and end it`);
}

/** What NFS says: the ports that rpcbind names, and whether the server behind them answers a call. */
export function judgeNfs(facts: {
  isRunning: boolean;
  /** Undefined: nobody listens at TCP 111. */
  rpcbind: { nfs: number; mountd: number } | undefined;
  /** What a mount of a path of ours was answered with, from this machine, which may mount none. */
  mount: 'refused' | 'given' | 'no answer';
  isNfsAnswering: boolean;
}): Finding[] {
  const { rpcbind, isRunning } = facts;
  if (!isRunning) {
    const isFree = rpcbind === undefined || rpcbind.nfs === 0;
    const other = ill(
      'nfs',
      `another NFS server is at TCP ${rpcbind?.nfs}`,
      'stop it: systemctl disable --now nfs-server',
    );
    const free = rpcbind ? 'rpcbind runs, and no NFS server' : 'no rpcbind and no NFS server: Bakery starts its own';
    return [isFree ? ok('nfs', free) : other];
  }
  if (!rpcbind) {
    return [
      ill(
        'rpcbind',
        'nobody listens at TCP 111: NFSv3 finds nothing',
        'restart the server; look at the log for rpcbind',
      ),
    ];
  }
  const named = rpcbind.nfs > 0 && rpcbind.mountd > 0;
  const found = named
    ? ok('rpcbind', `it names NFS at TCP ${rpcbind.nfs} and mountd at TCP ${rpcbind.mountd}`)
    : ill('rpcbind', 'it does not know NFS or mountd', 'restart the server, which registers them');
  if (!facts.isNfsAnswering || facts.mount === 'no answer')
    return [
      found,
      ill(
        'nfs',
        'the NFS server does not answer a call',
        'a firewall of this machine may drop 2049 and 20048; see /readyz',
      ),
    ];
  if (facts.mount === 'given')
    return [
      found,
      look('nfs', 'it lets this machine mount what is for Pis', 'BAKERY_EXPORT_POLICY=pi lets each Pi mount its own'),
    ];
  return [found, ok('nfs', 'it answers, and refuses a mount that is not for this machine')];
}

/** An offer that came for a DISCOVER as a Pi sends it. */
export interface HeardOffer {
  readonly server: string;
  readonly hasAddress: boolean;
  readonly hasBootFiles: boolean;
}

/** Who answers a Pi's DISCOVER. Undefined: the port could not be opened. */
export function judgeDhcp(facts: {
  offers: readonly HeardOffer[] | undefined;
  mode: 'off' | 'listen' | 'proxy';
  isRunning: boolean;
}): Finding {
  const name = 'dhcp';
  const { offers, mode, isRunning } = facts;
  if (!offers)
    return look(
      name,
      'UDP 68 is taken, so no DISCOVER was sent',
      'stop the DHCP client of this machine for a moment, and try again',
    );
  const [addresses, boots] = (['hasAddress', 'hasBootFiles'] as const).map((what) => [
    ...new Set(offers.filter((offer) => offer[what]).map(({ server }) => server)),
  ]) as [string[], string[]];
  if (addresses.length === 0)
    return ill(
      name,
      'nobody offers an address to a Pi',
      'start the DHCP server of the site on this wire; Bakery gives no addresses',
    );
  if (addresses.length > 1)
    return look(name, `several offer addresses: ${addresses.join(', ')}`, 'one DHCP server for a wire; find the other');
  const given = `${addresses[0]} gives addresses`;
  if (boots.length === 0 && mode === 'proxy' && !isRunning)
    return ok(name, `${given}; the server offers boot files once it runs`);
  if (boots.length === 0)
    return ill(
      name,
      `${given}, and nobody offers boot files (option 43)`,
      'BAKERY_DHCP=proxy, or GET /netboot/dnsmasq.conf',
    );
  if (boots.length > 1)
    return look(
      name,
      `${given}, several offer boot files: ${boots.join(', ')}`,
      'one of them is enough: see docs/netboot.md',
    );
  return ok(name, `${given}, ${boots[0]} offers boot files`);
}

/** The clock of this machine, beside the newest file of ours. Times in ms since the epoch. */
export function judgeClock(facts: {
  now: number;
  newest: number | undefined;
  isSynchronised: boolean | undefined;
}): Finding {
  const name = 'clock';
  const shown = new Date(facts.now).toISOString();
  if (facts.newest !== undefined && facts.now < facts.newest - 60_000)
    return ill(
      name,
      `${shown} is before ${new Date(facts.newest).toISOString()}, when the database was written`,
      'set it by NTP: timedatectl set-ntp true',
    );
  if (facts.isSynchronised === false)
    return look(
      name,
      `${shown}, synchronised by nobody`,
      'timedatectl set-ntp true: a clock that drifts breaks certificates',
    );
  return ok(name, facts.isSynchronised ? `${shown}, synchronised` : shown);
}

/** Room below the root, in bytes. */
export function judgeSpace({ available, total }: { available: number; total: number }): Finding {
  const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  const text = `${gib(available)} of ${gib(total)} are free below the root`;
  const share = available / Math.max(1, total);
  if (share < 0.05) return ill('space', text, 'delete bakeforms, snapshots and trash, or give it a larger disk');
  if (share < 0.2) return look('space', text, 'nothing new is baked below 5 %');
  return ok('space', text);
}

/** Frames of the spanning tree that were heard in some seconds; undefined: nobody could listen. */
export function judgeStp(facts: { heard: readonly string[] | undefined }): Finding {
  const name = 'stp';
  if (!facts.heard) return look(name, 'nobody listened for STP', 'apt-get install tcpdump, and try again');
  const [first] = facts.heard;
  if (first === undefined) return ok(name, 'no STP frames were heard');
  const delay = /forward(?:ing)?-delay (\d+)/.exec(first)?.[1];
  const text = `the switch speaks STP${delay === undefined ? '' : `, and keeps a port closed for ${2 * Number(delay)} s`}`;
  return look(name, text, 'set the ports of Pis to edge (portfast): a Pi 3 gives up after 25 s');
}

/** One line each. */
export function tellFindings(findings: readonly Finding[]): string[] {
  return findings.map(({ name, state, text, cure }) => {
    return `${state.padEnd(5)}${name.padEnd(10)} ${text}${cure === undefined ? '' : `; ${cure}`}`;
  });
}
