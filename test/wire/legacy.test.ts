import { after, before } from 'node:test';
import { inOwnNamespace } from '../lab/namespace.ts';
import { legacyCalls } from './legacy-calls.ts';
import { legacyLife } from './legacy-life.ts';
import { legacyLimits } from './legacy-limits.ts';
import { legacyQuirks } from './legacy-quirks.ts';
import { legacyRetries } from './legacy-retries.ts';
import { type LegacyWorld, makeLegacyWorld } from './legacy-world.ts';

// One server for all of it: what one part leaves behind, the next would see.
inOwnNamespace(import.meta.url, () => {
  let made: LegacyWorld | undefined;
  const world = () => {
    if (!made) throw new Error('there is no world yet');
    return made;
  };
  before(async () => {
    made = await makeLegacyWorld(8);
  });
  after(() => made?.close());

  legacyCalls(world);
  legacyQuirks(world);
  legacyRetries(world);
  legacyLimits(world);
  legacyLife(world);
});
