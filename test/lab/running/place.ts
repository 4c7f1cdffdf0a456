import { plugIn } from '../network.ts';
import { sh } from '../sh.ts';
import type { LabBoard } from './boards.ts';

/** Where a Pi is on a network. */
export interface PiPlace {
  /** Programs that those of the Pi are run through, to be there. */
  readonly through: readonly string[];
  /** What its boot ROM is told of the place (rom/main.ts); asked for at each power-on. */
  rom(): readonly string[];
  /** Its end of the cable: nobody answers where it is down. */
  link(state: 'up' | 'down'): void;
}

/** Plugs a Pi in: a namespace of its own, behind a cable to the lab's bridge, where it finds its way by DHCP. Needs root. */
export function onBridge({ name, mac }: LabBoard): PiPlace {
  plugIn(name, undefined, mac);
  return {
    through: ['nsenter', `--net=/run/netns/${name}`],
    rom: () => [],
    link: (state) => void sh('ip', '-n', name, 'link', 'set', 'eth0', state),
  };
}

/** A Pi at an address of this machine's loopback: it needs no DHCP, and its boot ROM begins with its first file. */
export function onLoopback({ address }: LabBoard, tftpPort: () => number): PiPlace {
  return {
    through: [],
    rom: () => ['--server', '127.0.0.1', '--tftp-port', String(tftpPort()), '--from', address],
    link: () => undefined,
  };
}
