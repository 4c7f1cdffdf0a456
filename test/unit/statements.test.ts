import assert from 'node:assert/strict';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { createStatements } from '../../db/statements.ts';

function setUp(maxKept?: number) {
  const sqlite = new Database(':memory:');
  const prepared: string[] = [];
  const statements = createStatements(
    {
      prepare(sql: string) {
        prepared.push(sql);
        return sqlite.prepare(sql);
      },
    },
    maxKept,
  );
  statements('create table t (a integer)').run();
  prepared.length = 0;
  return { statements, prepared };
}

test('a query is prepared once, and answers each time for what it is asked', () => {
  const { statements, prepared } = setUp();
  for (const a of [1, 2, 3]) statements('insert into t values (?)').run(a);
  const found = [1, 2, 9].map((a) => statements('select a from t where a = ?').all(a));
  assert.deepEqual(found, [[{ a: 1 }], [{ a: 2 }], []]);
  assert.equal(prepared.length, 2);
});

test('a query sees a column that was added after it was prepared', () => {
  const { statements } = setUp();
  statements('insert into t values (1)').run();
  assert.deepEqual(statements('select * from t').all(), [{ a: 1 }]);
  statements('alter table t add column b integer default 7').run();
  assert.deepEqual(statements('select * from t').all(), [{ a: 1, b: 7 }]);
});

test('the query that was asked for longest ago is forgotten, and one that cannot be prepared is not kept', () => {
  const { statements, prepared } = setUp(2);
  const ask = (...columns: readonly string[]) => columns.map((name) => statements(`select a as ${name} from t`).all());
  ask('x', 'y', 'x', 'z', 'x');
  assert.equal(prepared.length, 3);
  ask('y');
  assert.equal(prepared.length, 4);
  for (let n = 0; n < 2; n++) assert.throws(() => statements('select nothing from nowhere'));
});
