import { randomUUID } from 'node:crypto';
import { BakeryError } from './errors.ts';

/** The low 32 bits of a Pi's serial number: 8 lower-case hex digits, leading zeros kept. */
export type PiId = string & { readonly brand: 'PiId' };
/** What people call a Pi; never to be taken for a PiId. */
export type PiName = string & { readonly brand: 'PiName' };
/** The id of a disk, a lower-case UUID; a Pi's root disk has one too. */
export type DiskId = string & { readonly brand: 'DiskId' };
/** The id of a snapshot of a disk, a lower-case UUID. */
export type SnapshotId = string & { readonly brand: 'SnapshotId' };
/** The id of an upload that comes in pieces, a lower-case UUID. */
export type UploadId = string & { readonly brand: 'UploadId' };
/** The name of a bakeform. */
export type BakeformName = string & { readonly brand: 'BakeformName' };
/** The id of an operation, a lower-case UUID. */
export type OperationId = string & { readonly brand: 'OperationId' };
/** An ethernet address as Linux prints it: six lower-case hex pairs with colons. */
export type Mac = string & { readonly brand: 'Mac' };
/** An IPv4 address in dotted decimal, no leading zeros. */
export type Ipv4 = string & { readonly brand: 'Ipv4' };

const PI_ID = /^[0-9a-f]{8}$/;
const SERIAL = /^[0-9a-f]{16}$/;
const PI_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const BAKEFORM = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;
const FILENAME = /^[A-Za-z0-9_+=@,-][A-Za-z0-9._+=@,-]{0,127}$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** `text` as a PiId, or undefined. Upper case is accepted: an operator copies serials from /proc/cpuinfo and labels. */
export function parsePiId(text: string): PiId | undefined {
  const lower = text.toLowerCase();
  return PI_ID.test(lower) && lower !== '00000000' ? (lower as PiId) : undefined;
}

/** The PiId of a whole serial number (16 hex digits, as /proc/cpuinfo prints it): its last 8, or undefined. */
export function piIdOfSerial(text: string): PiId | undefined {
  return SERIAL.test(text.toLowerCase()) ? parsePiId(text.slice(8)) : undefined;
}

/** `text` as a PiName, or undefined. What could be the id or the serial of a Pi is no name: calls take either. */
export function parsePiName(text: string): PiName | undefined {
  const isHex = /^([0-9a-f]{8}|[0-9a-f]{16})$/i.test(text);
  return PI_NAME.test(text) && !isHex ? (text as PiName) : undefined;
}

/** `text` as a DiskId, or undefined. */
export function parseDiskId(text: string): DiskId | undefined {
  const lower = text.toLowerCase();
  return UUID.test(lower) ? (lower as DiskId) : undefined;
}

/** `text` as a BakeformName, or undefined. A name is also a file name, so it never starts with a dot. */
export function parseBakeformName(text: string): BakeformName | undefined {
  return BAKEFORM.test(text) ? (text as BakeformName) : undefined;
}

/** True when `text` is a plain file name that upload and download take: one path component, no leading dot. */
export function isPlainFilename(text: string): boolean {
  return FILENAME.test(text);
}

/** `text` as a Mac (colons or dashes, any case), or undefined. Multicast and all-zero addresses belong to no board. */
export function parseMac(text: string): Mac | undefined {
  const mac = text.toLowerCase().replaceAll('-', ':');
  if (!MAC.test(mac) || mac === '00:00:00:00:00:00') return undefined;
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0 ? (mac as Mac) : undefined;
}

/** `text` as an Ipv4, or undefined. */
export function parseIpv4(text: string): Ipv4 | undefined {
  return IPV4.test(text) ? (text as Ipv4) : undefined;
}

/** A new random DiskId. */
export function mintDiskId(): DiskId {
  return randomUUID() as DiskId;
}

/** A new random SnapshotId. */
export function mintSnapshotId(): SnapshotId {
  return randomUUID() as SnapshotId;
}

/** A new random UploadId. */
export function mintUploadId(): UploadId {
  return randomUUID() as UploadId;
}

/** A new random OperationId. */
export function mintOperationId(): OperationId {
  return randomUUID() as OperationId;
}

/** The PiId in `text`; throws `invalid` when it is none. */
export function requirePiId(text: string): PiId {
  const id = parsePiId(text);
  if (!id) throw new BakeryError('invalid', 'bad-pi-id', 'a Pi id is the last 8 hex digits of its serial number');
  return id;
}

/** The BakeformName in `text`; throws `invalid` when it is none. */
export function requireBakeformName(text: string): BakeformName {
  const name = parseBakeformName(text);
  if (!name) {
    throw new BakeryError(
      'invalid',
      'bad-bakeform-name',
      'a bakeform name has 1 to 128 letters, digits or . _ + - and starts with a letter or digit',
    );
  }
  return name;
}

/** The DiskId in `text`; throws `invalid` when it is none. */
export function requireDiskId(text: string): DiskId {
  const id = parseDiskId(text);
  if (!id) throw new BakeryError('invalid', 'bad-disk-id', 'a disk id is a UUID');
  return id;
}

/** The UploadId in `text`; throws `invalid` when it is none. */
export function requireUploadId(text: string): UploadId {
  const lower = text.toLowerCase();
  if (!UUID.test(lower)) throw new BakeryError('invalid', 'bad-upload-id', 'the id of an upload is a UUID');
  return lower as UploadId;
}
