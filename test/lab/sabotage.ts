import { sh } from './sh.ts';

/**
 * Drops what comes over the bridge to one of our ports, or a range of them, by policy routing: the rule for local addresses, which is the first,
 * is moved behind ours. @returns what takes it back.
 */
export function blockPorts(
  bridge: string,
  ports: readonly { protocol: 'tcp' | 'udp'; port: number | `${number}-${number}` }[],
): () => void {
  sh('ip', 'rule', 'add', 'pref', '100', 'lookup', 'local');
  sh('ip', 'rule', 'del', 'pref', '0');
  for (const { protocol, port } of ports) {
    sh('ip', 'rule', 'add', 'pref', '50', 'iif', bridge, 'ipproto', protocol, 'dport', String(port), 'blackhole');
  }
  return () => {
    for (const _port of ports) sh('ip', 'rule', 'del', 'pref', '50');
    sh('ip', 'rule', 'add', 'pref', '0', 'lookup', 'local');
    sh('ip', 'rule', 'del', 'pref', '100');
  };
}
