import { createPiOnPort, type PiEvent } from '../pi-on-port.ts';
import type { LabBoard } from './boards.ts';
import type { LabPi } from './pi.ts';

/** What it does, for people; undefined where there is nothing to say. */
export function inWords({ event, text, reason, requests = [], choice }: PiEvent): string | undefined {
  switch (event) {
    case 'on':
      return 'power on';
    case 'off':
      return 'power off';
    case 'fetched': {
      const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
      return `${requests.length} requests, ${bytes} bytes by TFTP; it starts ${choice?.kernel}`;
    }
    case 'qemu':
      return 'its kernel runs; see its console';
    case 'marker':
      return text === 'ready' ? 'up' : undefined;
    case 'failed':
      return `it stops: ${reason}`;
    case 'halted':
      return 'it has halted';
    default:
      return undefined;
  }
}

/**
 * A Pi that is emulated from its kernel on (virtual-pi.ts). It plugs itself into the lab's bridge when it is switched on. What it prints on its
 * serial console since then is in the file `console`.
 */
export function createEmulatedPi(board: LabBoard, console: string, tell: (words: string) => void): LabPi {
  let booted = Promise.withResolvers<'fetched' | 'stopped' | 'cut'>();
  const pi = createPiOnPort({
    serial: board.serial,
    mac: board.mac,
    hide: [],
    console,
    onEvent(event) {
      if (event.event === 'fetched') booted.resolve('fetched');
      if (event.event === 'failed') booted.resolve('stopped');
      const words = inWords(event);
      if (words !== undefined) tell(words);
    },
  });
  return {
    board,
    rom: () => booted.promise,
    async on() {
      if (!pi.powered()) booted = Promise.withResolvers();
      await pi.on();
    },
    async off() {
      await pi.off();
      booted.resolve('cut');
    },
  };
}
