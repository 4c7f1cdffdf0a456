import { auth } from './auth.ts';
import { bakes } from './bakes.ts';
import { boots } from './boots.ts';
import { bus } from './bus.ts';
import { clients } from './clients.ts';
import { dhcp } from './dhcp.ts';
import { disks } from './disks.ts';
import { faults } from './faults.ts';
import { feed } from './feed.ts';
import { hostile } from './hostile.ts';
import { images } from './images.ts';
import { imports } from './imports.ts';
import { isolation } from './isolation.ts';
import { lab } from './lab.ts';
import { legacy } from './legacy.ts';
import { moves } from './moves.ts';
import type { Mutation } from './mutation.ts';
import { nfsd } from './nfsd.ts';
import { operations } from './operations.ts';
import { piDisks } from './pi-disks.ts';
import { pis } from './pis.ts';
import { powerDrivers } from './power-drivers.ts';
import { prepare } from './prepare.ts';
import { recovery } from './recovery.ts';
import { storms } from './storms.ts';
import { switchSnmp } from './switch-snmp.ts';
import { switchWebhook } from './switch-webhook.ts';
import { switches } from './switches.ts';
import { switchesSeen } from './switches-seen.ts';
import { switching } from './switching.ts';
import { tftp } from './tftp.ts';
import { watch } from './watch.ts';
import { webSwitches } from './web-switches.ts';

/** Every protection that can be taken out. */
export const MUTATIONS: readonly Mutation[] = [
  ...operations,
  ...bakes,
  ...boots,
  ...bus,
  ...clients,
  ...dhcp,
  ...disks,
  ...hostile,
  ...feed,
  ...imports,
  ...isolation,
  ...lab,
  ...legacy,
  ...faults,
  ...recovery,
  ...images,
  ...prepare,
  ...tftp,
  ...watch,
  ...auth,
  ...pis,
  ...piDisks,
  ...storms,
  ...switches,
  ...switchesSeen,
  ...moves,
  ...nfsd,
  ...powerDrivers,
  ...switchWebhook,
  ...switchSnmp,
  ...webSwitches,
  ...switching,
];
