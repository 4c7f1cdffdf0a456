import type { FarEnd } from '../../contract/switch-bench.ts';
import { sample } from './sample.ts';
import type { WebAnswer, WebRequest } from './web-device.ts';
import { WebSwitch, type WebSwitchOptions } from './web-switch.ts';

/** An override as it is stored: whatever was sent. */
export type StoredOverride = Record<string, unknown> & { readonly port_idx: number; readonly poe_mode?: string };

/** How a simulated controller is. */
export interface UnifiOptions extends WebSwitchOptions {
  /** `unifi-os`: paths below /proxy/network, a token against forged requests, keys. `application`: neither. */
  readonly flavour: 'unifi-os' | 'application';
  readonly username: string;
  readonly password: string;
  readonly apiKey?: string;
}

const PORTS = [1, 2, 3, 4, 5, 6, 7, 8];
const SFP = 9;

/** A controller with one switch: 8 ports that can feed, and one that cannot. Ports 2 and 5 are off at first. */
export class UnifiSwitch extends WebSwitch {
  readonly mac = 'fc:ec:da:11:22:33';
  overrides: StoredOverride[] = [
    {
      port_idx: 2,
      name: 'rack 1',
      poe_mode: 'off',
      portconf_id: '5a32aa4ee4babd4452422ddd22222',
      stp_port_mode: false,
    },
    { port_idx: 3, op_mode: 'aggregate', aggregate_num_ports: 2, port_security_mac_address: [] },
    { port_idx: 5, poe_mode: 'off' },
  ];
  /** 1 connected, 5 provisioning: aiounifi, `DeviceState`. */
  state = 1;
  /** Answers to requests for the site from now on, when set. */
  refusal: WebAnswer | undefined;
  /** Where UniFi OS tells the token against forged requests. */
  tokenIn: 'header' | 'cookie' = 'header';
  /** Called once, before the next write is looked at. */
  beforeWrite: (() => void) | undefined;
  /** The answer to logins from now on, when set. */
  loginRefusal: WebAnswer | undefined;
  readonly #options: UnifiOptions;
  readonly #sessions = new Map<string, string>();
  readonly #front = 'front-page-token';
  #gives = new Map(PORTS.map((port) => [port, port !== 2 && port !== 5]));
  #told = new Map(this.#gives);
  #logins = 0;
  #tokens = 0;

  constructor(options: UnifiOptions) {
    super(options);
    this.#options = options;
  }

  override gives(port: string): 'on' | 'off' {
    return this.#gives.get(Number(port)) ? 'on' : 'off';
  }

  /** Forgets all sessions. */
  override forget(): void {
    this.#sessions.clear();
  }

  /** Has other tokens for all sessions than it told. */
  forgetTokens(): void {
    for (const cookie of this.#sessions.keys()) this.#sessions.set(cookie, this.#newToken());
  }

  override async behave(behaviour: FarEnd): Promise<void> {
    if (behaviour === 'works') this.#told = new Map(this.#gives);
    await super.behave(behaviour);
  }

  protected override answer(request: WebRequest, behaviour: FarEnd): WebAnswer {
    const isOs = this.#options.flavour === 'unifi-os';
    const { method, path } = request;
    if (method === 'GET' && path === '/') {
      return isOs
        ? { status: 200, body: '<!doctype html>', headers: { 'x-csrf-token': this.#front } }
        : { status: 302, headers: { location: '/manage' } };
    }
    if (method === 'POST' && path === (isOs ? '/api/auth/login' : '/api/login')) return this.#login(request);
    const below = `${isOs ? '/proxy/network' : ''}/api/s/default`;
    if (!path.startsWith(below)) return json(404, { meta: { rc: 'error', msg: 'api.err.NotFound' }, data: [] });
    if (method === 'PUT') {
      this.beforeWrite?.();
      this.beforeWrite = undefined;
    }
    const stranger = this.#refuses(request);
    if (stranger) return stranger;
    return this.refusal ?? this.#serve({ ...request, path: path.slice(below.length) }, behaviour);
  }

  #login({ headers, body }: WebRequest): WebAnswer {
    if (this.loginRefusal) return this.loginRefusal;
    const isOs = this.#options.flavour === 'unifi-os';
    const { username, password } = JSON.parse(body) as Record<string, unknown>;
    const isForged = isOs && headers['x-csrf-token'] !== this.#front;
    if (isForged || username !== this.#options.username || password !== this.#options.password) {
      return isOs
        ? json(403, sample('unifi', 'refused by UniFi OS'))
        : json(400, sample('unifi', 'refused by the application'));
    }
    this.#logins++;
    return { ...json(200, { meta: { rc: 'ok' }, data: [] }), headers: this.#newSession() };
  }

  /** The headers of an answer that opens one. */
  #newSession(): Record<string, string> {
    const isOs = this.#options.flavour === 'unifi-os';
    const token = this.#newToken();
    const payload = JSON.stringify({ jti: `session${this.#logins}`, csrfToken: token });
    const jwt = ['{"alg":"HS256"}', payload, 'signature'].map((part) => Buffer.from(part).toString('base64url'));
    const inside = isOs && this.tokenIn === 'cookie';
    const cookie = `${isOs ? (inside ? 'UOS_TOKEN' : 'TOKEN') : 'unifises'}=${inside ? jwt.join('.') : `session${this.#logins}`}`;
    this.#sessions.set(cookie, token);
    const told = isOs && !inside ? { 'x-csrf-token': token } : {};
    return { 'set-cookie': `${cookie}; path=/; secure; httponly`, ...told };
  }

  /** The headers of an answer after which another token is wanted. */
  #renewed(cookie: string): Record<string, string> {
    if (this.tokenIn === 'cookie') {
      this.#sessions.delete(cookie);
      return this.#newSession();
    }
    const token = this.#newToken();
    this.#sessions.set(cookie, token);
    return { 'x-updated-csrf-token': token };
  }

  /** The answer to somebody who is not known, or whose request may be forged. */
  #refuses({ method, headers }: WebRequest): WebAnswer | undefined {
    const isOs = this.#options.flavour === 'unifi-os';
    const key = headers['x-api-key'];
    if (isOs && key !== undefined && key === this.#options.apiKey) return undefined;
    const token = this.#sessions.get(String(headers.cookie));
    if (token === undefined) {
      return json(401, isOs ? { error: { code: 401, message: 'Unauthorized' } } : sample('unifi', 'session expired'));
    }
    if (isOs && method !== 'GET' && headers['x-csrf-token'] !== token) {
      return json(403, sample('unifi', "a token that is not the session's"));
    }
    return undefined;
  }

  #serve({ method, path, headers, body }: WebRequest, behaviour: FarEnd): WebAnswer {
    if (method === 'GET' && path === `/stat/device/${this.mac}`) return ok([this.#device()]);
    if (method === 'GET' && path === '/stat/sta') return ok(this.#clients());
    if (method === 'PUT' && path === '/rest/device/235678987654345678') {
      const { port_overrides } = JSON.parse(body) as { port_overrides?: StoredOverride[] };
      if (!Array.isArray(port_overrides)) return json(400, { meta: { rc: 'error', msg: 'api.err.InvalidPayload' } });
      this.#wish(port_overrides, behaviour);
      const renewed = headers.cookie === undefined ? {} : this.#renewed(headers.cookie);
      return { ...ok([this.#device()]), headers: renewed };
    }
    return json(404, { meta: { rc: 'error', msg: 'api.err.NotFound' }, data: [] });
  }

  /** The list replaces the one that was there; a port without a mode of its own has that of its profile, `auto`. */
  #wish(overrides: StoredOverride[], behaviour: FarEnd): void {
    const isOn = (list: StoredOverride[], port: number) =>
      (list.find(({ port_idx }) => port_idx === port)?.poe_mode ?? 'auto') !== 'off';
    for (const port of PORTS) {
      const wish = isOn(overrides, port);
      if (wish === isOn(this.overrides, port)) continue;
      this.wish(String(port), wish ? 'on' : 'off', behaviour, () => this.#gives.set(port, wish));
    }
    this.overrides = overrides;
    if (behaviour !== 'lags') this.#told = new Map(this.#gives);
  }

  #newToken(): string {
    return `csrf${++this.#tokens}`;
  }

  /** As US-16-150W tells of itself; on odd ports something draws power. */
  #device(): object {
    const [, , sfp] = portsOfSample();
    const port_table = PORTS.map((port) => {
      const isOn = this.#told.get(port) === true;
      const [empty, fed] = portsOfSample();
      const row = { ...(isOn && port % 2 === 1 ? fed : empty), port_idx: port, name: `Port ${port}` };
      return isOn ? row : { ...row, poe_mode: 'off' };
    });
    return {
      ...deviceOfSample(),
      mac: this.mac,
      state: this.state,
      port_overrides: this.overrides,
      port_table: [...port_table, { ...sfp, port_idx: SFP }],
      total_max_power: 150,
    };
  }

  #clients(): object[] {
    const { data } = sample('unifi', 'stations') as { data: object[] };
    return [...data, { ...data[0], mac: 'DC:A6:32:01:36:C2', sw_mac: this.mac, sw_port: 3 }];
  }
}

const deviceOfSample = () => (sample('unifi', 'device') as { data: [{ port_table: object[] }] }).data[0];
const portsOfSample = () => deviceOfSample().port_table;
const json = (status: number, body: unknown): WebAnswer => ({ status, body: JSON.stringify(body) });
const ok = (data: unknown[]): WebAnswer => json(200, { meta: { rc: 'ok' }, data });
