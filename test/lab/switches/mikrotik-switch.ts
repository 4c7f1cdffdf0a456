import type { FarEnd } from '../../contract/switch-bench.ts';
import { sample } from './sample.ts';
import type { WebAnswer, WebRequest } from './web-device.ts';
import { WebSwitch, type WebSwitchOptions } from './web-switch.ts';

/** How a simulated router is. */
export interface MikrotikOptions extends WebSwitchOptions {
  readonly username: string;
  readonly password: string;
}

/** A row of a table: every value is text. */
type Row = Record<string, string>;

/** A switch with RouterOS: ports ether1 to ether8 that can feed, and sfp1 that cannot. ether2 and ether5 are off at first. */
export class MikrotikSwitch extends WebSwitch {
  readonly poeOut = new Map([1, 2, 3, 4, 5, 6, 7, 8].map((n) => [`ether${n}`, n === 2 || n === 5 ? 'off' : 'auto-on']));
  /** It is a model with PoE-Out. */
  hasPoe = true;
  readonly #options: MikrotikOptions;

  constructor(options: MikrotikOptions) {
    super(options);
    this.#options = options;
  }

  override gives(port: string): 'on' | 'off' {
    return this.poeOut.get(port) === 'off' ? 'off' : 'on';
  }

  protected override answer({ method, path, headers, body }: WebRequest, behaviour: FarEnd): WebAnswer {
    const { username, password } = this.#options;
    const known = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    if (headers.authorization !== known) return json(401, { error: 401, message: 'Unauthorized' });
    if (!this.hasPoe && path.includes('/poe')) return noSuchCommand(path);
    const command: Row = body === '' ? {} : JSON.parse(body);
    switch (`${method} ${path.replace(/^\/rest/, '')}`) {
      case 'GET /system/resource':
        return json(200, sample('mikrotik', 'resource of 7.20.5'));
      case 'GET /interface/ethernet/poe':
        return json(200, [...this.#ports(), { '.id': '*F', name: 'sfp1' }]);
      case 'POST /interface/ethernet/poe/set':
        return this.#set(command, behaviour);
      case 'POST /interface/ethernet/poe/monitor':
        return 'once' in command ? json(200, this.#monitor(command.numbers ?? '')) : timedOut();
      case 'GET /interface':
        return json(200, sample('mikrotik', 'interfaces'));
      case 'GET /interface/bridge/host':
        return json(200, sample('mikrotik', 'hosts'));
      default:
        return noSuchCommand(path);
    }
  }

  #ports(): Row[] {
    return [...this.poeOut].map(([name, poeOut], i) => ({ '.id': `*${i + 1}`, name, 'poe-out': poeOut }));
  }

  #set({ '.id': id, 'poe-out': wish }: Row, behaviour: FarEnd): WebAnswer {
    const name = this.#ports().find((port) => port['.id'] === id || port.name === id)?.name;
    if (name === undefined) return json(400, { detail: 'no such item', error: 400, message: 'Bad Request' });
    if (wish === undefined || !POE_OUT.has(wish)) {
      return json(400, { detail: 'input does not match any value of poe-out', error: 400, message: 'Bad Request' });
    }
    const power = wish === 'off' ? 'off' : 'on';
    this.wish(name, power, behaviour, () => this.poeOut.set(name, wish));
    return json(200, []);
  }

  /** On ports that are on, the first has something that draws power. */
  #monitor(numbers: string): Row[] {
    const [fed = {}, off = {}] = sample('mikrotik', 'monitor') as Row[];
    const asked = numbers.split(',');
    return this.#ports()
      .filter((port) => asked.some((number) => number === port['.id'] || number === port.name))
      .map(({ name = '', 'poe-out': poeOut = '' }) => {
        if (poeOut === 'off') return { ...off, name };
        return name === 'ether1' ? fed : { name, 'poe-out': poeOut, 'poe-out-status': 'waiting-for-load' };
      });
  }
}

/** Of a model with 802.3bt. */
const POE_OUT = new Set(['off', 'auto-on', 'forced-on', 'forced-on-a', 'forced-on-bt']);
const json = (status: number, body: unknown): WebAnswer => ({ status, body: JSON.stringify(body) });
/** A command without an end is ended after a minute. */
const timedOut = () => json(400, { detail: 'Session closed', error: 400, message: 'Bad Request' });
const noSuchCommand = (path: string) =>
  json(400, { detail: `no such command or directory (${path})`, error: 400, message: 'Bad Request' });
