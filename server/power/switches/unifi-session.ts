import type { Clock } from '../../../core/host/clock.ts';
import { PowerFault } from '../driver.ts';
import { type HttpAnswer, type HttpAsk, type HttpClient, parseJson, statusFault } from './http-client.ts';
import { credentialsAfter, headersOf, NO_CREDENTIALS, type UnifiCredentials } from './unifi-credentials.ts';
import { Answer, Refusal } from './unifi-device.ts';

/** How the controller knows us: by a name and a password, or by a key of UniFi OS. */
export interface UnifiLogin {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly apiKey?: string | undefined;
}

/** A login that holds until the controller forgets it. */
interface Session {
  /** Before every path: the application by itself has none. */
  readonly prefix: string;
  credentials: UnifiCredentials;
}

const UNIFI_OS = '/proxy/network';
/** UniFi OS asks for a second factor. */
const MFA_REQUIRED = 499;
/**
 * From a login that was refused to the next, in ms: five that fail lock an account, and those that are tried meanwhile keep it locked
 * (hobbyquaker/unifi2mqtt#23, where the account came back within 20 min).
 */
const LOGIN_PAUSES_MS = [60_000, 5 * 60_000, 10 * 60_000, 20 * 60_000];

/** Asks one site of a controller. */
export interface UnifiSite {
  /** The `data` of the answer. @throws PowerFault, or the signal's reason. */
  ask(method: HttpAsk['method'], path: string, json: unknown, signal: AbortSignal): Promise<readonly unknown[]>;
}

/**
 * A site of a controller, of UniFi OS or of the application by itself: which of them is found out at the first call. It logs in when it must, and
 * once more when a session that it had is not known any more. A login that was refused is told again, and not tried again, for a while.
 */
export function createUnifiSite(
  http: HttpClient,
  { site, login, clock }: { readonly site: string; readonly login: UnifiLogin; readonly clock: Clock },
): UnifiSite {
  const { apiKey } = login;
  let session: Session | undefined;
  /** Of the last login, when it was refused. */
  let refused: { readonly fault: PowerFault; readonly times: number; readonly until: number } | undefined;

  async function open(signal: AbortSignal): Promise<Session> {
    if (refused && clock.monotonic() < refused.until) {
      const minutes = Math.ceil((refused.until - clock.monotonic()) / 60_000);
      const { severity, message } = refused.fault;
      throw new PowerFault(severity, `${message}; not tried again for ${minutes} min`);
    }
    // UniFi OS shows its page here; the application by itself redirects to its own.
    const front = await http.ask({ method: 'GET', path: '/' }, signal);
    if (front.status >= 500 || front.status === 429) throw statusFault('the controller', front.status);
    const isOs = front.status === 200;
    const before = credentialsAfter(NO_CREDENTIALS, front.headers);
    const answer = await http.ask(
      {
        method: 'POST',
        path: isOs ? '/api/auth/login' : '/api/login',
        headers: headersOf(before),
        json: { username: login.username, password: login.password, rememberMe: true },
      },
      signal,
    );
    if (answer.status !== 200) throw refusedLogin(loginFault(answer), answer.status);
    refused = undefined;
    const credentials = credentialsAfter(before, answer.headers);
    if (credentials.cookies.size === 0) {
      throw new PowerFault('retryable', 'the controller took the login and opened no session');
    }
    return { prefix: isOs ? UNIFI_OS : '', credentials };
  }

  /** A controller that is not well refuses nobody. */
  function refusedLogin(fault: PowerFault, status: number): PowerFault {
    if (status < 400 || status >= 500) return fault;
    const times = (refused?.times ?? 0) + 1;
    const pause = LOGIN_PAUSES_MS[times - 1] ?? LOGIN_PAUSES_MS.at(-1) ?? 0;
    refused = { fault, times, until: clock.monotonic() + pause };
    return fault;
  }

  async function send(as: Session, ask: HttpAsk, signal: AbortSignal): Promise<HttpAnswer> {
    const headers = headersOf(as.credentials);
    const answer = await http.ask({ ...ask, path: `${as.prefix}/api/s/${site}${ask.path}`, headers }, signal);
    as.credentials = credentialsAfter(as.credentials, answer.headers);
    return answer;
  }

  async function sendInSession(ask: HttpAsk, signal: AbortSignal): Promise<HttpAnswer> {
    const isOld = session !== undefined;
    session ??= await open(signal);
    const answer = await send(session, ask, signal);
    if (!isOld || !isStranger(answer)) return answer;
    session = undefined;
    session = await open(signal);
    return send(session, ask, signal);
  }

  return {
    async ask(method, path, json, signal) {
      const ask = { method, path, json };
      const answer =
        apiKey === undefined
          ? await sendInSession(ask, signal)
          : await http.ask(
              { ...ask, path: `${UNIFI_OS}/api/s/${site}${path}`, headers: { 'x-api-key': apiKey } },
              signal,
            );
      return dataOf(answer, `${method} ${path}`);
    },
  };
}

/** What the controller says of a refusal: a code of the application or of UniFi OS, or nothing. */
function messageOf({ text }: HttpAnswer): string {
  const json = parseJson(text);
  const said = Answer.safeParse(json).data?.meta.msg ?? Refusal.safeParse(json).data?.code ?? '';
  return /^(?:api\.err\.\w{1,64}|[A-Z][A-Z_]{1,63})$/.test(said) ? said : '';
}

/** UniFi OS answers 403 to a token that is not that of the session; the application's own 403 has a code, and is about rights. */
function isStranger(answer: HttpAnswer): boolean {
  if (answer.status === 401 || messageOf(answer) === 'api.err.LoginRequired') return true;
  return answer.status === 403 && Refusal.safeParse(parseJson(answer.text)).data?.message === 'Invalid CSRF Token';
}

function dataOf(answer: HttpAnswer, what: string): readonly unknown[] {
  if (isStranger(answer)) throw new PowerFault('fatal', `${what}: the controller does not know us`);
  if (answer.status !== 200) throw statusFault(what, answer.status, messageOf(answer));
  const { success, data } = Answer.safeParse(parseJson(answer.text));
  if (!success) throw new PowerFault('retryable', `${what}: no answer of a UniFi controller`);
  if (data.meta.rc !== 'ok') throw new PowerFault('fatal', `${what}: refused ${messageOf(answer)}`);
  return data.data;
}

function loginFault(answer: HttpAnswer): PowerFault {
  if (answer.status === MFA_REQUIRED) {
    return new PowerFault(
      'fatal',
      'the controller wants a second factor: use a local account without one, or an API key',
    );
  }
  // By itself the application answers wrong credentials with 400.
  return statusFault('the login at the controller', answer.status, messageOf(answer));
}
