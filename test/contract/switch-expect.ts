import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { PowerFault } from '../../server/power/driver.ts';
import type { PowerSwitch } from '../../server/power/switches/kind.ts';
import type { FarEnd, PowerBench } from './switch-bench.ts';

/** A shorter secret could stand in a message by chance. */
const SECRET_LETTERS = 6;
/** A hanging test ends by this; nothing else depends on it. */
const PATIENCE_MS = 5_000;

/** The signal of a call that nobody ends. */
export const never = new AbortController().signal;

/** One call of each method that a switch has: what is said of all calls is tried with each. */
export type Call = 'set' | 'query' | 'survey';

/** Makes that call for the bench's first port. */
export function call(
  device: PowerSwitch,
  name: Call,
  { ports: [port] }: PowerBench,
  signal: AbortSignal,
): Promise<unknown> {
  if (name === 'query') return device.query?.([port], signal) ?? assert.fail('it has no query');
  if (name === 'survey') return device.survey?.(signal) ?? assert.fail('it has no survey');
  return device.set(new Map([[port, 'on']]), signal);
}

/** A secret in each spelling that it can be sent in. */
function spellings(secret: string): string[] {
  assert.ok(secret.length >= SECRET_LETTERS, 'the secrets of a bench are long');
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  return [secret, base64, encodeURIComponent(secret), Buffer.from(secret).toString('hex')];
}

/** Fails when a secret of the bench is in it: in a message, a stack, a cause, or any member that a log would write. */
export function holdsNoSecret(bench: Pick<PowerBench, 'secrets'>, what: unknown): void {
  const text = typeof what === 'string' ? what : inspect(what, { depth: 8, showHidden: true });
  for (const secret of bench.secrets.flatMap(spellings)) assert.ok(!text.includes(secret), `a secret is told: ${text}`);
}

/** The fault that this call ends with, which tells no secret. */
export async function faultOf(bench: Pick<PowerBench, 'secrets'>, calling: Promise<unknown>): Promise<PowerFault> {
  const error = await calling.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PowerFault, `it threw ${inspect(error)}`);
  assert.notEqual(error.message.trim(), '');
  holdsNoSecret(bench, error);
  return error;
}

/** `promise`, which settles soon. */
export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  const done = new AbortController();
  const late = sleep(PATIENCE_MS, undefined, { signal: done.signal }).then(() => assert.fail(`${what} goes on`));
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    done.abort();
  }
}

/** Sockets of this process that are in use: the driver's and, where it lives here, the far end's. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCPSocketWrap|UDPWrap|PipeWrap)$/.test(name)).length;
}

/** Waits until no more than that many are in use. */
export async function socketsFall(most: number, what: string): Promise<void> {
  for (let waited = 0; openSockets() > most; waited += 20) {
    assert.ok(waited < PATIENCE_MS, `${what}: ${openSockets()} sockets, ${most} at most`);
    await sleep(20);
  }
}

/** Makes the call, aborts it while the far end says nothing, and expects it to end with the signal's reason. */
export async function abortedCall(bench: PowerBench, device: PowerSwitch, name: Call): Promise<void> {
  const abort = new AbortController();
  const reason = new Error('enough');
  const calling = call(device, name, bench, abort.signal);
  calling.catch(() => undefined);
  // Long enough to be under way; were it aborted earlier the promise would be the same.
  await sleep(40);
  abort.abort(reason);
  await soon(
    assert.rejects(calling, (error) => error === reason),
    `${name}, aborted,`,
  );
}

/** Has the far end behave like that, and expects each call to fail, with a fault that is as wanted. */
export async function eachCallFails(
  bench: PowerBench,
  calls: readonly Call[],
  { farEnd, severity }: { readonly farEnd: FarEnd; readonly severity?: PowerFault['severity'] },
): Promise<void> {
  await bench.farEnd(farEnd);
  for (const name of calls) {
    const fault = await faultOf(bench, soon(call(bench.device, name, bench, never), name));
    if (severity) assert.equal(fault.severity, severity, `${name}: ${fault.message}`);
  }
}
