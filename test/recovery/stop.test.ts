import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBakery, stopLeftovers } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeSlowPrograms } from '../lab/slow-programs.ts';

inOwnNamespace(import.meta.url, () => {
  test('a server that is told to end while a child process of its own runs ends in order', async () => {
    const root = mkdtempSync(join(tmpdir(), 'bakery-stop-'));
    const slow = makeSlowPrograms(['ip']);
    try {
      const settings = { BAKERY_ADDRESS: '127.0.0.1', BAKERY_POOL: 'plain', BAKERY_TFTP_PORT: '0', BAKERY_DHCP: 'off' };
      const bakery = await startBakery({ root, settings });
      const letGo = slow.hold('ip');
      const childrenOf = (pid: number | string) => {
        const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
        return text === '' ? [] : text.split(' ');
      };
      /** Its own, or of the process that starts programs for it. */
      const isAtWork = (parent: number | string = bakery.pid): boolean =>
        childrenOf(parent).some((pid) => {
          try {
            return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/sbin/ip\0') || isAtWork(pid);
          } catch {
            return false;
          }
        });
      // It looks for its neighbours every some seconds.
      for (const end = Date.now() + 60_000; !isAtWork(); ) {
        assert.ok(Date.now() < end, 'no child process');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const ended = bakery.stop();
      // Its word that it stops comes before the child may end.
      for (const end = Date.now() + 60_000; !bakery.output().includes('stopping; exports'); ) {
        assert.ok(Date.now() < end && !(await isOver(ended)), bakery.output());
      }
      letGo();
      assert.equal(await ended, 0);
    } finally {
      slow.close();
      await stopLeftovers(root);
      rmSync(root, { recursive: true, force: true });
    }
  });
});

/** Whether it is over within 20 ms. */
function isOver(ended: Promise<unknown>): Promise<boolean> {
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), 20));
  return Promise.race([ended.then(() => true), late]);
}
