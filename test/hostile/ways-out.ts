/** Ways that have led out of other servers' folders, as they stand in the address of a call. */
export function waysOut(): string[] {
  const target = ['etc', 'passwd'];
  const dots = [
    '..',
    '%2e%2e',
    '%2E.',
    '.%2e',
    '%252e%252e',
    '%c0%ae%c0%ae',
    '%ef%bc%8e%ef%bc%8e',
    '..;',
    '....',
    '%00..',
    '..%00',
    '.%20.',
    '%2e%2e%20',
  ];
  const slashes = ['/', '%2f', '%5c', '%255c', '%252f', '%c0%af', '%ef%bc%8f', '//', '/./', '%2f%2f', '\\'];
  const climbs = dots.flatMap((dot) => slashes.map((slash) => [...Array(9).fill(dot), ...target].join(slash)));
  const plain = [
    '/etc/passwd',
    '//etc/passwd',
    '%2fetc%2fpasswd',
    '%2f%2fetc%2fpasswd',
    '/proc/self/root/etc/passwd',
    'file:%2f%2f%2fetc%2fpasswd',
    'C:%5cwindows',
    '%5c%5c127.0.0.1%5cetc%5cpasswd',
    '~root',
    '.',
    '..',
    '...',
    '%2e',
    '%2e%2e',
    '../',
    './..',
    'settings.json%00',
    'settings.json%00.txt',
    'settings.json/',
    'settings.json/.',
    'settings.json/..',
    'settings.json/../../../../../../etc/passwd',
    'settings.json.',
    'settings.json%20',
    'settings.json%0a',
    '.settings.json',
    'overlays/../../../etc/passwd',
    'overlays/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
    'piConfig%2fsettings.json',
    `${'a/'.repeat(2_000)}x`,
    'x'.repeat(5_000),
    `${'../'.repeat(1_000)}etc/passwd`,
    '%f0%9f%a5%a7',
    '%e2%80%ae',
    '%ff%fe',
  ];
  return [...new Set([...climbs, ...plain])];
}

/** The same as names in a TFTP request: bytes, that nobody decodes. Some are what they look like, and stay in the folder. */
export function waysOutOfTftp(): string[] {
  const bytes = (way: string) =>
    way.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  const all = waysOut().flatMap((way) => [way, bytes(way)]);
  // A name ends at the first NUL; without one, or too long, it is no request and gets no answer.
  return [...new Set(all.map((way) => way.split('\0')[0] ?? ''))].filter((way) => way !== '' && way.length < 1_000);
}
