import type { Ipv4 } from '../../core/ids.ts';
import type { SnmpSwitch } from '../lab/switches/snmp-switch.ts';
import type { Transcript } from './transcript.ts';

/** What the flows find in place. */
export interface Scene {
  readonly transcript: Transcript;
  readonly image: string;
  /** A PoE switch at its address. */
  readonly poe: SnmpSwitch;
  /** Waits until no operation is under way. */
  rest(): Promise<void>;
}

interface Pi {
  readonly id: string;
}

/** From nothing to a Pi that boots. */
export async function bakeFlow({ transcript: t, image, rest }: Scene): Promise<void> {
  t.say('## From an image to a Pi that boots');
  t.say('A bakeform is made from a raw disk image; the answer comes when it can be used.');
  await t.curl({ path: '/bakeforms/raspios', file: { shown: 'raspios.img', path: image }, method: 'POST' });
  t.say('Pis that asked for their boot files are in the fridge. A bake takes one of them and answers at once.');
  await t.curl({ path: '/fridge' });
  const { id } = await t.curl<Pi>({ path: '/fridge', json: { bakeformName: 'raspios' } });
  await rest();
  t.say('It is usable when its status is 2.');
  await t.curl({ path: `/oven/${id}` });
  t.say('A disk of 64 MiB, attached. The Pi mounts `nfsAddress:location` and finds `disk.img` in it.');
  const disk = await t.curl<{ id: string }>({ path: '/disks', json: { size: 64 } });
  await t.curl({ path: `/oven/${id}/disks`, json: { diskId: disk.id }, lines: 12 });
  t.say('Files for the Pi land in `/piConfig` of its root. Then it is switched on.');
  await t.curl({ method: 'POST', path: `/oven/${id}/upload/settings.json`, json: { role: 'builder' } });
  await t.curl({ method: 'POST', path: `/oven/${id}/powercycle`, lines: 6 });
}

/** What people say of Pis, and finding them by it. */
export async function poolFlow({ transcript: t }: Scene): Promise<void> {
  t.say('## The pool');
  t.say('A Pi can be entered before it was ever switched on; its revision code says what board it is.');
  const body = { id: '00000000d4a1c0de', name: 'rack1-04', tags: ['ci'], revision: 'c03115' };
  await t.curl({ path: '/pis', json: body });
  await t.curl({
    method: 'PATCH',
    path: '/pis/rack1-04',
    json: { maintenance: true, notes: 'the fan is loud' },
    lines: 8,
  });
  t.say('Lists are given in pages; `next` is the cursor of the one that follows.');
  await t.curl({ path: '/pis?tag=ci&minMemoryMiB=2048', lines: 50 });
  t.say('*Forget* takes a Pi that is free out of the inventory; it enters again when it asks for its boot files.');
  await t.curl({ method: 'DELETE', path: '/pis/rack1-04' });
}

/** The switch that the Pis hang on: port and protocols are the usual ones. */
export const SWITCH = {
  address: '192.0.2.7' as Ipv4,
  user: { user: 'bakery', authKey: 'a-good-password', privKey: 'another-password' },
};

/** A switch, and which Pi hangs on which of its ports. */
export async function switchFlow({ transcript: t, poe }: Scene): Promise<void> {
  t.say('## A switch and its ports');
  t.say(
    'A switch is entered with what it takes to reach it; `GET /switch-kinds` says what that is for each kind, and [power.md](power.md) in words. ' +
      'Keys and passwords are sealed, and no call shows them.',
  );
  const settings = { host: SWITCH.address, ...SWITCH.user };
  await t.curl({ path: '/switches', json: { name: 'poe-a', kind: 'snmp-poe', settings } });
  t.say('A test asks it now, and says what it is, or what is wrong.');
  await t.curl({ path: '/switches/poe-a/test', json: {} });
  t.say(
    'A discovery looks up the MACs of Pis in its forwarding table; with `apply` those that are alone on a port are bound to it.',
  );
  const [id, mac] = ['0000000000a1c0de', 'dc:a6:32:0a:1c:de'];
  await t.curl({ path: '/pis', json: { id, name: 'rack1-04', mac }, lines: 3 });
  poe.box.plug('1.2', 4);
  poe.box.enable('1.2', 'on');
  poe.box.describe('1.2', { alias: 'rack1-04', macs: [mac] });
  await t.curl({ path: '/switches/poe-a/discover', json: { apply: true }, lines: 18 });
  await t.curl({ path: '/switches/poe-a/ports', lines: 50 });
  t.say('It is forgotten with its keys; with `unbind` also while Pis are bound to its ports.');
  await t.curl({ method: 'DELETE', path: '/switches/poe-a?unbind=true' });
  await t.curl({ method: 'DELETE', path: '/pis/rack1-04' });
}

/** A new image on Pis that keep their disks. */
export async function rebakeFlow({ transcript: t, image, rest }: Scene): Promise<void> {
  t.say('## A new image on the same Pis');
  await t.curl({ path: '/bakeforms/raspios-2', file: { shown: 'raspios-2.img', path: image }, lines: 3 });
  t.say(
    'One Pi after the other gets a root from the new image and keeps its disks; the first that fails ends it. One operation ' +
      'stands for all of them.',
  );
  const json = {
    action: 'rebake',
    bakeformName: 'raspios-2',
    select: { bakeform: 'raspios' },
    atATime: 1,
    stopAtFirstFailure: true,
  };
  const { id } = await t.curl<{ id: string }>({ path: '/bulk', json, lines: 8 });
  await rest();
  await t.curl({ path: `/operations/${id}`, lines: 60 });
}

/** A disk as it was. */
export async function snapshotFlow({ transcript: t, rest }: Scene): Promise<void> {
  t.say('## Snapshots and clones of disks');
  const disk = await t.curl<{ id: string }>({ path: '/disks', json: { size: 32, name: 'scratch' } });
  const snapshot = await t.curl<{ id: string }>({ path: `/disks/${disk.id}/snapshots`, json: { name: 'clean' } });
  t.say('A new disk from the snapshot, and larger; and the old one put back to what it was.');
  await t.curl({ path: '/disks', json: { size: 64, from: snapshot.id } });
  await t.curl({ path: `/disks/${disk.id}/restore`, json: { snapshot: snapshot.id }, lines: 4 });
  await rest();
  await t.curl({ path: `/disks/${disk.id}/grow`, json: { sizeMiB: 48 }, lines: 4 });
  await rest();
}

/** A token for somebody who may do less. */
export async function tokenFlow({ transcript: t }: Scene): Promise<void> {
  t.say('## Tokens');
  t.say('Everybody gets a token of their own, which may do no more than it must ([security.md](security.md)).');
  const made = await t.curl<{ id: string }>({ path: '/tokens', json: { name: 'bosh-director', scope: 'cpi' } });
  await t.curl({ path: '/whoami' });
  await t.curl({ method: 'DELETE', path: `/tokens/${made.id}` });
}

/** What there was, and what became of it. */
export async function watchFlow({ transcript: t, rest }: Scene): Promise<void> {
  t.say('## Operations and events');
  t.say('Whatever takes more than one step is an operation: it ends or is undone, also when the server is killed.');
  await t.curl({ path: '/operations?kind=bake&limit=1', lines: 45 });
  t.say('The feed tells what happened, as pages or as a stream of server-sent events ([events.md](events.md)).');
  await t.curl({ path: '/events?format=json&types=operation.done&limit=500', lines: 16 });
  await rest();
}

/** Giving it back. */
export async function trashFlow({ transcript: t, rest }: Scene): Promise<void> {
  t.say('## Giving a Pi back, and a disk that should not have gone');
  const pis = await t.curl<Record<string, { id: string; disks: readonly { id: string }[] }>>({
    path: '/oven',
    lines: 3,
  });
  const [pi] = Object.values(pis);
  await t.curl({ method: 'DELETE', path: `/oven/${pi?.id}`, lines: 4 });
  await rest();
  t.say(
    'Its disks are in the trash for a day, and can be had back. First comes what went first: the root of the old image.',
  );
  // No more than that: disks that went together come in the order of their ids, which are others in each run.
  await t.curl({ path: '/trash?limit=1' });
  await t.curl({ method: 'POST', path: `/trash/${pi?.disks[1]?.id}/restore` });
}

/** What is refused, and how that looks. */
export async function problemFlow({ transcript: t }: Scene): Promise<void> {
  t.say('## When something is refused');
  t.say(
    'Every error is a problem document (RFC 9457) whose `code` is stable and explained in [problems.md](problems.md).',
  );
  await t.curl({ path: '/fridge', anonymous: true });
  await t.curl({ path: '/fridge', json: { bakeformName: 'windows' } });
  await t.curl({ path: '/disks', json: { size: 'large' } });
}

export const INTRODUCTION = `# The API by example

What follows was called and answered while \`npm test\` ran: nothing of it is typed by hand. Every call, with its parameters,
codes and shapes, is in \`openapi.yaml\` and, on a running server, in Swagger UI at \`/docs\`. Ids and times are made the same in
every run. Calls need a token ([security.md](security.md)); the first start writes one into \`admin-token\` below \`BAKERY_ROOT\`:

\`\`\`console
$ AUTH="Authorization: Bearer $(cat data/admin-token)"
\`\`\``;

/** In the order of the document; each finds what the ones before it left. */
export const FLOWS = [
  bakeFlow,
  poolFlow,
  switchFlow,
  rebakeFlow,
  snapshotFlow,
  watchFlow,
  trashFlow,
  tokenFlow,
  problemFlow,
];
