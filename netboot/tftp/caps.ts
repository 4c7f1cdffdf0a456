import type { Ipv4 } from '../../core/ids.ts';

/** Requests and transfers under way at most, together and for one client's address. */
export interface Caps {
  readonly total: number;
  readonly perClient: number;
}

/** Each has a socket and a file open, and up to two chunks of it in memory. A Pi has a handful; 64 is a rack behind one relay. */
export const CAPS: Caps = { total: 512, perClient: 64 };

/** Counts what is under way. */
export interface SessionCount {
  readonly total: number;
  /** Counts one more of the client; false, and nothing is counted, where a cap is reached. */
  add(client: Ipv4): boolean;
  remove(client: Ipv4): void;
}

/** Builds a count that begins with nothing. */
export function countSessions(caps: Caps): SessionCount {
  const byClient = new Map<Ipv4, number>();
  let total = 0;
  return {
    get total() {
      return total;
    },
    add(client) {
      const ofClient = byClient.get(client) ?? 0;
      if (total >= caps.total || ofClient >= caps.perClient) return false;
      byClient.set(client, ofClient + 1);
      total++;
      return true;
    },
    remove(client) {
      const ofClient = byClient.get(client);
      if (ofClient === undefined) return;
      if (ofClient === 1) byClient.delete(client);
      else byClient.set(client, ofClient - 1);
      total--;
    },
  };
}
