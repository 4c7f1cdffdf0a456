import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BakeryError } from '../../core/errors.ts';
import { parseIpv4 } from '../../core/ids.ts';
import type { ExportClient, NfsBackend, NfsExport } from '../../exports/nfs/backend.ts';
import { convergeExports, describeFailures, planExports } from '../../exports/nfs/converge.ts';
import { isBakeryCode } from '../contract/nfs-expect.ts';

function client(last: number): ExportClient {
  const address = parseIpv4(`10.0.0.${last}`);
  assert.ok(address);
  return { kind: 'address', address };
}

const a: NfsExport = { id: 1, path: '/a', client: client(1), access: 'rw' };
const b: NfsExport = { id: 2, path: '/b', client: client(2), access: 'rw' };

/** A server with ganesha's rules: one export per id and per path. */
function fakeServer(initial: readonly NfsExport[], failing: ReadonlySet<number> = new Set()) {
  const served = new Map(initial.map((entry) => [entry.id, entry]));
  const put = async (entry: NfsExport): Promise<void> => {
    if (failing.has(entry.id)) throw new BakeryError('unavailable', 'export-refused', 'refused');
    for (const other of served.values()) {
      if (other.id !== entry.id && other.path === entry.path)
        throw new BakeryError('unavailable', 'export-refused', 'path');
      if (other.id === entry.id && other.path !== entry.path) throw new Error('the plan let a path change through');
    }
    served.set(entry.id, entry);
  };
  const backend: NfsBackend = {
    name: 'fake',
    start: async () => ({ adopted: false }),
    alive: async () => true,
    list: async () => [...served.values()],
    clients: async () => [],
    operations: async () => ({ v3: 0, v4: 0, v4Failed: 0 }),
    outline: async () => [...served.values()],
    add: put,
    update: put,
    remove: async (id) => {
      served.delete(id);
    },
    stop: async () => undefined,
    ports: () => ({ nfs: 2049, mountd: 20048 }),
  };
  return { backend, served };
}

describe('planExports', () => {
  test('nothing to do', () => {
    assert.deepEqual(planExports([a, b], [b, a]), { remove: [], update: [], add: [] });
  });

  test('two spellings of one client are no difference', () => {
    const cidr: NfsExport = { ...a, client: { kind: 'subnet', cidr: '10.0.0.1/32' } };
    assert.deepEqual(planExports([cidr], [a]), { remove: [], update: [], add: [] });
  });

  test('add, update, remove', () => {
    const moved: NfsExport = { ...a, client: client(9) };
    assert.deepEqual(planExports([moved], [a, b]), { remove: [2], update: [moved], add: [] });
    assert.deepEqual(planExports([{ ...a, access: 'ro' }, b], [a]), {
      remove: [],
      update: [{ ...a, access: 'ro' }],
      add: [b],
    });
  });

  test('ids that swap paths are removed before they are added', () => {
    const swapped: readonly NfsExport[] = [
      { ...a, path: '/b' },
      { ...b, path: '/a' },
    ];
    assert.deepEqual(planExports(swapped, [a, b]), { remove: [1, 2], update: [], add: swapped });
  });

  test('a client the server should not have is put right', () => {
    assert.deepEqual(planExports([a], [{ ...a, client: { kind: 'subnet', cidr: 'nobody' } }]).update, [a]);
  });

  test('a wanted set that contradicts itself is refused', () => {
    assert.throws(() => planExports([a, { ...b, id: 1 }], []), isBakeryCode('export-duplicate'));
    assert.throws(() => planExports([a, { ...b, path: '/a' }], []), isBakeryCode('export-duplicate'));
  });
});

const exportSet = fc
  .uniqueArray(fc.record({ id: fc.integer({ min: 1, max: 6 }), path: fc.constantFrom('/a', '/b', '/c', '/d', '/e') }), {
    selector: ({ id }) => id,
  })
  .map((entries) => entries.filter((entry, i) => entries.findIndex(({ path }) => path === entry.path) === i))
  .chain((entries) =>
    fc
      .array(fc.record({ last: fc.integer({ min: 1, max: 3 }), access: fc.constantFrom('rw', 'ro') }), {
        minLength: entries.length,
        maxLength: entries.length,
      })
      .map((rest) =>
        entries.flatMap((entry, i): NfsExport[] => {
          const more = rest[i];
          return more ? [{ ...entry, client: client(more.last), access: more.access === 'rw' ? 'rw' : 'ro' }] : [];
        }),
      ),
  );

describe('convergeExports', () => {
  test('any server becomes what is wanted, and the second time nothing is done', async () => {
    await fc.assert(
      fc.asyncProperty(exportSet, exportSet, async (desired, actual) => {
        const { backend, served } = fakeServer(actual);
        assert.deepEqual((await convergeExports(backend, desired)).failed, []);
        assert.deepEqual(new Set(served.values()), new Set(desired));
        const again = await convergeExports(backend, desired);
        assert.deepEqual(again, { removed: [], updated: [], added: [], failed: [] });
      }),
    );
  });

  test('one that fails does not keep the others from being served', async () => {
    const { backend, served } = fakeServer([], new Set([1]));
    const result = await convergeExports(backend, [a, b]);
    assert.deepEqual(result.added, [2]);
    assert.match(describeFailures(result), /^export 1: refused$/);
    assert.deepEqual([...served.keys()], [2]);
  });

  test('a server that goes away ends it', async () => {
    const { backend } = fakeServer([]);
    const gone: NfsBackend = {
      ...backend,
      add: async () => {
        throw new BakeryError('unavailable', 'nfs-unavailable', 'gone');
      },
    };
    await assert.rejects(convergeExports(gone, [a, b]), isBakeryCode('nfs-unavailable'));
  });
});
