import type { Mutation } from './mutation.ts';

/** What makes a stock image come up without its card, and what keeps its clones apart. */
export const prepare: readonly Mutation[] = [
  {
    name: 'prepare can be told to leave a root as it is',
    file: 'server/operations/bakeforms.ts',
    old: 'isLeft: params.prepare === false',
    new: 'isLeft: false',
    test: 'test/wire/disks.test.ts',
    fails: 'an image whose owner says so is left as it is',
  },
  {
    name: 'prepare that is told to leave a root says what it would have changed',
    file: 'exports/images/prepare.ts',
    old: 'if (isLeft) found.push(...left);',
    new: 'if (isLeft) found.push();',
    test: 'test/unit/layouts.test.ts',
    fails: 'Raspberry Pi OS Trixie with prepare=false',
  },
  {
    name: 'prepare keeps ifupdown from the address of the root',
    file: 'exports/images/network.ts',
    old: "'$1 manual'",
    new: "'$1 dhcp'",
    test: 'test/unit/layouts.test.ts',
    fails: 'ifupdown: wired networks by DHCP become manual',
  },
  {
    name: 'prepare keeps the SSH host keys of a bake from the first start of Raspberry Pi OS',
    file: 'exports/images/changes.ts',
    old: "unit: 'regenerate_ssh_host_keys'",
    new: "unit: 'nothing'",
    test: 'test/unit/layouts.test.ts',
    fails: 'Raspberry Pi OS Bookworm: all that is changed is told',
  },
  {
    name: 'prepare takes the partitions of the card out of fstab before a stock image starts',
    file: 'exports/images/changes.ts',
    old: '...(await planFstab(root, bootFolder)),',
    new: '',
    test: 'test/e2e/stock-images.test.ts',
    fails: 'Raspberry Pi OS Trixie comes up once it is prepared',
  },
  {
    name: 'identity takes out the secrets that a system kept before it became an image',
    file: 'exports/images/identity.ts',
    old: '  await forgetSecrets(root);\n',
    new: '',
    test: 'test/contract/volumes-images.test.ts',
    fails: 'a stock image becomes Pis',
  },
  {
    name: 'identity makes each bake an instance of its own to cloud-init',
    file: 'exports/images/identity.ts',
    old: 'await amendBeneath(root, `${boot}/meta-data`, (text) => metaDataWith(text, instance));',
    new: 'void [amendBeneath, metaDataWith, instance];',
    test: 'test/contract/volumes-images.test.ts',
    fails: 'a stock image becomes Pis',
  },
];
