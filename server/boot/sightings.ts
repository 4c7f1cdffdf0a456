import { describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { mayHaveMac, type Pi } from '../../core/pi.ts';
import { decodeRevision } from '../../core/revision.ts';
import type { Db } from '../../db/open.ts';
import { findPi, findPiBy, type PiPatch, patchPi } from '../../db/pis.ts';
import type { Sighting } from '../../netboot/dhcp/server.ts';

/** A boot is expected for so long after a DISCOVER, and what a board told of itself is remembered (design §6). */
const EXPECTED_MS = 120_000;
/** A DISCOVER that is sent again writes only after so long. */
const WRITE_AGAIN_MS = 30_000;
/** Boards remembered at most, the newest; anybody can make up some. */
const MAX_TOLD = 1_024;

/** What a sighting changes of a Pi. */
export type SightingDecision =
  | { readonly kind: 'patch'; readonly patch: PiPatch }
  | { readonly kind: 'stranger'; readonly reason: string };

/** Decides what a DHCP packet that tells of `pi`, by its MAC or its serial, says about it. No packet makes a Pi known, or moves it. */
export function decideSighting(pi: Pi, { mac, serial, revision, messageType, at }: Sighting): SightingDecision {
  if (serial !== undefined && serial !== pi.id) return stranger('the board with its MAC says that it is another Pi');
  if (pi.mac !== undefined && pi.mac !== mac) return stranger('another board says that it is this Pi');
  if (!mayHaveMac(pi.id, mac)) return stranger('its serial does not belong to the MAC of that board');
  const isDiscover = messageType === 'discover';
  // A time further ahead than that is of a clock that was set back since.
  const left = (pi.bootExpectedUntil ?? 0) - at;
  const isExpected = left > EXPECTED_MS - WRITE_AGAIN_MS && left <= EXPECTED_MS;
  const isNews = pi.revision === undefined && revision !== undefined && decodeRevision(revision) !== undefined;
  return {
    kind: 'patch',
    patch: {
      ...(pi.mac === undefined ? { mac } : {}),
      ...(isNews ? { revision } : {}),
      ...(isDiscover && !isExpected ? { bootExpectedUntil: at + EXPECTED_MS } : {}),
    },
  };
}

function stranger(reason: string): SightingDecision {
  return { kind: 'stranger', reason };
}

/** What a board told of itself. */
export interface Told {
  readonly serial: PiId;
  /** Its revision code. */
  readonly revision: number | undefined;
}

/** What is made of the DHCP packets of Pis. */
export interface Sightings {
  /** Notes what a packet says of the Pi that it comes from. Never throws. */
  note(sighting: Sighting): void;
  /** What the board with that MAC told of itself in the last two minutes. */
  toldBy(mac: Mac): Told | undefined;
}

/** Builds it. */
export function createSightings(ports: {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  /** A Pi says that it is about to be at another address than it is known at. */
  follow(pi: PiId, mac: Mac, address: Ipv4): void;
}): Sightings {
  const { db, clock, log } = ports;
  const told = new Map<Mac, Told & { readonly at: number }>();

  function remember(mac: Mac, facts: Told): void {
    // The newest last.
    told.delete(mac);
    told.set(mac, { ...facts, at: clock.monotonic() });
    const [oldest] = told.keys();
    if (told.size > MAX_TOLD && oldest !== undefined) told.delete(oldest);
  }

  async function write(sighting: Sighting): Promise<void> {
    const { mac, serial, sender } = sighting;
    const moving = await db.transaction().execute(async (trx) => {
      const pi = (await findPiBy(trx, 'mac', mac)) ?? (serial === undefined ? undefined : await findPi(trx, serial));
      if (!pi) return undefined;
      const decision = decideSighting(pi, sighting);
      if (decision.kind === 'stranger') {
        const { reason } = decision;
        log.warn(
          { event: 'stranger-seen', pi: pi.id, mac, serial, reason },
          'a DHCP packet does not fit what is known',
        );
        return undefined;
      }
      if (Object.keys(decision.patch).length > 0) await patchPi(trx, pi.id, decision.patch);
      if (decision.patch.mac) log.info({ pi: pi.id, mac, sender }, 'the MAC of a Pi is bound');
      return sighting.messageType === 'request' && sighting.address !== pi.address ? pi.id : undefined;
    });
    if (moving && sighting.address) ports.follow(moving, mac, sighting.address);
  }

  return {
    note(sighting) {
      log.debug({ sighting }, 'dhcp');
      const { mac, serial, revision } = sighting;
      if (serial !== undefined) remember(mac, { serial, revision });
      write(sighting).catch((error) => {
        log.error({ error: describeError(error) }, 'what a Pi told by DHCP could not be written');
      });
    },
    toldBy(mac) {
      const known = told.get(mac);
      return known && clock.monotonic() - known.at < EXPECTED_MS ? known : undefined;
    },
  };
}
