import type { Mutation } from './mutation.ts';

const CLIENT_UNIT = 'test/unit/switch-http-client.test.ts';

/** Switches that are reached by HTTP. */
export const webSwitches: readonly Mutation[] = [
  {
    name: 'nothing is written to another certificate',
    file: 'server/power/switches/pinned-agent.ts',
    old: 'end(seen === this.#pin ? null : new OtherCertificate(seen));',
    new: 'end(seen === undefined ? new OtherCertificate(seen) : null);',
    test: CLIENT_UNIT,
    fails: 'writes nothing to a device whose certificate changed',
  },
  {
    name: 'answers of switches are bounded',
    file: 'server/power/switches/http-client.ts',
    old: 'if (bytes > MAX_ANSWER_BYTES) throw',
    new: 'if (bytes < 0) throw',
    test: CLIENT_UNIT,
    fails: 'reads no answer without end',
  },
];
