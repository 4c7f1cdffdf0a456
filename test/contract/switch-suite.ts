import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { powerSuite } from './power-suite.ts';
import type { LeftOut } from './power-suite-faults.ts';
import type { MakeSwitchBench } from './switch-bench.ts';
import { holdsNoSecret } from './switch-expect.ts';
import { partsFor } from './switch-parts.ts';

/** What each kind of switch promises: all that switches power does, and that its settings can be kept and shown. */
export function switchSuite(
  name: string,
  make: MakeSwitchBench,
  row: { readonly leavesOut?: readonly LeftOut[] } = {},
): void {
  powerSuite(`switch kind ${name}`, make, row, () => {
    test('has a name, a title and flat settings that can be written down, and refuses what it does not know', async (t) => {
      const bench = await make(t);
      const { kind, settings } = bench;
      assert.match(kind.name, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      assert.match(kind.title, /^\S.{3,118}\S$/);
      assert.ok(kind.readBackMs >= 0);
      z.toJSONSchema(kind.settings, { io: 'input' });
      const members = Object.keys(kind.settings.shape);
      for (const secret of kind.secrets) assert.ok(members.includes(secret), `there is no setting ${secret}`);
      const parsed = kind.settings.parse(settings);
      for (const value of Object.values(parsed)) assert.match(typeof value, /^(string|number|boolean|undefined)$/);
      assert.deepEqual(kind.settings.parse(JSON.parse(JSON.stringify(parsed))), parsed);
      const { log, clock } = partsFor([]);
      for (const wrong of [{ ...settings, nonsense: 'x' }, {}, undefined]) {
        assert.throws(
          () => kind.open(wrong, { log, clock }),
          (error) => {
            holdsNoSecret(bench, error);
            return true;
          },
        );
      }
    });

    if (row.leavesOut?.includes('lags')) {
      test('tells at once what it gives: there is no time in which it may lag', async (t) => {
        assert.equal((await make(t)).kind.readBackMs, 0);
      });
    }
  });
}
