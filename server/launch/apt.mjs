// apt-get, without the services that packages would start.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { endLike, Refusal, run, SIGNALS } from './run.mjs';

const POLICY = '/usr/sbin/policy-rc.d';
const MARK = 'made by bakery for the time of one apt-get call';
const LOCK_WAIT = ['-o', 'DPkg::Lock::Timeout=120'];

/** Installs packages. The package lists are fetched only when apt does not know the packages, or knows outdated ones. */
export async function aptGet(names) {
  const install = ['install', '-y', '--no-install-recommends', ...LOCK_WAIT, ...names];
  const isKnown = spawnSync('apt-get', ['-s', ...install], { stdio: 'ignore' }).status === 0;
  await withoutServiceStarts(async () => {
    if (isKnown && (await aptStep(install)) === 0) return;
    for (const args of [['update', ...LOCK_WAIT], install]) {
      const code = await aptStep(args);
      if (code !== 0) throw new Refusal(`apt-get ${args[0]} failed (exit status ${code})`);
    }
  });
}

/** The exit status. A signal ends the attempt: withoutServiceStarts obeys it. */
async function aptStep(args) {
  console.error(`bakery: apt-get ${args.join(' ')}`);
  const { code, signal } = await run('apt-get', args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  if (signal) throw new Refusal(`apt-get was ended by ${signal}`);
  return code;
}

/**
 * Runs `task` while Debian's policy for service starts says no (exit 101): nfs-ganesha and rpcbind would otherwise take
 * the host's NFS ports the moment they are unpacked. A policy that was there before is put back whatever happens: a
 * signal ends this process only after that, and what a SIGKILL left behind is mended by the next call.
 */
export async function withoutServiceStarts(task, policy = POLICY) {
  const saved = `${policy}.before-bakery`;
  let told;
  const note = (signal) => {
    told = signal;
  };
  for (const signal of SIGNALS) process.on(signal, note);
  try {
    restore(policy, saved);
    if (existsSync(policy)) renameSync(policy, saved);
    writeFileSync(policy, `#!/bin/sh\n# ${MARK}\nexit 101\n`, { mode: 0o755 });
    await task();
  } finally {
    restore(policy, saved);
    for (const signal of SIGNALS) process.off(signal, note);
    if (told) endLike({ code: null, signal: told });
  }
}

function restore(policy, saved) {
  if (existsSync(policy) && readFileSync(policy, 'utf8').includes(MARK)) rmSync(policy);
  if (existsSync(saved)) renameSync(saved, policy);
}
