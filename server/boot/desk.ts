import { describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { Pi } from '../../core/pi.ts';
import { decodeRevision } from '../../core/revision.ts';
import type { Db } from '../../db/open.ts';
import { addPi, dropUnconfirmed, findPi, findPiBy, patchPi, setFault } from '../../db/pis.ts';
import { type AddressDecision, decideAddress } from '../../netboot/addresses.ts';
import { type BootPath, parseBootPath } from '../../netboot/files/path.ts';
import type { TftpAnswer } from '../../netboot/tftp/server.ts';
import type { ExportKeeper, PiPower } from '../operations/ports.ts';
import { moveAddress } from './move.ts';
import type { Told } from './sightings.ts';

/** What is done with a Pi that nobody has seen before. */
export type DiscoveryPolicy = 'accept' | 'quarantine' | 'ignore';

/** Who asks for which boot file. */
export interface BootRequest {
  readonly client: Ipv4;
  readonly filename: string;
  /** A trusted relay asks for any Pi and admits by serial alone. */
  readonly relay: boolean;
}

/** Where Pis get their boot files, and are admitted by asking. */
export interface BootDesk {
  answer(request: BootRequest): Promise<TftpAnswer>;
}

/** What the desk acts through. */
export interface DeskPorts {
  readonly db: Db;
  readonly power: Pick<PiPower, 'controls' | 'off'>;
  readonly exports: ExportKeeper;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: DiscoveryPolicy;
  /** The MAC that the neighbour table shows at an address. */
  neighbour(address: Ipv4): Promise<Mac | undefined>;
  /** What the board with that MAC told of itself lately, by DHCP. */
  toldBy(mac: Mac): Told | undefined;
  /** A baked Pi's boot file, or undefined where there is none. */
  bootFile(pi: Pi, path: string): Promise<TftpAnswer | undefined>;
  /** The first-stage firmware that a Pi 1 to 3 asks for before it tells its serial, or undefined where there is none. */
  firmware(path: string): Promise<TftpAnswer | undefined>;
}

/** A fridge Pi that asks again is not switched off again within this time. */
const OFF_AGAIN_MS = 15_000;
/** How often "seen" is written down while a Pi boots. */
const SEEN_EVERY_MS = 10_000;
/** Pis kept at most that were never baked and hang on no power port (design §6). */
const MAX_UNCONFIRMED = 256;

const NOT_FOUND: TftpAnswer = { kind: 'error', code: 1, message: 'File not found' };

/** Builds the desk. */
export function createBootDesk(ports: DeskPorts): BootDesk {
  const { db, clock, log } = ports;
  const switchedOff = new Map<PiId, number>();

  async function claimant(path: BootPath, client: Ipv4): Promise<{ id: PiId; pi: Pi | undefined } | undefined> {
    if (path.piId) return { id: path.piId, pi: await findPi(db, path.piId) };
    const pi = path.mac ? await findPiBy(db, 'mac', path.mac) : await findPiBy(db, 'address', client);
    return pi && { id: pi.id, pi };
  }

  /** Who has it. What the Pi at hand has is nobody else's, and it asks for dozens of files: most need no look into the database. */
  async function ownerOf(pi: Pi | undefined, what: 'mac' | 'address', value: Mac | Ipv4): Promise<PiId | undefined> {
    return pi?.[what] === value ? pi.id : (await findPiBy(db, what, value))?.id;
  }

  async function decide(id: PiId, pi: Pi | undefined, request: BootRequest): Promise<AddressDecision> {
    const neighbour = request.relay ? undefined : await ports.neighbour(request.client);
    return decideAddress({
      now: clock.now(),
      claimed: id,
      client: request.client,
      relay: request.relay,
      neighbour,
      pi,
      toldSerial: neighbour && ports.toldBy(neighbour)?.serial,
      macOwner: neighbour && (await ownerOf(pi, 'mac', neighbour)),
      addressOwner: request.relay ? undefined : await ownerOf(pi, 'address', request.client),
    });
  }

  async function register(id: PiId, decision: Extract<AddressDecision, { kind: 'register' }>): Promise<boolean> {
    if (ports.policy === 'ignore') return false;
    const quarantine = ports.policy === 'quarantine';
    await addPi(db, { id, quarantine, confirmed: ports.power.controls(id), now: clock.now() });
    const dropped = await dropUnconfirmed(db, MAX_UNCONFIRMED);
    if (dropped.length > 0) log.warn({ dropped }, 'too many unknown Pis; the oldest are forgotten');
    log.info({ pi: id, mac: decision.mac, address: decision.address }, 'an unknown Pi asked and is in the fridge now');
    const { mac, address, previousOwner } = decision;
    const revision = mac && ports.toldBy(mac)?.revision;
    if (revision !== undefined && decodeRevision(revision)) await patchPi(db, id, { revision });
    if (mac && address) await moveAddress(ports, { id, mac, address, previousOwner });
    return true;
  }

  /** A Pi that asks while it is in the fridge has no business being on. */
  async function sendBackToSleep(pi: Pi): Promise<void> {
    if (pi.awaitOff) await patchPi(db, pi.id, { awaitOff: false });
    if (pi.maintenance || pi.quarantine || !ports.power.controls(pi.id)) return;
    const last = switchedOff.get(pi.id);
    if (last !== undefined && clock.monotonic() - last < OFF_AGAIN_MS) return;
    switchedOff.set(pi.id, clock.monotonic());
    log.info({ pi: pi.id }, 'a Pi in the fridge asked for boot files; switching it off');
    ports.power.off(pi.id).catch((error) => {
      log.warn({ pi: pi.id, error: describeError(error) }, 'could not switch off a Pi in the fridge');
      return setFault(db, pi.id, 'could not be switched off', clock.now()).catch(() => undefined);
    });
  }

  async function serve(pi: Pi, rest: string): Promise<TftpAnswer> {
    if (pi.state === 'fridge') {
      await sendBackToSleep(pi);
      return NOT_FOUND;
    }
    if (pi.state !== 'baked') return NOT_FOUND;
    // A person has switched it off and on since it was rebaked.
    if (pi.awaitOff) await patchPi(db, pi.id, { awaitOff: false });
    return (await ports.bootFile(pi, rest)) ?? NOT_FOUND;
  }

  return {
    async answer(request) {
      const path = parseBootPath(request.filename);
      if (!path) return { kind: 'error', code: 1, message: 'No such path' };
      const who = await claimant(path, request.client);
      if (!who) return (await ports.firmware(path.rest)) ?? NOT_FOUND;

      const decision = await decide(who.id, who.pi, request);
      switch (decision.kind) {
        case 'stranger':
          log.warn(
            { event: 'stranger-asked', pi: who.id, client: request.client, reason: decision.reason },
            'somebody asked for the boot files of a Pi that is not theirs',
          );
          // First-stage firmware is nobody's secret, and a Pi 3 asks for it before it tells its serial.
          return (path.piId ? undefined : await ports.firmware(path.rest)) ?? NOT_FOUND;
        case 'register':
          if (!(await register(who.id, decision))) return NOT_FOUND;
          break;
        case 'bind':
          // The export must be ready before the reply that needs it.
          await moveAddress(ports, { id: who.id, ...decision });
          break;
        case 'same':
          if (clock.now() - (who.pi?.addressSeenAt ?? 0) > SEEN_EVERY_MS) {
            await patchPi(db, who.id, { addressSeenAt: clock.now() });
          }
          break;
        case 'relay':
          break;
      }
      const pi = decision.kind === 'same' ? who.pi : await findPi(db, who.id);
      // Forgotten meanwhile: it enters again when it asks again.
      if (!pi) return NOT_FOUND;
      const own = await serve(pi, path.rest);
      // A bare name from a Pi in the fridge: the first stage, so that it goes on to tell its serial.
      if (own.kind === 'error' && !path.piId && !path.mac) return (await ports.firmware(path.rest)) ?? own;
      return own;
    },
  };
}
