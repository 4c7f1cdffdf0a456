import type { Mutation } from './mutation.ts';

/** What keeps a lab from being taken for a server of real Pis, and from staying behind. */
export const lab: readonly Mutation[] = [
  {
    name: 'lab: every answer shows the label',
    file: 'server/http/connections.ts',
    old: "{ 'bakery-label': limits.label }",
    new: '{}',
    test: 'test/unit/label.test.ts',
    fails: 'a server with a label shows it in every answer',
  },
];
