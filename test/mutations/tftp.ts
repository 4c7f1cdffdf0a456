import type { Mutation } from './mutation.ts';

const THREADS = 'test/unit/netboot/threads.test.ts';

/** Boot files by TFTP, for everybody and for nobody else. */
export const tftp: readonly Mutation[] = [
  {
    name: 'one client’s transfers are counted over all TFTP threads',
    file: 'netboot/tftp/server.ts',
    old: '(underWay.add(request.client) ? options.resolve(request) : undefined)',
    new: '(underWay.add(request.client) || true ? options.resolve(request) : undefined)',
    test: THREADS,
    fails: 'what one client may have under way',
  },
  {
    name: 'a shared TFTP port is not free',
    file: 'netboot/tftp/server.ts',
    old: 'port: options.port, alone: true }',
    new: 'port: options.port, alone: false }',
    test: THREADS,
    fails: 'another server cannot share its port',
  },
  {
    name: 'TFTP sends firmware no block twice within a second',
    file: 'netboot/tftp/retry.ts',
    old: 'mayBeFirmware ? FIRMWARE_MS : LEAST_MS',
    new: 'LEAST_MS',
    test: 'test/unit/netboot/retry.test.ts',
    fails: 'firmware never gets a block again within a second',
  },
  {
    name: 'TFTP measures no client by a block that it sent twice',
    file: 'netboot/tftp/transfer.ts',
    old: 'resentTo, timed: undefined }',
    new: 'resentTo }',
    test: 'test/unit/netboot/transfer.test.ts',
    fails: 'a client’s pace is measured by blocks that were sent once',
  },
  {
    name: 'TFTP threads go before what else the machine does',
    file: 'netboot/tftp/worker.ts',
    old: '  setNice(PRIORITY);\n',
    new: '',
    test: THREADS,
    fails: 'its threads go before everything else',
  },
  {
    name: 'TFTP blocks fit in a packet of the way',
    file: 'netboot/tftp/options.ts',
    old: 'Math.min(mtu, ETHERNET_MTU)',
    new: 'ETHERNET_MTU',
    test: 'test/unit/netboot/transfer.test.ts',
    fails: 'a block fits in one packet',
  },
  {
    name: 'a short datagram to a TFTP transfer is no packet',
    file: 'netboot/tftp/packet.ts',
    old: 'if (high === undefined || low === undefined || third === undefined || fourth === undefined) return undefined;',
    new: "if (third === undefined || fourth === undefined) throw new Error('short');",
    test: 'test/unit/netboot/crowd.test.ts',
    fails: 'whatever a client sends to its transfer',
  },
  {
    name: 'tftp: a thread with a crowd goes with the others',
    file: 'netboot/tftp/worker.ts',
    old: 'if (goesFirst === underWay.total <= CROWD) return;',
    new: 'if (goesFirst === underWay.total >= 0) return;',
    test: 'test/unit/netboot/threads.test.ts',
    fails: 'a thread with a crowd of clients',
  },
  {
    name: 'tftp: a thread with many transfers does not look for one alone',
    file: 'netboot/tftp/poll.ts',
    old: 'if (!roundTrip || transfers > FEW ||',
    new: 'if (!roundTrip ||',
    test: 'test/unit/netboot/poll.test.ts',
    fails: 'a thread with more than two transfers',
  },
  {
    name: 'tftp: nothing is looked for after the last block',
    file: 'netboot/tftp/session.ts',
    old: 'if (send.to < step.state.lastBlock) thread',
    new: 'thread',
    test: 'test/unit/netboot/transfers.test.ts',
    fails: 'an acknowledgement is looked for between blocks',
  },
];
