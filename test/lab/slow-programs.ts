import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sh } from './sh.ts';

/** The first folder in which the server looks for programs. */
const FIRST = '/usr/local/sbin';

/** Programs of this machine that can be made to wait before they begin. */
export interface SlowPrograms {
  /** From now on it waits; the result lets it go on. */
  hold(program: string): () => void;
  /** Lets all go on. */
  close(): void;
}

/** Puts scripts of the same names before the programs. Needs a mount namespace of its own (namespace.ts). */
export function makeSlowPrograms(programs: readonly string[]): SlowPrograms {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-slow-'));
  const [bin, gates] = [join(folder, 'bin'), join(folder, 'gates')];
  mkdirSync(bin);
  mkdirSync(gates);
  for (const program of programs) {
    const real = sh('sh', '-c', `command -v ${program}`).trim();
    const script = `#!/bin/sh\nwhile [ -e ${gates}/${program} ]; do sleep 0.05; done\nexec ${real} "$@"\n`;
    writeFileSync(join(bin, program), script, { mode: 0o755 });
  }
  sh('mount', '--bind', bin, FIRST);
  return {
    hold(program) {
      const gate = join(gates, program);
      writeFileSync(gate, '');
      return () => rmSync(gate, { force: true });
    },
    close() {
      rmSync(gates, { recursive: true });
      sh('umount', '--lazy', FIRST);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
