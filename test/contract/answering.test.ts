import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import { exec } from '../../core/host/exec.ts';
import { answeringNeighbours } from '../../core/host/network.ts';
import type { Ipv4, Mac } from '../../core/ids.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { plugIn, unplug } from '../lab/network.ts';
import { requireTools, sh } from '../lab/sh.ts';

const [HERE, MUTE, NOBODY] = ['10.99.0.21', '10.99.0.22', '10.99.0.23'] as [Ipv4, Ipv4, Ipv4];
const MAC = 'b8:27:eb:64:24:7d' as Mac;

inOwnNamespace(import.meta.url, () => {
  test('a board that runs answers, also one that was silent for long; one that hangs does not, nor an address of nobody', async () => {
    requireTools('ip', 'nsenter');
    sh('ip', 'link', 'add', 'labbr0', 'type', 'bridge');
    sh('ip', 'addr', 'add', '10.99.0.1/24', 'dev', 'labbr0');
    sh('ip', 'link', 'set', 'labbr0', 'up');
    plugIn('here', `${HERE}/24`, MAC);
    plugIn('mute', `${MUTE}/24`);
    // What is left of it in the table of neighbours says that it was there.
    sh('ip', 'neigh', 'replace', HERE, 'lladdr', MAC, 'dev', 'labbr0', 'nud', 'stale');
    sh('ip', 'neigh', 'replace', MUTE, 'lladdr', '02:00:00:00:00:02', 'dev', 'labbr0', 'nud', 'stale');
    sh('ip', '-n', 'mute', 'link', 'set', 'eth0', 'down');
    const ask = (...addresses: Ipv4[]) => answeringNeighbours(addresses, { exec, clock: systemClock });
    assert.deepEqual(await ask(HERE, MUTE, NOBODY), new Map([[HERE, MAC]]));
    assert.deepEqual(await ask(), new Map());
    for (const name of ['here', 'mute']) unplug(name);
    sh('ip', 'link', 'del', 'labbr0');
  });
});
