import type { Clock } from '../../core/host/clock.ts';
import type { Db } from '../../db/open.ts';
import { listPis, setMovedTo } from '../../db/pis.ts';
import { listSwitches } from '../../db/switches.ts';
import type { OpenSwitches } from '../power/switches/open.ts';
import type { SwitchQuestions, TakenSurvey } from '../power/switches/questions.ts';
import { judgeBinding, placesOf } from '../power/switches/whereabouts.ts';

/** So many are asked at once: each may take 10 s. */
const WORKERS = 4;

/** Looks whether Pis are on the ports that they are bound to. It binds none: only a person knows what was meant. */
export interface SwitchWatch {
  /** Asks every switch, and tells of Pis that are alone on another port than theirs, and of those that are right again. */
  round(): Promise<void>;
}

/** Builds it. */
export function createSwitchWatch(parts: {
  db: Db;
  switches: Pick<OpenSwitches, 'refresh' | 'find'>;
  questions: Pick<SwitchQuestions, 'survey'>;
  clock: Clock;
}): SwitchWatch {
  const { db, switches, questions, clock } = parts;

  async function takeAll(): Promise<Map<string, TakenSurvey>> {
    const taken = new Map<string, TakenSurvey>();
    const names = (await listSwitches(db)).map(({ name }) => name).values();
    async function work() {
      for (const name of names) {
        if (!switches.find(name)?.device.survey) continue;
        // That one cannot be asked is told where it is asked; the others go on.
        const survey = await questions.survey(name).catch(() => undefined);
        if (survey) taken.set(name, survey);
      }
    }
    await Promise.all(Array.from({ length: WORKERS }, work));
    return taken;
  }

  return {
    async round() {
      await switches.refresh();
      const places = placesOf(await takeAll());
      if (places.size === 0) return;
      await db.transaction().execute(async (trx) => {
        for (const pi of await listPis(trx)) {
          const verdict = judgeBinding(pi, places);
          if (verdict === 'unknown') continue;
          await setMovedTo(trx, pi.id, verdict === 'right' ? null : verdict.movedTo, clock.now());
        }
      });
    },
  };
}
