import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import type { Pi } from '../../core/pi.ts';
import type { Executor } from '../../db/open.ts';
import { findPi, findPiBy } from '../../db/pis.ts';
import type { Sign } from '../../netboot/boots/timeline.ts';
import type { Sighting } from '../../netboot/dhcp/server.ts';
import { parseBootPath } from '../../netboot/files/path.ts';
import type { TftpTransfer } from '../../netboot/tftp/server.ts';
import type { PowerCall } from '../power/service.ts';
import { decideSighting } from './sightings.ts';

/** A sign as it came in: whose it is has still to be found out. */
export type Heard =
  | { readonly by: 'pi'; readonly pi: PiId; readonly sign: Sign }
  | { readonly by: 'board'; readonly sighting: Sighting }
  | { readonly by: 'request'; readonly request: Asked; readonly sign: FileSign };

/** Who asked for what. A trusted relay may ask for any Pi. */
export interface Asked {
  readonly client: Ipv4;
  readonly filename: string;
  readonly relay: boolean;
}

/** A sign of a request; whether its Pi is baked is known once it is known who it is. */
export type FileSign = Extract<Sign, { kind: 'file' }> | Omit<Extract<Sign, { kind: 'asked' }>, 'isUnbaked'>;

/** What whoever tells signs apart looks up. */
export interface Lookups {
  readonly db: Executor;
  /** The MAC that the neighbour table shows at an address. */
  neighbour(address: Ipv4): Promise<Mac | undefined>;
}

/** The Pi whose sign it is, and the sign; undefined for strangers'. A board that is not in the pool yet is known by what it says. */
export async function recognise(heard: Heard, lookups: Lookups): Promise<{ pi: PiId; sign: Sign } | undefined> {
  switch (heard.by) {
    case 'pi':
      return heard;
    case 'board':
      return ofBoard(heard.sighting, lookups);
    case 'request': {
      const pi = await asker(heard.request, lookups);
      const { sign } = heard;
      return pi && { pi: pi.id, sign: sign.kind === 'file' ? sign : { ...sign, isUnbaked: pi.state !== 'baked' } };
    }
  }
}

async function ofBoard(sighting: Sighting, { db }: Lookups): Promise<{ pi: PiId; sign: Sign } | undefined> {
  const { mac, serial, sender, messageType, at } = sighting;
  if (messageType !== 'discover' && messageType !== 'request') return undefined;
  const sign: Sign = { kind: 'dhcp', at, sender, isDiscover: messageType === 'discover' };
  const pi = (await findPiBy(db, 'mac', mac)) ?? (serial === undefined ? undefined : await findPi(db, serial));
  if (!pi) return serial === undefined ? undefined : { pi: serial, sign };
  return decideSighting(pi, sighting).kind === 'stranger' ? undefined : { pi: pi.id, sign };
}

/** The Pi that asks: the one that the path names when the client is at its address, or has its MAC; else the one that is there. */
async function asker({ client, filename, relay }: Asked, lookups: Lookups): Promise<Pi | undefined> {
  const { db } = lookups;
  const path = parseBootPath(filename);
  if (!path) return undefined;
  const named = path.piId ? await findPi(db, path.piId) : path.mac && (await findPiBy(db, 'mac', path.mac));
  if (relay) return named;
  if ((path.piId || path.mac) && !named) return undefined;
  const at = named ?? (await findPiBy(db, 'address', client));
  if (at?.address === client) return at;
  const mac = await lookups.neighbour(client);
  const here = mac && (await findPiBy(db, 'mac', mac));
  return here && (!named || named.id === here.id) ? here : undefined;
}

/** A file's path below the folder of its Pi. */
const restOf = (filename: string) => parseBootPath(filename)?.rest ?? filename;

/** What a request tells before it is answered. */
export function signOfRequest({ filename }: Asked, at: number): FileSign {
  return { kind: 'asked', at, path: restOf(filename) };
}

/** What the end of a transfer tells. */
export function signOfTransfer(
  { filename }: Asked,
  { outcome, bytes }: Pick<TftpTransfer, 'outcome' | 'bytes'>,
  at: number,
): FileSign {
  const path = restOf(filename);
  const outcomes = {
    sent: 'sent',
    aborted: 'probed',
    refused: 'missing',
    failed: 'broken',
    'timed-out': 'broken',
  } as const;
  return { kind: 'file', at, path, bytes, outcome: outcomes[outcome] };
}

/** What a call of the power driver tells; undefined for one that says nothing of the Pi's power. */
export function signOfCall({ driver, action, outcome, seconds }: PowerCall, now: number): Sign | undefined {
  // That one only asks a person.
  if (driver === 'manual' || outcome === 'aborted') return undefined;
  const isDone = outcome === 'done' || outcome === 'unconfirmed';
  if (action === 'off') return isDone ? { kind: 'power-off', at: now } : undefined;
  // The power came some time in the call: DHCP that was heard in it is of this boot.
  if (isDone) return { kind: 'power-on', at: Math.round(now - seconds * 1_000) };
  return { kind: 'power-on', at: now, failed: outcome };
}
