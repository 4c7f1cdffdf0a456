import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneByOne } from '../../core/one-by-one.ts';

test('what comes while something runs waits for it, in its order, also when that fails', async () => {
  const inTurn = oneByOne();
  const begun: string[] = [];
  const first = Promise.withResolvers<void>();
  const act = (name: string, until: Promise<void> = Promise.resolve()) =>
    inTurn(async () => {
      begun.push(name);
      await until;
      return name;
    });
  const all = Promise.allSettled([act('a', first.promise), act('b'), act('c')]);
  await new Promise(setImmediate);
  assert.deepEqual(begun, ['a']);
  first.reject(new Error('a fails'));
  assert.deepEqual(
    (await all).map((end) => (end.status === 'fulfilled' ? end.value : end.reason.message)),
    ['a fails', 'b', 'c'],
  );
  assert.deepEqual(begun, ['a', 'b', 'c']);
});
