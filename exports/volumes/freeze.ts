import type { Exec } from '../../core/host/exec.ts';

/** Seconds after which a frozen volume is thawed, whatever happens: one that is frozen for long stalls its neighbours too. */
export const FREEZE_TOO_LONG = 1;
/** Exit code of the script: it was thawed before the copy was whole. */
const THAWED_EARLY = 75;

/**
 * The watchdog is there before the freeze, and a process of its own: it thaws when the one that copies hangs, or is killed.
 * Its thaw fails while the freeze is not complete, so it is tried again. A thaw at the end that finds nothing frozen means
 * that the watchdog came first. The output is closed, or whoever waits for it would wait for the watchdog.
 */
const SCRIPT = `
sync --file-system "$1"
(
  sleep ${FREEZE_TOO_LONG}
  for try in $(seq 100); do
    fsfreeze --unfreeze "$1" && exit
    sleep 0.1
  done
) >/dev/null 2>&1 </dev/null &
watchdog=$!
fsfreeze --freeze "$1" || { kill $watchdog; exit 1; }
cp --reflink=always -- "$2" "$3"
code=$?
fsfreeze --unfreeze "$1" 2>/dev/null || code=${THAWED_EARLY}
kill $watchdog
exit $code
`;

/**
 * Copies the file of a mounted volume, sharing its blocks, while nobody can write on it. All of it happens in one child process,
 * which thaws the volume also when this server is killed meanwhile.
 * @returns `thawed` when it took too long: what was copied is of no single moment then.
 */
export async function freezeAndCopy(
  exec: Exec,
  { file, at, to }: { file: string; at: string; to: string },
): Promise<'copied' | 'thawed'> {
  const { code } = await exec('sh', ['-c', SCRIPT, 'freeze', at, file, to], { okCodes: [0, THAWED_EARLY] });
  return code === 0 ? 'copied' : 'thawed';
}
