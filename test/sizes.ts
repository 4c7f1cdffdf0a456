/**
 * How much the tests that count do: in the normal run, and in the long one (`npm run test:long`). One table, so that
 * a pass of the normal run cannot be mistaken for one of the long run.
 */
const SIZES = {
  /** Kills of the server while a reader follows its events. */
  feedKills: { normal: 3, long: 30 },
  /** Kills of the server while a webhook waits for its answer. */
  webhookKills: { normal: 2, long: 30 },
  /** By how much less than the real bounds of rows are written to ten times over. */
  retentionScale: { normal: 200, long: 1 },
  /** Rounds of two Pis asking for one disk. */
  attachRaces: { normal: 5, long: 100 },
  /** Of the points where an operation can be killed, one in so many is. */
  killStride: { normal: 8, long: 1 },
  /** Rounds of a server killed at a random time under load. */
  killRounds: { normal: 12, long: 200 },
  /** Marks of progress, each of 5 records, that a Pi must make to count as going on. */
  marks: { normal: 2, long: 3 },
  /** Rounds of a bakeform's delete against a bake that clones it. */
  deleteRaces: { normal: 4, long: 40 },
  /** Unbakes of a Pi whose files are written meanwhile. */
  uploadRaces: { normal: 5, long: 100 },
  /** Rounds of everything at once on one Pi. */
  piRaces: { normal: 12, long: 200 },
  /** Pis of one bulk. */
  bulkPis: { normal: 100, long: 1_000 },
  /** Random requests thrown at the power service in one go. */
  powerRequests: { normal: 300, long: 20_000 },
  /** Random datagrams thrown at the TFTP server before it must serve a file. */
  tftpHostileDatagrams: { normal: 50_000, long: 1_000_000 },
  /** Files that each real TFTP client fetches while packets get lost. */
  tftpLossyFetches: { normal: 1, long: 20 },
  /** Random datagrams given to the packet decoder. */
  tftpPackets: { normal: 5_000, long: 500_000 },
  /** Datagrams given to the DHCP decoder. */
  dhcpPackets: { normal: 5_000, long: 500_000 },
  /** Boards that are switched on together behind one link, and what that carries, in Mbit/s. */
  stormPis: { normal: 40, long: 200 },
  stormMbit: { normal: 2, long: 100 },
  /** Exports of one NFS server, each added and removed by a call of its own; the kernel's runs in an emulated machine. */
  ganeshaExports: { normal: 100, long: 1_000 },
  nfsdExports: { normal: 5, long: 1_000 },
  /** Points of its start at which Bakery is killed. */
  nfsdKillPoints: { normal: 1, long: 4 },
  /** Backups taken one after another while clients make disks. */
  backupsUnderLoad: { normal: 2, long: 30 },
  /** Hostile roots given to intake and identity. */
  hostileRoots: { normal: 50, long: 3_000 },
  /** Layouts of stock images that are booted, Raspberry Pi OS Trixie first. */
  stockLayouts: { normal: 1, long: 4 },
  /** Images with a spoilt table of partitions. */
  hostileTables: { normal: 16, long: 1_000 },
  /** Images with a spoilt FAT. */
  hostileFats: { normal: 6, long: 400 },
  /** Images with a spoilt ext4. */
  hostileFileSystems: { normal: 4, long: 400 },
  /** Made-up requests to all routes of the API together; those that start no operation get most of them. */
  fuzzCases: { normal: 10_000, long: 10_000 },
  /** Made-up requests that each route gets at least. */
  fuzzCasesPerRoute: { normal: 30, long: 10_000 },
  /** Calls of each kind for files of a Pi while all their folders are swapped for links. */
  swapRounds: { normal: 150, long: 5_000 },
  /** Inode numbers that a Pi tries with made-up NFS handles. */
  forgedInodes: { normal: 300, long: 20_000 },
  /** NFS handles with spoilt bits. */
  spoiltHandles: { normal: 1_000, long: 50_000 },
  /** Rounds of a Pi trying a handle while its owner uses it. */
  stolenHandleRaces: { normal: 50, long: 2_000 },
  /** The same for the kernel's server, which runs in an emulated machine. */
  nfsdForgedInodes: { normal: 20, long: 2_000 },
  nfsdSpoiltHandles: { normal: 50, long: 2_000 },
  nfsdStolenHandleRaces: { normal: 10, long: 500 },
  nfsdOddNameFolders: { normal: 1, long: 2 },
} as const;

/** True in the long run. */
export const isLongRun = process.env.BAKERY_TEST_LONG === '1';

/** The count that goes by this name in this run. */
export function size(name: keyof typeof SIZES): number {
  return isLongRun ? SIZES[name].long : SIZES[name].normal;
}
