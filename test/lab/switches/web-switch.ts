import type { FarEnd } from '../../contract/switch-bench.ts';
import { startWebDevice, type WebAnswer, type WebDevice, type WebRequest } from './web-device.ts';

/** How a simulated switch with a web server is reached, and what hears of its ports. */
export interface WebSwitchOptions {
  /** Without it, it speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly onPower?: (port: string, power: 'on' | 'off') => void;
}

/** A simulated switch that is reached by HTTP: what the kinds of them have in common. */
export abstract class WebSwitch {
  /** What was wished, in the order it came. */
  readonly changes: string[] = [];
  readonly #reached: WebSwitchOptions;
  #web: WebDevice | undefined;

  constructor(reached: WebSwitchOptions) {
    this.#reached = reached;
  }

  async start(): Promise<this> {
    this.#web = await startWebDevice((request, behaviour) => this.answer(request, behaviour), this.#reached.tls);
    return this;
  }

  get url(): string {
    return this.#web?.url ?? '';
  }

  get requests(): readonly WebRequest[] {
    return this.#web?.requests ?? [];
  }

  async behave(behaviour: FarEnd): Promise<void> {
    if (behaviour === 'forgets') this.forget();
    await this.#web?.behave(behaviour);
  }

  async close(): Promise<void> {
    await this.#web?.close();
  }

  /** What the device itself says that a port gives. */
  abstract gives(port: string): 'on' | 'off';

  /** Forgets all sessions; nothing where there are none. */
  forget(): void {}

  /** Notes what was wished of a port, and has it happen unless the switch ignores it. */
  protected wish(port: string, power: 'on' | 'off', behaviour: FarEnd, happen: () => void): void {
    this.changes.push(`${power} ${port}`);
    if (behaviour === 'ignores') return;
    happen();
    this.#reached.onPower?.(port, power);
  }

  protected abstract answer(request: WebRequest, behaviour: FarEnd): WebAnswer;
}
