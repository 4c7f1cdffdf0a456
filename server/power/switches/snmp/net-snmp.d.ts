/** As much of the npm package net-snmp (3.29.2, which has no types) as is used here; its README describes it. */
declare module 'net-snmp' {
  export interface Varbind {
    readonly oid: string;
    /** A tag of ObjectType. */
    readonly type: number;
    /** A number for integers, a Buffer for octet strings and Counter64, null for what is not there. */
    readonly value: unknown;
  }

  /** A user of the User-based Security Model (RFC 3414). */
  export interface User {
    readonly name: string;
    readonly level: number;
    readonly authProtocol: string;
    readonly authKey: string;
    readonly privProtocol?: string;
    readonly privKey?: string;
  }

  /** What a session uses of node:dgram's Socket. */
  export interface SessionSocket {
    ref(): void;
    unref(): void;
    on(event: string, listener: (datagram: Buffer) => void): void;
    send(
      datagram: Uint8Array,
      offset: number,
      length: number,
      port: number,
      host: string,
      sent: (error: Error | null) => void,
    ): void;
    close(): void;
  }

  export interface SessionOptions {
    readonly version: number;
    readonly port: number;
    /** How often a datagram is sent again. */
    readonly retries: number;
    /** ms until it is sent again, or given up. */
    readonly timeout: number;
    readonly context: string;
    readonly dgramModule: { createSocket(): SessionSocket };
  }

  type Answered<Answer> = (error: Error | null, answer: Answer) => void;

  export interface Session {
    get(oids: readonly string[], answered: Answered<readonly Varbind[]>): void;
    set(varbinds: readonly Varbind[], answered: Answered<readonly Varbind[]>): void;
    /** Answers with the rows of each column. */
    getBulk(
      oids: readonly string[],
      nonRepeaters: number,
      maxRepetitions: number,
      answered: Answered<readonly (readonly Varbind[])[]>,
    ): void;
    on(event: 'error', listener: (error: Error) => void): void;
    close(): void;
  }

  /** `options` are written into. */
  export function createSession(host: string, community: string, options: SessionOptions): Session;
  export function createV3Session(host: string, user: User, options: SessionOptions): Session;

  export const Version2c: number;
  export const Version3: number;
  export const SecurityLevel: { readonly authNoPriv: number; readonly authPriv: number };
  export const AuthProtocols: Readonly<Record<'md5' | 'sha' | 'sha224' | 'sha256' | 'sha384' | 'sha512', string>>;
  export const PrivProtocols: Readonly<Record<'aes' | 'aes256b' | 'aes256r', string>>;
  export const ObjectType: { readonly Integer: number };
  export const ResponseInvalidCode: { readonly EAuthFailure: number };

  export const Authentication: {
    /** Keys made of passwords, by protocol, password and engine. */
    authToKeyCache: Record<string, Uint8Array>;
    isAuthentic(
      datagram: Uint8Array,
      protocol: string,
      password: string,
      engine: Uint8Array,
      digest: Uint8Array,
    ): boolean;
    calculateDigest(datagram: Uint8Array, protocol: string, password: string, engine: Uint8Array): Uint8Array;
    getParametersLength(protocol: string): number;
  };

  /** An authoritative engine (RFC 3414 section 2.2). */
  export interface EngineTime {
    readonly engineID: Uint8Array;
    readonly engineBoots: number;
    readonly engineTime: number;
  }

  export const Encryption: {
    encryptPdu(
      protocol: string,
      plain: Uint8Array,
      password: string,
      authProtocol: string,
      engine: EngineTime,
    ): { readonly encryptedPdu: Uint8Array; readonly msgPrivacyParameters: Uint8Array };
    decryptPdu(
      protocol: string,
      encrypted: Uint8Array,
      parameters: Uint8Array,
      password: string,
      authProtocol: string,
      engine: EngineTime,
    ): Uint8Array;
  };

  /** The switch has answered with an error-status (RFC 3416). */
  export class RequestFailedError extends Error {
    readonly status: number;
  }
  /** An answer that is none, or a report of the User-based Security Model. */
  export class ResponseInvalidError extends Error {
    readonly code: number;
  }
  export class RequestTimedOutError extends Error {}
}
