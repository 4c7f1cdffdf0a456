import type { FarEnd } from '../../contract/switch-bench.ts';
import { sample } from './sample.ts';
import type { WebAnswer, WebRequest } from './web-device.ts';
import { WebSwitch, type WebSwitchOptions } from './web-switch.ts';

/** How a simulated switch is. */
export interface UbusOptions extends WebSwitchOptions {
  readonly username: string;
  readonly password: string;
}

interface Call {
  readonly id: number;
  readonly params: readonly [string, string, string, Record<string, unknown>];
}

const INVALID_ARGUMENT = 2;
const FRAME_BYTES = 12;

/** A switch with OpenWrt and realtek-poe: ports lan1 to lan8. lan2 and lan5 are off at first. */
export class UbusSwitch extends WebSwitch {
  /** What the login may call; taken away, it is refused. */
  readonly rights = new Set(['info', 'manage']);
  /** realtek-poe runs. */
  hasPoe = true;
  /** All ports are told as `unknown`, which happens at random after a start (realtek-poe#10). */
  isUnknown = false;
  readonly #options: UbusOptions;
  readonly #sessions = new Set<string>();
  #gives = new Map([1, 2, 3, 4, 5, 6, 7, 8].map((n) => [`lan${n}`, n !== 2 && n !== 5]));
  #told = new Map(this.#gives);
  #logins = 0;
  #manages = 0;

  constructor(options: UbusOptions) {
    super(options);
    this.#options = options;
  }

  get logins(): number {
    return this.#logins;
  }

  override gives(port: string): 'on' | 'off' {
    return this.#gives.get(port) ? 'on' : 'off';
  }

  /** Forgets all sessions. */
  override forget(): void {
    this.#sessions.clear();
  }

  protected override answer({ method, path, body }: WebRequest, behaviour: FarEnd): WebAnswer {
    if (method !== 'POST' || path !== '/ubus') return { status: 404 };
    const call: Call = JSON.parse(body);
    const [session, object, name, args] = call.params;
    if (object === 'session' && name === 'login') return this.#login(call);
    if (object !== 'poe' || !this.hasPoe) return json(sample('openwrt', 'no such object'));
    if (!this.#sessions.has(session) || !this.rights.has(name)) return json(sample('openwrt', 'expired'));
    if (name === 'info') return json(this.#info());
    return result(this.#manage(args, behaviour));
  }

  #login({ params: [, , , { username, password }] }: Call): WebAnswer {
    if (username !== this.#options.username || password !== this.#options.password) {
      return json(sample('openwrt', 'denied'));
    }
    const session = String(++this.#logins).padStart(32, '0');
    this.#sessions.add(session);
    const answer = sample('openwrt', 'logged in') as { result: [number, object] };
    return result(0, { ...answer.result[1], ubus_rpc_session: session });
  }

  /** The status that realtek-poe answers with: of two commands in a row the first, which is sent at once, tells its length. */
  #manage({ port, enable }: Record<string, unknown>, behaviour: FarEnd): number {
    if (typeof port !== 'string' || typeof enable !== 'boolean' || !this.#gives.has(port)) return INVALID_ARGUMENT;
    const power = enable ? 'on' : 'off';
    this.wish(port, power, behaviour, () => this.#gives.set(port, enable));
    if (behaviour !== 'lags') this.#told = new Map(this.#gives);
    return this.#manages++ % 2 === 0 ? FRAME_BYTES : 0;
  }

  /** lan1 feeds something. */
  #info(): object {
    const answer = sample('openwrt', 'info') as { result: [number, { ports: Record<string, object> }] };
    const [status, { ports, ...rest }] = answer.result;
    const rows = [...this.#told].map(([name, isOn]) => {
      const fed = name === 'lan1' ? ports.lan1 : ports.lan4;
      const row = isOn ? fed : { ...ports.lan4, status: 'Disabled' };
      return [name, this.isUnknown ? { ...row, status: 'unknown' } : row];
    });
    return { ...answer, result: [status, { ...rest, ports: Object.fromEntries(rows) }] };
  }
}

const json = (body: unknown): WebAnswer => ({ status: 200, body: JSON.stringify(body) });
const result = (...values: unknown[]): WebAnswer => json({ jsonrpc: '2.0', id: 1, result: values });
