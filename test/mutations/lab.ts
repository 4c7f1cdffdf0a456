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
  {
    name: 'lab: its server has the label of a lab',
    file: 'test/lab/running/lab.ts',
    old: 'BAKERY_LABEL: labelOf({ isWhole }), ',
    new: '',
    test: 'test/e2e/lab.test.ts',
    fails: 'every answer says that it is a lab',
  },
  {
    name: 'a server without volumes refuses what it cannot keep',
    file: 'server/http/gate.ts',
    old: 'if (config.needsVolumes) requireVolumes(settings);',
    new: '',
    test: 'test/e2e/lab-rootless.test.ts',
    fails: 'whatever would be baked or kept is refused',
  },
  {
    name: 'lab: a bulk bake without volumes says so',
    file: 'server/http/routes/bulk.ts',
    old: "if ('bakeformName' in request.body) requireVolumes(settings);",
    new: 'void [requireVolumes, settings];',
    test: 'test/e2e/lab-rootless.test.ts',
    fails: 'whatever would be baked or kept is refused',
  },
  {
    name: 'lab: a boot ends with its power',
    file: 'test/lab/running/pi.ts',
    old: "    if (rom !== running) return 'cut';\n",
    new: '',
    test: 'test/unit/lab/running-pi.test.ts',
    fails: 'a virtual Pi that loses its power in the middle',
  },
  {
    name: 'npm empties no other checkout',
    file: 'server/launch/modules.mjs',
    old: "if (isLink(join(root, 'node_modules'))) {",
    new: 'if (false) {',
    test: 'test/unit/launch.test.ts',
    fails: 'modules that another checkout lends by a link',
  },
  {
    name: 'lab: it has no more Pis than its wire',
    file: 'test/lab/running/arguments.ts',
    old: "'how many Pis', [1, MOST_PIS]",
    new: "'how many Pis', [1, 10 * MOST_PIS]",
    test: 'test/unit/lab/running.test.ts',
    fails: 'a lab is refused in plain words: 41',
  },
];
