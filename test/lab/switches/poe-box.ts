/** A port, as the box has it. */
export interface BoxPort {
  /** `group.port`. */
  readonly name: string;
  readonly group: number;
  readonly number: number;
  readonly isEnabled: boolean;
  /** It gives power to what hangs on it. */
  readonly delivers: boolean;
  /** What hangs on it takes so much, in W; 0 for nothing. */
  readonly watts: number;
  readonly alias: string;
  readonly isUp: boolean;
  /** Addresses that were learned on it. */
  readonly macs: readonly string[];
}

export interface PoeBoxOptions {
  readonly groups: number;
  readonly portsOfGroup: number;
  /** Of each group, in W. */
  readonly budget: number;
  /** A port begins or ends to give power to what hangs on it. */
  readonly onPower?: (port: string, power: 'on' | 'off') => void;
}

/** The ports of a switch and its power; no protocol. */
export interface PoeBox {
  readonly ports: readonly BoxPort[];
  readonly groups: readonly { readonly group: number; readonly budget: number; readonly used: number }[];
  /** Plugs in what takes so many W, or nothing. */
  plug(port: string, watts: number): void;
  enable(port: string, power: 'on' | 'off'): void;
  /** What a port is called, its link and what was learned on it. A link that is not set goes with the power. */
  describe(
    port: string,
    about: { readonly alias?: string; readonly isUp?: boolean; readonly macs?: readonly string[] },
  ): void;
}

/**
 * A box whose ports are off at first. A port gives power when it is enabled, something hangs on it, and the budget of its group has
 * room; one that waits for room gets it as soon as there is some.
 */
export function poeBox({ groups, portsOfGroup, budget, onPower }: PoeBoxOptions): PoeBox {
  interface Kept extends Omit<BoxPort, 'isUp'> {
    isEnabled: boolean;
    delivers: boolean;
    watts: number;
    alias: string;
    macs: readonly string[];
    link: boolean | undefined;
  }
  const kept: Kept[] = [];
  for (let group = 1; group <= groups; group += 1) {
    for (let number = 1; number <= portsOfGroup; number += 1) {
      const name = `${group}.${number}`;
      kept.push({
        name,
        group,
        number,
        isEnabled: false,
        delivers: false,
        watts: 0,
        alias: '',
        macs: [],
        link: undefined,
      });
    }
  }
  const usedBy = (group: number) =>
    kept.reduce((sum, port) => (port.group === group && port.delivers ? sum + port.watts : sum), 0);
  const portOf = (name: string) => {
    const found = kept.find((port) => port.name === name);
    if (!found) throw new Error(`there is no port ${name}`);
    return found;
  };
  function settle(): void {
    const turn = (port: Kept, delivers: boolean) => {
      port.delivers = delivers;
      onPower?.(port.name, delivers ? 'on' : 'off');
    };
    for (const port of kept) if (port.delivers && (!port.isEnabled || port.watts === 0)) turn(port, false);
    for (const port of kept) {
      const wants = port.isEnabled && port.watts > 0 && !port.delivers;
      if (wants && usedBy(port.group) + port.watts <= budget) turn(port, true);
    }
  }
  return {
    get ports() {
      return kept.map(({ link, ...port }) => ({ ...port, isUp: link ?? port.delivers }));
    },
    get groups() {
      return [...new Set(kept.map(({ group }) => group))].map((group) => ({ group, budget, used: usedBy(group) }));
    },
    plug(name, watts) {
      portOf(name).watts = watts;
      settle();
    },
    enable(name, power) {
      portOf(name).isEnabled = power === 'on';
      settle();
    },
    describe(name, { alias, isUp, macs }) {
      const port = portOf(name);
      port.alias = alias ?? port.alias;
      port.link = isUp ?? port.link;
      port.macs = macs ?? port.macs;
    },
  };
}
