import { BakeryError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import type { Log } from '../../core/log.ts';
import type { PowerDriver } from './driver.ts';
import { createManualDriver } from './drivers/manual.ts';
import { createPpiDriver } from './drivers/ppi.ts';
import { createSimplewebDriver } from './drivers/simpleweb.ts';

/** Which driver, and where its files are. */
export interface PowerDriverSettings {
  readonly driver: PowerDriverName;
  /** The program of `ppi`. */
  readonly ppiPath?: string | undefined;
  /** The configuration of `ppi` and `simpleweb`. */
  readonly ppiConfigPath?: string | undefined;
}

interface Parts extends PowerDriverSettings {
  readonly exec: Exec;
  readonly log: Log;
}

/** A new driver is one file in drivers/ and one line here. */
const DRIVERS = {
  manual: (parts: Parts) => createManualDriver(parts),
  ppi: (parts: Parts) =>
    createPpiDriver({ ...parts, programPath: need(parts, 'ppiPath'), configPath: need(parts, 'ppiConfigPath') }),
  simpleweb: (parts: Parts) => createSimplewebDriver({ ...parts, configPath: need(parts, 'ppiConfigPath') }),
};

export type PowerDriverName = keyof typeof DRIVERS;

/** The names that settings may give. */
export const POWER_DRIVER_NAMES = Object.keys(DRIVERS) as PowerDriverName[];

/** Builds the driver that the settings name. @throws BakeryError `power-config` (invalid) when something it needs is missing. */
export function createPowerDriver(parts: Parts): PowerDriver {
  return DRIVERS[parts.driver](parts);
}

const SETTING_NAMES = { ppiPath: 'PPI_PATH', ppiConfigPath: 'PPI_CONFIG_PATH' } as const;

function need(parts: Parts, setting: keyof typeof SETTING_NAMES): string {
  const value = parts[setting];
  if (value) return value;
  throw new BakeryError(
    'invalid',
    'power-config',
    `the power driver ${parts.driver} needs the setting ${SETTING_NAMES[setting]}`,
  );
}
