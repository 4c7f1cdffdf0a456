import { z } from 'zod';
import { PowerFault } from '../driver.ts';
import { createHttpClient, HttpAddress, parseJson, readShape, statusFault, TRUST } from './http-client.ts';
import { defineSwitchKind } from './kind.ts';
import { PoeInfo, RpcAnswer, RpcSession, readPower, readSurvey } from './openwrt-poe.ts';

/** The state of the ports is read every two seconds (realtek-poe, `state_timeout_cb`), one after the other. */
const READ_BACK_MS = 6_000;
/** The session of somebody who is not logged in. */
const NOBODY = '0'.repeat(32);
/** ubus' words for a call that is refused for good (ubusmsg.h, `enum ubus_msg_status`): invalid command, argument, method, permission, not supported. */
const REFUSED: ReadonlySet<number> = new Set([1, 2, 3, 6, 8]);
const PERMISSION_DENIED = 6;
/** Of the web server: the session is not known, or may not do this. */
const ACCESS_DENIED = -32002;
/** Bytes that went to the ports' controller, told as if they were a status: it is done (Hurricos/realtek-poe#69). */
const FRAME_SENT = 12;

const Settings = z
  .strictObject({
    url: HttpAddress,
    username: z.string().min(1).max(128).default('root'),
    password: z.string().min(1).max(256),
    ...TRUST,
  })
  .refine(
    ({ url, caPem, certificateSha256 }) => url.startsWith('https:') || (caPem ?? certificateSha256) === undefined,
    'a certificate is for https only',
  );

/**
 * A switch with OpenWrt and its package realtek-poe, through ubus over HTTP (test/lab/switches/samples/openwrt.md). Ports are named as in
 * OpenWrt: `lan5`; only those that `/etc/config/poe` enables can be switched. The login needs `poe`: `info` and `manage`.
 */
export const openwrtUbus = defineSwitchKind({
  name: 'openwrt-ubus',
  title: 'PoE switches with OpenWrt and realtek-poe',
  settings: Settings,
  secrets: ['password'],
  address: ['url', 'caPem', 'certificateSha256'],
  batches: false,
  readBackMs: READ_BACK_MS,
  open({ username, password, ...target }) {
    const http = createHttpClient(target);
    let session: string | undefined;

    /** The status of the call and what it answers with; an error of the web server is a negative status. */
    async function rpc(as: string, [object, method]: readonly [string, string], args: object, signal: AbortSignal) {
      const what = `${object} ${method}`;
      const json = { jsonrpc: '2.0', id: 1, method: 'call', params: [as, object, method, args] };
      const answer = await http.ask({ method: 'POST', path: '/ubus', json }, signal);
      if (answer.status !== 200) throw statusFault(what, answer.status);
      const said = readShape(parseJson(answer.text), RpcAnswer, what);
      return 'error' in said ? { status: said.error.code, value: undefined } : toResult(said.result);
    }

    async function open(signal: AbortSignal): Promise<string> {
      const { status, value } = await rpc(NOBODY, ['session', 'login'], { username, password }, signal);
      if (status !== 0) throw callFault('session login', status);
      return readShape(value, RpcSession, 'session login').ubus_rpc_session;
    }

    /** Calls `poe`, as a session that was there and once more as a new one. */
    async function poe(method: string, args: object, signal: AbortSignal) {
      const isOld = session !== undefined;
      session ??= await open(signal);
      let result = await rpc(session, ['poe', method], args, signal);
      if (isOld && (result.status === ACCESS_DENIED || result.status === PERMISSION_DENIED)) {
        session = undefined;
        session = await open(signal);
        result = await rpc(session, ['poe', method], args, signal);
      }
      return result;
    }

    async function info(signal: AbortSignal): Promise<PoeInfo> {
      const { status, value } = await poe('info', {}, signal);
      if (status !== 0) throw callFault('poe info', status);
      return readShape(value, PoeInfo, 'poe info');
    }

    return {
      async set(changes, signal) {
        for (const [port, wish] of changes) {
          const { status } = await poe('manage', { port, enable: wish === 'on' }, signal);
          if (status !== 0 && status !== FRAME_SENT) throw callFault(`poe manage ${port}`, status);
        }
      },
      async query(wanted, signal) {
        const power = readPower(await info(signal));
        return new Map([...power].filter(([port]) => wanted.includes(port)));
      },
      survey: async (signal) => readSurvey(await info(signal)),
      close: () => http.close(),
    };
  },
});

const toResult = ([status, value]: readonly [number, ...unknown[]]) => ({ status, value });

/** Not there, or no answer: it may have been restarted a moment ago. */
function callFault(what: string, status: number): PowerFault {
  const isFinal = REFUSED.has(status) || status === ACCESS_DENIED;
  return new PowerFault(isFinal ? 'fatal' : 'retryable', `${what}: ${WORDS[status] ?? `status ${status}`}`);
}

const WORDS: Readonly<Record<number, string>> = {
  2: 'invalid argument; is the port enabled in /etc/config/poe?',
  6: 'permission denied',
  7: 'timed out',
  [-32000]: 'object not found; is realtek-poe running?',
  [-32002]: 'access denied; does the login have this right?',
  [-32003]: 'timed out',
};
