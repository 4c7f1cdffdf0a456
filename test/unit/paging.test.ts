import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { cutPage, readCursor } from '../../server/http/paging.ts';

const Place = z.tuple([z.int(), z.string()]);

test('pages put one behind the other are the list, whatever their length', () => {
  const all = Array.from({ length: 17 }, (_, i) => ({ at: Math.floor(i / 3), id: `ö/"${i}` }));
  for (const limit of [1, 2, 5, 16, 17, 18]) {
    const seen: typeof all = [];
    let cursor: string | undefined;
    do {
      const [at, id] = readCursor(cursor, Place) ?? [-1, ''];
      const begin = at < 0 ? 0 : all.findIndex((item) => item.at === at && item.id === id) + 1;
      const found = all.slice(begin, begin + limit + 1);
      const page = cutPage(found, { limit, place: (item) => [item.at, item.id] });
      assert.ok(page.items.length > 0 && page.items.length <= limit);
      seen.push(...page.items);
      cursor = page.next;
    } while (cursor);
    assert.deepEqual(seen, all);
  }
});

test('an empty list is one page', () => {
  assert.deepEqual(cutPage([], { limit: 5, place: () => [] }), { items: [] });
});

test('a cursor that no page has given is refused', () => {
  assert.equal(readCursor(undefined, Place), undefined);
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const text of ['', 'x', '\0', encode({}), encode([1]), encode(['a', 'b']), encode([1, 'b', 2]), encode(null)]) {
    assert.throws(() => readCursor(text, Place), { code: 'bad-cursor' }, text);
  }
});
