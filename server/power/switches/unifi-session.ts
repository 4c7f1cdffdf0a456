import { PowerFault } from '../driver.ts';
import { type HttpAnswer, type HttpAsk, type HttpClient, parseJson, statusFault } from './http-client.ts';
import { Answer } from './unifi-device.ts';

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
  readonly headers: Record<string, string>;
}

const UNIFI_OS = '/proxy/network';
/** UniFi OS asks for a second factor. */
const MFA_REQUIRED = 499;
const MAX_COOKIES = 8;

/** Asks one site of a controller. */
export interface UnifiSite {
  /** The `data` of the answer. @throws PowerFault, or the signal's reason. */
  ask(method: HttpAsk['method'], path: string, json: unknown, signal: AbortSignal): Promise<readonly unknown[]>;
}

/**
 * A site of a controller, of UniFi OS or of the application by itself: which of them is found out at the first call. It logs in when it must, and
 * once more when a session that it had is not known any more.
 */
export function createUnifiSite(http: HttpClient, site: string, login: UnifiLogin): UnifiSite {
  let session: Session | undefined =
    login.apiKey === undefined ? undefined : { prefix: UNIFI_OS, headers: { 'x-api-key': login.apiKey } };

  async function open(signal: AbortSignal): Promise<Session> {
    // UniFi OS shows its page here; the application by itself redirects to its own.
    const front = await http.ask({ method: 'GET', path: '/' }, signal);
    if (front.status >= 500 || front.status === 429) throw statusFault('the controller', front.status);
    const isOs = front.status === 200;
    const answer = await http.ask(
      {
        method: 'POST',
        path: isOs ? '/api/auth/login' : '/api/login',
        headers: tokenOf(front),
        json: { username: login.username, password: login.password, rememberMe: true },
      },
      signal,
    );
    if (answer.status !== 200) throw loginFault(answer);
    const cookie = cookiesOf(answer);
    if (cookie === '') throw new PowerFault('retryable', 'the controller took the login and opened no session');
    return { prefix: isOs ? UNIFI_OS : '', headers: { cookie, ...tokenOf(answer) } };
  }

  async function send({ prefix, headers }: Session, ask: HttpAsk, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await http.ask({ ...ask, path: `${prefix}/api/s/${site}${ask.path}`, headers }, signal);
    if (login.apiKey === undefined) Object.assign(headers, tokenOf(answer));
    return answer;
  }

  return {
    async ask(method, path, json, signal) {
      const ask = { method, path, json };
      const isOld = session !== undefined && login.apiKey === undefined;
      session ??= await open(signal);
      let answer = await send(session, ask, signal);
      if (isOld && isStranger(answer)) {
        session = undefined;
        session = await open(signal);
        answer = await send(session, ask, signal);
      }
      return dataOf(answer, `${method} ${path}`);
    },
  };
}

/** What the controller says of a refusal: a code, or nothing. */
function messageOf({ text }: HttpAnswer): string {
  const said = Answer.safeParse(parseJson(text)).data?.meta.msg ?? '';
  return /^api\.err\.\w{1,64}$/.test(said) ? said : '';
}

const isStranger = (answer: HttpAnswer) => answer.status === 401 || messageOf(answer) === 'api.err.LoginRequired';

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

/** The token against forged requests, which UniFi OS wants back and may change with any answer. */
function tokenOf({ headers }: HttpAnswer): { 'x-csrf-token'?: string } {
  const token = headers['x-updated-csrf-token'] ?? headers['x-csrf-token'];
  return typeof token === 'string' && token !== '' ? { 'x-csrf-token': token } : {};
}

/** What is to be sent back of the cookies that an answer sets (RFC 6265 section 4.2). */
function cookiesOf({ headers }: HttpAnswer): string {
  const pairs = (headers['set-cookie'] ?? []).map((cookie) => cookie.split(';', 1)[0]?.trim() ?? '');
  return pairs
    .filter((pair) => pair.includes('='))
    .slice(0, MAX_COOKIES)
    .join('; ');
}
