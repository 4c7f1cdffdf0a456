import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { OperationKind } from '../../server/operations/kind.ts';
import { operationKinds } from '../../server/operations/registry.ts';
import { journalPoints, undoable, undoPoints } from '../../server/operations/runner.ts';
import { call } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, register } from '../lab/rack.ts';
import { checkWorld } from '../lab/world-check.ts';
import { isLongRun, size } from '../sizes.ts';
import { reset, rest, SCENARIOS, type Scenario, type Stage } from './scenarios.ts';
import { shapeOf } from './shape.ts';

/** Every kind there is, from the registry: none can be left out. */
export const KINDS = operationKinds({} as never) as unknown as readonly OperationKind<never>[];

/** Where an operation is killed, and whether what it did is there afterwards. */
interface KillPoint {
  readonly point: string;
  readonly nth: number;
  /** The step before it is made to fail, so that the operation undoes itself. */
  readonly fail?: string;
  readonly ends: 'as before' | 'done';
}

/**
 * Nothing happens between one point's `:after` and the next one's `:before`: the normal run takes the first of such a pair, the
 * long run both.
 */
function distinct(points: readonly string[]): string[] {
  return points.filter(
    (point, i) =>
      isLongRun ||
      i === 0 ||
      !(
        point.endsWith(':before') &&
        points[i - 1]?.endsWith(':after') &&
        !point.includes('/succeeded') &&
        !point.includes('/undone')
      ),
  );
}

/** The first of the points behind which it is always ended: its commit, or the beginning of the step that has no way back. */
function noWayBackFrom(kind: OperationKind<never>, points: readonly string[]): number {
  const step = kind.steps.find(({ noWayBack }) => noWayBack)?.name;
  return points.indexOf(`${kind.kind}/${step === undefined ? 'commit' : `${step}/started`}:after`);
}

/** Where an operation of that kind is killed: each point of its life, and of its undoing. */
export function killPoints(kind: OperationKind<never>): KillPoint[] {
  const name = kind.kind;
  const goesOn = kind.afterCrash === 'rollback' ? 'as before' : 'done';
  const lastStep = undoable(kind).at(-1)?.name;
  const points = journalPoints(kind);
  const doing = distinct(points).map((point): KillPoint => {
    const isFirst = point === `${name}/admit:before`;
    const ends = isFirst ? 'as before' : points.indexOf(point) >= noWayBackFrom(kind, points) ? 'done' : goesOn;
    return { point, nth: 1, ends };
  });
  const undoing = distinct(undoPoints(kind)).map((point): KillPoint => {
    // That it failed is not written down yet: it goes on as if it had not.
    const ends = point === `${name}/unwinding:before` ? goesOn : 'as before';
    return { point, nth: 1, fail: `${name}/${lastStep}/succeeded:before`, ends };
  });
  return [...doing, ...undoing];
}

/**
 * The points that this run kills at: every so many, beginning elsewhere for each list so that all kinds of points come up. The
 * long run takes every one.
 */
export function thinned<T>(points: readonly T[], name: string): T[] {
  const stride = size('killStride');
  return points.filter((_, i) => (i + name.length) % stride === 0);
}

/** What changes the world: child processes, and calls of the NFS server. After each of them a step stands in its middle. */
const CHANGES =
  /^(?:exec (mount|umount|mkfs|mke2fs|tune2fs|e2fsck|resize2fs|mcopy|cp|sh|fallocate|sync|losetup --detach)|bus exportmgr\.(Add|Update|Remove)Export)/;

/** The middles of its steps: all that changed something in a rehearsal. */
function middles(kind: OperationKind<never>, passed: readonly string[]): KillPoint[] {
  const from = noWayBackFrom(kind, passed);
  const counts = new Map<string, number>();
  return passed.flatMap((point, i): KillPoint[] => {
    const ends = kind.afterCrash === 'rollback' && i < from ? 'as before' : 'done';
    const nth = (counts.get(point) ?? 0) + 1;
    counts.set(point, nth);
    return CHANGES.test(point) ? [{ point, nth, ends }] : [];
  });
}

/** Which file kills which kinds. An import runs only while a server starts, a bulk by operations of others: they have files of their own. */
export const KILLED = {
  pis: ['bake', 'rebake', 'unbake', 'attach', 'detach', 'release', 'power'],
  disks: ['create-disk', 'delete-disk', 'restore', 'purge', 'upload-bakeform', 'delete-bakeform'],
  volumes: ['heal'],
  copies: ['snapshot', 'delete-snapshot', 'grow-disk', 'revert-disk'],
  imports: ['import-disks'],
  bulk: ['bulk'],
};

/** Kills a server at every point of these kinds' lives, and compares the world after the next start. */
export function killSuite(url: string, names: readonly string[]): void {
  inOwnNamespace(url, () => {
    let stage: Stage;

    before(async () => {
      const rack = await makeRack(1);
      const bakery = await rack.startHeld();
      stage = { rack, bakery };
      assert.equal((await call(bakery, 'POST', '/bakeforms/tiny', rack.image)).status, 201);
      await register(bakery, rack.serials[0] ?? '');
    });
    after(async () => stage?.rack.close(stage.bakery));

    async function killAt(
      scenario: Scenario,
      at: KillPoint,
      shapes: { clean: string[]; done: string[] },
    ): Promise<void> {
      await scenario.before(stage);
      assert.deepEqual(shapeOf(stage.rack), shapes.clean, 'the world before');
      await stage.bakery.order({ hold: { point: at.point, nth: at.nth }, ...(at.fail ? { fail: at.fail } : {}) });
      const { again } = await scenario.start(stage);
      await stage.bakery.held(30_000);
      await stage.bakery.killHeld();

      stage.bakery = await stage.rack.startHeld();
      await rest(stage);
      // Nobody asked for a mending: what was not begun is begun by a loop.
      const isWhole = () => !scenario.mends || shapeOf(stage.rack).includes('0 broken volumes');
      while (!isWhole()) await new Promise((resolve) => setTimeout(resolve, 50));
      await rest(stage);
      const expected = at.ends === 'done' ? shapes.done : shapes.clean;
      assert.deepEqual(shapeOf(stage.rack), expected, 'the world after');
      // A Pi that was held before is, where nothing has begun.
      const isHeld = (fault: string) =>
        /^Pi \S+ is held$/.test(fault) && expected.some((line) => line.includes('"held"'));
      assert.deepEqual(
        (await checkWorld(stage.rack.world)).filter((fault) => !isHeld(fault)),
        [],
      );
      if (again && !at.point.endsWith('/admit:before')) {
        await again();
        await rest(stage);
        assert.deepEqual(shapeOf(stage.rack), expected, 'the same request once more does nothing new');
      }
    }

    for (const kind of KINDS.filter((candidate) => names.includes(candidate.kind))) {
      for (const [what, scenario] of Object.entries(SCENARIOS[kind.kind] ?? {})) {
        test(`${kind.kind} ${what}: killed anywhere, the next start finds or makes a whole world`, async (t) => {
          const empty = shapeOf(stage.rack);
          await scenario.before(stage);
          const clean = shapeOf(stage.rack);
          await stage.bakery.order({});
          await scenario.start(stage);
          // It is over when its last commit has been passed and nothing is open.
          while (!stage.bakery.passed.includes(`${kind.kind}/commit:after`))
            await new Promise((r) => setTimeout(r, 10));
          const rehearsed = [...stage.bakery.passed];
          await rest(stage);
          const done = shapeOf(stage.rack);
          if (!scenario.mends) assert.notDeepEqual(done, clean);
          assert.deepEqual(await checkWorld(stage.rack.world), []);
          await reset(stage);
          assert.deepEqual(shapeOf(stage.rack), empty);

          const expected = journalPoints(kind);
          assert.deepEqual(
            rehearsed.filter((point) => expected.includes(point)),
            expected,
            'every point is passed',
          );
          const points = [...killPoints(kind), ...middles(kind, rehearsed)].map(
            (at): KillPoint => (at.fail && scenario.stays ? { ...at, ends: 'done' } : at),
          );
          for (const at of thinned(points, kind.kind + what)) {
            const nth = at.nth > 1 ? ` (time ${at.nth})` : '';
            await t.test(`${at.fail ? 'undoing, ' : ''}at ${at.point}${nth}: ${at.ends}`, async () => {
              try {
                await killAt(scenario, at, { clean, done });
              } finally {
                // After a failure too: the next point begins with a world that is whole.
                if (stage.bakery.isOver()) stage.bakery = await stage.rack.startHeld();
                await stage.bakery.order({});
                await reset(stage);
              }
              assert.deepEqual(shapeOf(stage.rack), empty, 'nothing is left when all is taken away');
            });
          }
        });
      }
    }
  });
}
