import type { Mutation } from './mutation.ts';

const TEST = 'test/hostile/hostile.test.ts';
const TRAPS = 'links, devices, sockets and FIFOs that a Pi makes';
const SWAPS = 'no byte goes out or in while every part of a path is swapped';
const FUZZ = '10000 made-up requests';

/** Hostile requests, and Pis whose root is somebody hostile's. */
export const hostile: readonly Mutation[] = [
  {
    name: 'a folder on the way is not followed when it is a link',
    file: 'core/host/files.ts',
    old: 'const enter = () => open(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);',
    new: 'const enter = () => open(at, O_RDONLY | O_DIRECTORY);',
    test: TEST,
    fails: TRAPS,
  },
  {
    name: 'the last part of a path is not followed when it is a link',
    file: 'core/host/files.ts',
    old: 'flags | O_NONBLOCK | O_NOFOLLOW, 0o644)',
    new: 'flags | O_NONBLOCK, 0o644)',
    test: TEST,
    fails: TRAPS,
  },
  {
    name: 'each folder of a path is opened from the one before',
    file: 'core/host/files.ts',
    old: 'const at = `/proc/self/fd/${folder.fd}/${part}`;',
    new: "const at = [root, ...parts.slice(0, parts.indexOf(part) + 1)].join('/');",
    test: TEST,
    fails: SWAPS,
  },
  {
    name: 'a FIFO that a Pi makes blocks nobody',
    file: 'core/host/files.ts',
    old: 'flags | O_NONBLOCK | O_NOFOLLOW, 0o644)',
    new: 'flags | O_NOFOLLOW, 0o644)',
    test: TEST,
    fails: TRAPS,
  },
  {
    name: 'only regular files of a Pi are read',
    file: 'core/host/files.ts',
    old: 'if (!stat.isFile()) {',
    new: 'if (stat.isDirectory()) {',
    test: TEST,
    fails: TRAPS,
  },
  {
    name: 'a device that a Pi makes is refused, not an error',
    file: 'core/host/files.ts',
    old: ", 'ENODEV', 'EACCES']",
    new: ", 'ENODEV']",
    test: TEST,
    fails: TRAPS,
  },
  {
    name: 'a boot file that goes away while it is opened is missing, not an error',
    file: 'server/http/routes/boot-files.ts',
    old: 'throw isGone ? unknownFile() : error;',
    new: 'throw error;',
    test: TEST,
    fails: SWAPS,
  },
  {
    name: 'a folder that goes away under an upload is refused, not an error',
    file: 'core/host/files.ts',
    old: '(create && isOneOf(error, SWAPPED))',
    new: '(create && isOneOf(error, []))',
    test: TEST,
    fails: SWAPS,
  },
  {
    name: 'what is left of a refused body does not stand before the next request',
    file: 'server/http/bodies.ts',
    old: "    reply.raw.once('close', () => payload.unpipe(whole).resume());\n",
    new: '',
    test: TEST,
    fails: 'a request that is refused unread leaves its connection',
  },
  {
    name: 'what is no URL is told as a problem',
    file: 'server/http/app.ts',
    old: '    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),\n',
    new: '',
    test: TEST,
    fails: FUZZ,
  },
  {
    name: 'a call declares every code it is answered with',
    file: 'server/http/routes/disks.ts',
    old: "problems: { 400: ['bad-disk-id'], 404: ['disk-unknown'] }",
    new: "problems: { 404: ['disk-unknown'] }",
    test: TEST,
    fails: FUZZ,
  },
];
