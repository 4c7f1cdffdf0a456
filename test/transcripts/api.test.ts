import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RunningBakery } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { sh } from '../lab/sh.ts';
import { type SnmpSwitch, startSnmpSwitch } from '../lab/switches/snmp-switch.ts';
import { untilAtRest } from '../lab/world-check.ts';
import { FLOWS, INTRODUCTION, SWITCH } from './flows.ts';
import { Transcript } from './transcript.ts';

const FILE = fileURLToPath(new URL('../../docs/api.md', import.meta.url));

/** docs/api.md is what really was called and answered; `npm run transcripts` writes it anew. */
inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;
  let poe: SnmpSwitch;

  before(async () => {
    rack = await makeRack(3);
    // Its pauses are short.
    bakery = await rack.startHeld();
    sh('ip', 'address', 'add', `${SWITCH.address}/32`, 'dev', 'lo');
    const { user: name, authKey, privKey } = SWITCH.user;
    const user = { name, authKey, privKey, authProtocol: 'sha', privProtocol: 'aes', mayWrite: true } as const;
    poe = await startSnmpSwitch({
      address: SWITCH.address,
      port: 161,
      portsOfGroup: 2,
      communities: [],
      users: [user],
    });
    for (const serial of rack.serials) await register(bakery, serial);
  });
  after(async () => {
    await poe?.close();
    await rack?.close(bakery);
  });

  test('docs/api.md shows what the server answers', async () => {
    const { root } = rack.world;
    const transcript = new Transcript({ base: bakery.base, token: bakery.token, root });
    transcript.say(INTRODUCTION);
    const scene = {
      transcript,
      poe,
      image: join(root, '..', 'tiny.img'),
      rest: () => untilAtRest(rack.world, 60_000),
    };
    for (const flow of FLOWS) await flow(scene);
    if (process.env.BAKERY_WRITE_TRANSCRIPTS) writeFileSync(FILE, transcript.text);
    // Part by part, so that a failure shows the call that answered otherwise and not the whole document.
    const [told, written] = [transcript.text, readFileSync(FILE, 'utf8')].map((text) => text.split('\n\n'));
    for (const [at, part] of told?.entries() ?? []) {
      assert.equal(part, written?.[at], 'docs/api.md says otherwise; to write it anew: npm run transcripts');
    }
    assert.equal(told?.length, written?.length);
  });
});
