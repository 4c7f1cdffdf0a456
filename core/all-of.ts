/**
 * What `act` does with each, all at once. When it throws the first of their errors all of them have ended, and `undo` of what the others
 * gave too: nothing goes on behind the back of who takes it for failed.
 */
export async function allOf<T, R>(
  them: readonly T[],
  act: (one: T) => Promise<R>,
  undo?: (done: R) => Promise<void>,
): Promise<R[]> {
  const tries = await Promise.allSettled(them.map(act));
  const done = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = tries.find((one) => one.status === 'rejected');
  if (!failed) return done;
  if (undo) for (const one of done) await undo(one);
  throw failed.reason;
}
