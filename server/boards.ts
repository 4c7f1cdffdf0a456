import { neighbourOf } from '../core/host/network.ts';
import { sealWith } from '../core/host/sealed.ts';
import type { PiId } from '../core/ids.ts';
import { requirePi } from '../db/pis.ts';
import type { DiagnosisFacts } from '../netboot/boots/diagnosis.ts';
import { bootClass } from '../netboot/boots/storm.ts';
import { newestBoot } from './boot/newest.ts';
import { createBootRecorder } from './boot/recorder.ts';
import type { Config } from './config.ts';
import type { Ground } from './ground.ts';
import { createPiPower } from './operations/pi-power.ts';
import { createCycleLimit } from './power/cycles.ts';
import { createPowerDriver } from './power/registry.ts';
import { createPowerService } from './power/service.ts';
import { loadSwitchKinds } from './power/switches/external.ts';
import { SWITCH_KINDS } from './power/switches/kinds.ts';
import { createSwitchNews } from './power/switches/news.ts';
import { createOpenSwitches } from './power/switches/open.ts';
import { createSwitchQuestions } from './power/switches/questions.ts';
import { createBootTurns } from './power/turns.ts';
import { bootLimitsOf, keyFileOf } from './root.ts';
import type { Seams } from './seams.ts';
import { createSwitching, type Switching } from './switching.ts';
import type { Teardown } from './teardown.ts';

/** What switches boards, and what is known of their boots: each needs the other. */
export type Boards = Awaited<ReturnType<typeof createBoards>>;

/** Knows the switches and boots of the inventory; asks no switch yet. @param facts what a diagnosis of a boot rests on beside its record. */
export async function createBoards(
  config: Config,
  ground: Ground,
  { seams, facts }: { seams: Seams; facts: () => DiagnosisFacts },
  teardown: Teardown,
) {
  const { db, exec, clock, log, observers } = ground;
  const fallback = createPowerDriver({
    driver: config.BAKERY_POWER ?? (config.PPI_PATH ? 'ppi' : 'manual'),
    ppiPath: config.PPI_PATH,
    ppiConfigPath: config.PPI_CONFIG_PATH,
    exec,
    log,
  });
  const switching: Switching = createSwitching({
    db,
    bound: () => bound,
    fallback,
    settings: seams.power,
    clock,
    log,
  });
  const builtIn = [...SWITCH_KINDS, ...(seams.switchKinds ?? [])];
  const switchKinds = [...builtIn, ...(await loadSwitchKinds(config.BAKERY_POWER_MODULES, builtIn))];
  const seal = sealWith(keyFileOf(config));
  const { turn, surveys } = switching;
  const switches = createOpenSwitches({ db, kinds: switchKinds, seal, turn, clock, log });
  await switches.refresh();
  teardown.add(() => switches.close());
  const bound = seams.switches?.(switching) ?? switches;
  const news = createSwitchNews({ db, clock, log });
  const questions = createSwitchQuestions({ switches, surveys, turn, news, clock, log });

  const turns = createBootTurns({
    classOf: async (pi) => bootClass(await requirePi(db, pi)),
    lastSign: (pi) => newest(pi)?.signAt,
    limits: bootLimitsOf(config),
    clock,
    log,
  });
  teardown.add(() => turns.stop());
  const boots = createBootRecorder({
    db,
    neighbour: neighbourOf,
    facts,
    onUp: (pi) => turns.ended(pi),
    clock,
    log,
  });
  await boots.load();
  teardown.add(() => boots.round());
  const newest = (pi: PiId) => newestBoot(boots.newest(pi), clock.now());

  const power = createPiPower({
    db,
    turns,
    cycles: createCycleLimit({ perHour: config.BAKERY_CYCLES_PER_HOUR, clock }),
    isUp: (pi) => newest(pi)?.state === 'up',
    power: createPowerService({
      driver: switching.driver,
      clock,
      log,
      onCall(call) {
        observers.power(call);
        boots.switched(call);
      },
      ...(seams.power ? { settings: seams.power } : {}),
    }),
    clock,
    log,
  });
  return {
    /** What switches Pis that are bound to no port. */
    fallback,
    switchKinds,
    seal,
    switches,
    questions,
    turns,
    boots,
    /** The newest boot of a Pi that has power. */
    newest,
    power,
  };
}
