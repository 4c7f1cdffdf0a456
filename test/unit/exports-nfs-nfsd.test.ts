import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Ipv4 } from '../../core/ids.ts';
import type { NfsExport } from '../../exports/nfs/backend.ts';
import { type CacheTexts, holdsVolume, isStale, reachedBy } from '../../exports/nfs/nfsd/caches.ts';
import { fsidOf, handleWords, idOf } from '../../exports/nfs/nfsd/fsid.ts';
import { holdsFiles } from '../../exports/nfs/nfsd/held.ts';
import { isAnothers, planRemove, planServe, rivalOf } from '../../exports/nfs/nfsd/plan.ts';
import { isWhole, refuseForeign } from '../../exports/nfs/nfsd/server.ts';
import { optionsOf, ownExports, parseEtab, renderExports } from '../../exports/nfs/nfsd/table.ts';
import { parseDropped, parseHistogram, parseMountRequests } from '../../exports/nfs/nfsd/visitors.ts';
import { judgeNfsd } from '../../server/doctor/nfsd.ts';

const at = (text: string) => text as Ipv4;
const pi = { kind: 'address', address: at('10.99.1.2') } as const;
const first: NfsExport = { id: 1, path: '/data/nfs/aaaa0001', client: pi, access: 'rw' };

/** As nfs-utils 2.6.2 writes it after exportfs was called with `optionsOf`. */
const written = (access: string, fsid: string) =>
  `${access},sync,wdelay,hide,nocrossmnt,secure,no_root_squash,no_all_squash,no_subtree_check,secure_locks,acl,no_pnfs,fsid=${fsid},mountpoint,anonuid=65534,anongid=65534,sec=sys,${access},secure,no_root_squash,no_all_squash`;
const foreign =
  '/srv/films\t*(ro,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check,secure_locks,acl,no_pnfs,fsid=1,anonuid=65534,anongid=65534,sec=sys,ro,secure,root_squash,no_all_squash)';
const etab = [
  foreign,
  `/data/nfs/aaaa0001\t10.99.1.2/32(${written('rw', fsidOf(1))})`,
  `/data/nfs/disk\\040'three'\t10.99.1.0/24(${written('ro', fsidOf(65535))})`,
  '',
].join('\n');

describe('the fsid of an export', () => {
  test('is a UUID of version 8 that gives its id back, and nobody else’s fsid is one', () => {
    for (const id of [1, 300, 65_535]) assert.equal(idOf(fsidOf(id)), id);
    assert.match(fsidOf(300), /^42616b65-7279-8[0-9a-f]{3}-8[0-9a-f]{3}-00000000012c$/);
    for (const other of ['1', 'root', '0', fsidOf(1).replace('42', '43'), `${fsidOf(1)}0`])
      assert.equal(idOf(other), undefined);
  });
  test('stands in the kernel’s list of handles as 6.1 writes it', () => {
    assert.equal(handleWords(1), '0x656b6142468e79720000008001000000');
  });
});

describe('etab', () => {
  test('gives back Bakery’s exports and leaves out everybody else’s', () => {
    assert.deepEqual(ownExports(parseEtab(etab)), [
      first,
      { id: 65_535, path: "/data/nfs/disk 'three'", client: { kind: 'subnet', cidr: '10.99.1.0/24' }, access: 'ro' },
    ]);
  });
  test('two addresses of one export are one client that moves', () => {
    const both = `${etab}/data/nfs/aaaa0001\t10.99.2.2/32(${written('rw', fsidOf(1))})\n`;
    const [own] = ownExports(parseEtab(both));
    assert.deepEqual(own?.client, { ...pi, also: '10.99.2.2' });
  });
  test('options that somebody has changed are nothing that can be wanted', () => {
    for (const [word, other] of [
      ['no_root_squash', 'root_squash'],
      ['mountpoint,', ''],
      ['nocrossmnt', 'crossmnt'],
    ] as const) {
      const [own] = ownExports(parseEtab(etab.replaceAll(`,${word}`, `,${other}`)));
      assert.equal(own?.client.kind, 'subnet', word);
      assert.deepEqual(planServe(first, parseEtab(etab.replaceAll(`,${word}`, `,${other}`))).calls.length, 1, word);
    }
  });
  test('what is no entry is left out', () => {
    assert.deepEqual(parseEtab('\n# a comment\n/data\n/data 10.0.0.1\n'), []);
  });
});

describe('Bakery’s own file of exports', () => {
  test('escapes what exports(5) takes as its own, and reads back as it was', () => {
    const odd: NfsExport = { ...first, path: "/data/nfs/a b'c#d(e)é" };
    const text = renderExports([odd]);
    assert.match(text, /\n\/data\/nfs\/a\\040b\\047c\\043d\\050e\\051\\303\\251 10\.99\.1\.2\/32\(rw,/);
    assert.deepEqual(ownExports(parseEtab(text)), [odd]);
  });
  test('has both addresses of a client that moves on one line', () => {
    const text = renderExports([{ ...first, client: { ...pi, also: at('10.99.2.2') } }]);
    assert.match(text, /aaaa0001 10\.99\.1\.2\/32\(\S+\) 10\.99\.2\.2\/32\(\S+\)\n$/);
  });
  test('serves nothing where no volume is mounted, and nothing that is mounted below it', () => {
    const options = optionsOf(first).split(',');
    for (const word of ['rw', 'sync', 'no_subtree_check', 'no_root_squash', 'secure', 'mountpoint', 'nocrossmnt'])
      assert.ok(options.includes(word), word);
  });
});

describe('calls of exportfs', () => {
  const entries = parseEtab(etab);
  const call = (client: string, path = first.path) => `${client}:${path}`;
  test('none for what is served so already', () => {
    assert.deepEqual(planServe(first, entries).calls, []);
  });
  test('a client that moves has the new address before the old one is taken', () => {
    const moved: NfsExport = { ...first, client: { kind: 'address', address: at('10.99.2.2') } };
    assert.deepEqual(planServe(moved, entries).calls, [
      ['-o', optionsOf(first), call('10.99.2.2/32')],
      ['-u', call('10.99.1.2/32')],
    ]);
  });
  test('another access is one call, and another path ends the old one first', () => {
    const ro: NfsExport = { ...first, access: 'ro' };
    assert.deepEqual(planServe(ro, entries).calls, [['-o', optionsOf(ro), call('10.99.1.2/32')]]);
    const elsewhere: NfsExport = { ...first, path: '/data/nfs/new' };
    assert.deepEqual(planServe(elsewhere, entries).calls[0], ['-u', call('10.99.1.2/32')]);
    assert.deepEqual(planServe(elsewhere, entries).own, [elsewhere, ownExports(entries)[1]]);
  });
  test('nobody else’s export is ever named', () => {
    const all = [
      planRemove(1, entries),
      planRemove(65_535, entries),
      planServe({ ...first, id: 7, path: '/x' }, entries),
    ];
    for (const { calls, own } of all) {
      assert.equal(
        calls.flat().some((word) => word.includes('/srv/films')),
        false,
      );
      assert.equal(
        own.some(({ path }) => path === '/srv/films'),
        false,
      );
    }
    assert.deepEqual(planRemove(7, entries).calls, []);
    assert.equal(rivalOf({ ...first, path: '/srv/films' }, entries)?.client, '*');
    assert.equal(rivalOf(first, entries), undefined);
  });
  test('an export of another root is another Bakery’s while its volume is mounted', () => {
    const mounted = new Set([first.path]);
    assert.equal(isAnothers(first, '/data', mounted), false);
    assert.equal(isAnothers(first, '/dat', mounted), true);
    assert.equal(isAnothers(first, '/dat', new Set()), false);
  });
  test('what cannot be expressed is refused before anything is called', () => {
    for (const wrong of [
      { ...first, id: 0 },
      { ...first, path: '/a\nb' },
      { ...first, path: '/a/../b' },
    ])
      assert.throws(() => planServe(wrong, entries), { code: 'export-invalid' });
  });
});

describe('what the kernel remembers', () => {
  // 6.1, after a mount of /data/nfs/aaaa0001.
  const texts: CacheTexts = {
    addresses: '#class IP domain\nnfsd 10.99.1.2 10.99.1.2/32\n# nfsd 0.0.0.0 -test-client-\n',
    handles: `#domain fsidtype fsid [path]\n10.99.1.2/32 6 ${handleWords(1)} /data/nfs/aaaa0001\n10.99.1.2/32 1 0x00000000 /\n`,
    exports:
      '#path domain(flags)\n/data/nfs/aaaa0001\t10.99.1.2/32(rw,no_root_squash,sync,wdelay,no_subtree_check,uuid=42616b65:72798e46:80000000:00000001,sec=1)\n/data\t10.99.1.2/32(ro,v4root,uuid=68b71533:bc185aff:99a142c7:1fbc5ba5,sec=1)\n',
  };
  const none: CacheTexts = { addresses: '#class IP domain\n', handles: '#domain\n', exports: '#path\n' };

  test('keeps a volume from being unmounted, also when it counts no more', () => {
    assert.equal(holdsVolume(texts, first.path), true);
    assert.equal(holdsVolume({ ...none, exports: `# ${first.path}\t10.99.1.2/32(rw)\n` }, first.path), true);
    assert.equal(holdsVolume(texts, '/data/nfs/aaaa'), false);
    assert.equal(holdsVolume({ ...none, exports: '/a\\040b\tx(rw)\n' }, '/a b'), true);
  });
  test('is stale when it is about the path, about a handle, or an address has another name', () => {
    assert.equal(isStale(none, first), false);
    assert.equal(isStale(texts, first), true);
    assert.equal(isStale({ ...none, handles: `# 10.99.1.2/32 6 ${handleWords(1)}\n` }, first), true);
    assert.equal(isStale({ ...none, addresses: '# nfsd 10.99.1.2 -no-domain-\n' }, first), true);
    assert.equal(isStale({ ...none, addresses: 'nfsd 10.99.1.2 10.99.1.2/32\n' }, first), false);
    assert.equal(isStale({ ...none, addresses: 'nfsd 10.99.9.9 10.99.9.9/32\n' }, first), false);
    assert.equal(
      isStale({ ...none, addresses: 'nfsd 10.99.9.9 10.99.9.9/32\n' }, { ...first, client: { kind: 'any' } }),
      true,
    );
  });
  test('tells which volumes an address has reached', () => {
    assert.deepEqual(reachedBy(texts, '10.99.1.2'), [first.path]);
    assert.deepEqual(reachedBy(texts, '10.99.1.20'), []);
    assert.deepEqual(reachedBy({ ...texts, exports: `# ${first.path}\t10.99.1.2/32()\n` }, '10.99.1.2'), []);
  });
  test('names open files of NFSv4 by their device', () => {
    const states = '- 0x1: { type: open, access: rw, deny: --, superblock: "07:1f:12", filename: "/name.txt" }\n';
    assert.equal(holdsFiles(states, '7:31'), true);
    assert.equal(holdsFiles(states, '7:1'), false);
    assert.equal(holdsFiles('', '7:31'), false);
  });
});

describe('who has asked', () => {
  const histogram = `# event histogram
#
# trigger info: hist:keys=addr,vers:vals=hitcount:sort=hitcount:size=32768 if service == "nfsd" [active]
#

{ addr: 10.99.1.2:861                                     , vers:          3 } hitcount:          7
{ addr: 10.99.1.2:862                                     , vers:          3 } hitcount:          2
{ addr: 10.99.1.2:516                                     , vers:          4 } hitcount:          9

Totals:
    Hits: 18
    Entries: 3
    Dropped: 4
`;
  test('is counted by address and version, over all its connections', () => {
    assert.deepEqual([...parseHistogram(histogram)], [['10.99.1.2', { v3: 9, v4: 9 }]]);
    assert.equal(parseDropped(histogram), 4);
    assert.equal(parseDropped(''), 0);
  });
  test('is in mountd’s log, granted or not', () => {
    const log = `rpc.mountd: Version 2.6.2 starting
rpc.mountd: authenticated mount request from 10.99.1.2:819 for /v/a (/v/a)
rpc.mountd: v4.0 client attached: 0x847685a36b0ad332 from "10.99.3.3:910"
rpc.mountd: refused mount request from 10.99.2.2 for /v/a (/v/a): unmatched host
`;
    assert.deepEqual(parseMountRequests(log), ['10.99.1.2', '10.99.2.2']);
  });
});

test('a server is whole with threads, rpcbind and mountd; one on its port without threads is another’s', () => {
  const whole = { threads: 8, rpcbind: true, nfs: true, mountd: true };
  assert.equal(isWhole(whole), true);
  for (const part of [{ threads: 0 }, { threads: undefined }, { rpcbind: false }, { nfs: false }, { mountd: false }])
    assert.equal(isWhole({ ...whole, ...part }), false, JSON.stringify(part));
  refuseForeign(whole);
  refuseForeign({ ...whole, threads: 0, nfs: false });
  assert.throws(() => refuseForeign({ ...whole, threads: 0 }), { code: 'foreign-nfs-server' });
});

test('the doctor tells what the kernel’s NFS server lacks', () => {
  const well = { hasKernel: true, missing: [], threads: 0, managesGroups: true };
  const state = (facts: Partial<typeof well> & { missing?: readonly string[] }) =>
    judgeNfsd({ ...well, ...facts })[0]?.state;
  assert.equal(state({}), 'ok');
  assert.equal(state({ threads: 8 }), 'look');
  assert.equal(state({ threads: 8, managesGroups: false }), 'ok');
  assert.equal(state({ hasKernel: false }), 'bad');
  assert.match(judgeNfsd({ ...well, missing: ['exportfs'] })[0]?.cure ?? '', /nfs-kernel-server/);
});
