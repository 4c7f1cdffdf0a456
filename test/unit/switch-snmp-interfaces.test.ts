import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interfacesOf, labelOf, matchInterfaces } from '../../server/power/switches/snmp/interfaces.ts';
import { stationsOf } from '../../server/power/switches/snmp/stations.ts';

const ETHERNET = 6;
const VLAN = 53;
const table = (rows: readonly (readonly [string, readonly unknown[]])[]) => ({ rows: new Map(rows), isWhole: true });
const interfaces = (rows: readonly (readonly [index: number, name: string, type?: number])[]) =>
  interfacesOf(
    table(rows.map(([index, name, type = ETHERNET]) => [`${index}`, [Buffer.from(name), undefined, 1, type]])),
  );
const ports = (...names: readonly string[]) =>
  names.map((name) => ({ group: Number(name.split('.')[0]), port: Number(name.split('.')[1]) }));

/** What is found, as `group.port=ifIndex`. */
function found(...[asked, all, bridge, rule]: Parameters<typeof matchInterfaces>): readonly string[] {
  return [...matchInterfaces(asked, all, bridge, rule)].map(([{ group, port }, index]) => `${group}.${port}=${index}`);
}

test('the interface of a PoE port is found by its name, in a stack and in a single box', () => {
  const stack = interfaces([
    [1, 'Vlan1', VLAN],
    [9, 'Gi1/0/1'],
    [10, 'Gi1/0/2'],
    [37, 'Te1/1/1'],
    [57, 'Gi2/0/1'],
  ]);
  assert.deepEqual(found(ports('1.1', '1.2', '2.1'), stack, new Map(), 'auto'), ['1.1=9', '1.2=10', '2.1=57']);
  const single = interfaces([
    [101, 'gi1'],
    [102, 'gi2'],
    [103, '10GE3'],
  ]);
  assert.deepEqual(found(ports('1.1', '1.2', '1.3'), single, new Map(), 'auto'), ['1.1=101', '1.2=102', '1.3=103']);
});

test('without names that tell it is the number of the interface, or else that of the bridge port', () => {
  const plain = interfaces([
    [1, 'A'],
    [2, 'B'],
  ]);
  assert.deepEqual(found(ports('1.1', '1.2'), plain, new Map(), 'auto'), ['1.1=1', '1.2=2']);
  const far = interfaces([
    [501, 'A'],
    [502, 'B'],
  ]);
  const bridge = new Map([
    [1, 502],
    [2, 501],
  ]);
  assert.deepEqual(found(ports('1.1', '1.2'), far, bridge, 'auto'), ['1.1=502', '1.2=501']);
});

test('a rule that finds not all ports, or one interface for two, is not taken by itself', () => {
  const some = interfaces([
    [1, 'A'],
    [2, 'B', VLAN],
  ]);
  assert.deepEqual(found(ports('1.1', '1.2'), some, new Map(), 'auto'), []);
  assert.deepEqual(found(ports('1.1', '1.2'), some, new Map(), 'ifindex'), ['1.1=1']);
  const plain = interfaces([[1, 'A']]);
  assert.deepEqual(found(ports('1.1', '2.1'), plain, new Map(), 'auto'), []);
  const twice = interfaces([
    [11, 'Gi1/0/1'],
    [12, 'Te1/0/1'],
  ]);
  assert.deepEqual(found(ports('1.1'), twice, new Map(), 'name'), []);
  assert.deepEqual(found(ports('1.1'), interfaces([[11, 'gi1']]), new Map(), 'none'), []);
});

test('a label is one line of what the switch and its administrator call the port', () => {
  const one = { index: 1, isUp: true, isEthernet: true };
  assert.equal(labelOf({ ...one, name: 'gi1', alias: '' }), 'gi1');
  assert.equal(labelOf({ ...one, name: '', alias: 'oven' }), 'oven');
  assert.equal(labelOf({ ...one, name: 'gi1', alias: 'oven' }), 'gi1 (oven)');
  const [long] = interfacesOf(table([['1', [Buffer.from('x'.repeat(300)), Buffer.from('a\nb'), 1, ETHERNET]]]));
  assert.deepEqual([long?.name.length, long?.alias], [64, 'a b']);
});

test('stations are told by interface: learned ones only, each once, 64 at most', () => {
  const learned = (port: number) => [port, 3];
  const rows = table([
    ['1.2.0.0.0.0.9', learned(1)],
    ['1.2.0.0.0.0.1', learned(1)],
    ['20.2.0.0.0.0.9', learned(1)],
    ['1.2.0.0.0.0.5', [1, 4]],
    ['1.2.0.0.0.0.6', learned(0)],
    ['1.2.0.0.0.0.7', learned(9)],
    ['1.2.0.0.0.0.300', learned(1)],
    ['1.2.3', learned(1)],
    ...Array.from({ length: 100 }, (_, at) => [`1.4.0.0.0.0.${at}`, learned(2)] as const),
  ]);
  const told = stationsOf(
    rows,
    new Map([
      [1, 101],
      [2, 102],
    ]),
  );
  assert.deepEqual([...told.keys()], [101, 102]);
  assert.deepEqual(told.get(101), ['02:00:00:00:00:01', '02:00:00:00:00:09']);
  assert.equal(told.get(102)?.length, 64);
});
