import { writeFileSync } from 'node:fs';
import { sh } from './sh.ts';

/**
 * Drops what comes over the bridge to one of our ports, or a range of them, or answers that we cannot be reached there; by policy routing: the
 * rule for local addresses, which is the first, is moved behind ours. @returns what takes it back.
 */
export function blockPorts(
  bridge: string,
  ports: readonly { protocol: 'tcp' | 'udp'; port: number | `${number}-${number}` }[],
  how: 'blackhole' | 'unreachable' = 'blackhole',
): () => void {
  const forwarding = `/proc/sys/net/ipv4/conf/${bridge}/forwarding`;
  // Only who forwards tells others what cannot be reached.
  if (how === 'unreachable') writeFileSync(forwarding, '1');
  sh('ip', 'rule', 'add', 'pref', '100', 'lookup', 'local');
  sh('ip', 'rule', 'del', 'pref', '0');
  for (const { protocol, port } of ports) {
    sh('ip', 'rule', 'add', 'pref', '50', 'iif', bridge, 'ipproto', protocol, 'dport', String(port), how);
  }
  return () => {
    if (how === 'unreachable') writeFileSync(forwarding, '0');
    for (const _port of ports) sh('ip', 'rule', 'del', 'pref', '50');
    sh('ip', 'rule', 'add', 'pref', '0', 'lookup', 'local');
    sh('ip', 'rule', 'del', 'pref', '100');
  };
}
