import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type RunningBakery, startBakery } from './bakery.ts';
import type { Order } from './held-main.ts';

/** A server that can be held at a point of its journal, and killed there. */
export interface HeldBakery extends RunningBakery {
  /** Points passed since the last `order`. */
  readonly passed: readonly string[];
  order(order: Order): Promise<void>;
  /** Resolves when the process stands at the point that was ordered; rejects after `ms`. */
  held(ms: number): Promise<void>;
  /** Whether it is no more, or stands at a point for ever: then it is killed. */
  isOver(): boolean;
  /** SIGKILL from outside; throws unless that is what ended it. */
  killHeld(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL('./held-main.ts', import.meta.url));

/** Starts one that is to be held while it starts, and kills it there. */
export async function killWhileStarting(
  options: { root: string; settings: Readonly<Record<string, string>> },
  order: Order,
): Promise<void> {
  const isHeld = Promise.withResolvers<void>();
  let child: ChildProcess | undefined;
  const starting = startBakery({
    ...options,
    settings: { ...options.settings, BAKERY_TEST_ORDER: JSON.stringify(order) },
    entry: ENTRY,
    onChild(started) {
      child = started;
      (started.stdio[3] as Readable).setEncoding('utf8').on('data', (text: string) => {
        if (/^HELD /m.test(text)) isHeld.resolve();
      });
    },
  });
  const never = starting.then(
    async (bakery) => {
      await bakery.kill();
      throw new Error(`it came up and was never held at ${order.hold?.point}`);
    },
    (error) => {
      if (child?.signalCode !== 'SIGKILL') throw error;
    },
  );
  await Promise.race([isHeld.promise, never]);
  child?.kill('SIGKILL');
  await never;
  assert.equal(child?.signalCode, 'SIGKILL', 'it was ended from outside, by nothing else');
}

/** Starts one; see held-main.ts. */
export async function startHeldBakery(options: {
  root: string;
  settings: Readonly<Record<string, string>>;
}): Promise<HeldBakery> {
  const passed: string[] = [];
  let child: ChildProcess | undefined;
  let isHeld = Promise.withResolvers<void>();
  let stands = false;
  const bakery = await startBakery({
    ...options,
    entry: ENTRY,
    onChild(started) {
      child = started;
      let rest = '';
      (started.stdio[3] as Readable).setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (!line.startsWith('HELD ')) passed.push(line);
          else {
            stands = true;
            isHeld.resolve();
          }
        }
      });
    },
  });
  const running = child;
  assert.ok(running);
  return {
    ...bakery,
    passed,
    async order(order) {
      const armed = new Promise((resolve) => running.once('message', resolve));
      running.send(order);
      await armed;
      passed.length = 0;
      isHeld = Promise.withResolvers();
    },
    async held(ms) {
      const timer = setTimeout(
        () =>
          isHeld.reject(new Error(`not held in time; passed ${passed.join(', ')}\n${bakery.output().slice(-3000)}`)),
        ms,
      );
      await isHeld.promise.finally(() => clearTimeout(timer));
    },
    isOver() {
      if (stands && running.signalCode === null) running.kill('SIGKILL');
      return stands || running.exitCode !== null || running.signalCode !== null;
    },
    async killHeld() {
      await bakery.kill();
      assert.equal(running.signalCode, 'SIGKILL', 'it was ended from outside, by nothing else');
    },
  };
}
