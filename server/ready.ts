import type { Ipv4 } from '../core/ids.ts';
import type { NfsBackend } from '../exports/nfs/backend.ts';
import type { Config } from './config.ts';
import { BASE } from './http/app.ts';
import { type DhcpPart, dhcpLine } from './listen.ts';
import { keepsVolumes } from './root.ts';
import { whereTokenIs } from './token.ts';

/** Where everything is, for whoever started the server; the last line is for programs. */
export function readyLines(
  config: Config,
  facts: {
    readonly isSecure: boolean;
    /** Where Pis reach the server. */
    readonly address: Ipv4;
    readonly httpPort: number;
    readonly tftpPort: number;
    readonly dhcp: DhcpPart;
    readonly backend: Pick<NfsBackend, 'name' | 'ports'>;
    /** The driver for Pis that are bound to no port. */
    readonly power: string;
  },
): string[] {
  const { isSecure, address, httpPort, tftpPort, dhcp, backend, power } = facts;
  const shown = config.BAKERY_HTTP_ADDRESS === '0.0.0.0' ? address : config.BAKERY_HTTP_ADDRESS;
  const base = `${isSecure ? 'https' : 'http'}://${shown}:${httpPort}`;
  return [
    ...(config.BAKERY_LABEL === undefined ? [] : [`label  ${config.BAKERY_LABEL}`]),
    `api    ${base}${BASE}`,
    `docs   ${base}/docs`,
    `token  ${whereTokenIs(config)}`,
    `tftp   ${address}:${tftpPort}`,
    dhcpLine(dhcp),
    keepsVolumes(config)
      ? `nfs    ${address}:${backend.ports().nfs} (${backend.name})`
      : 'nfs    none (BAKERY_STORAGE)',
    `power  ${power}`,
    `bakery ready ${base}${BASE}`,
  ];
}
