import { DEBIAN } from './debian.ts';
import type { Layout } from './layout.ts';
import { BOOKWORM } from './raspios-bookworm.ts';
import { TRIXIE } from './raspios-trixie.ts';
import { UBUNTU_SERVER } from './ubuntu.ts';

/** Every layout that there is, by a short name. */
export const LAYOUTS = {
  trixie: TRIXIE,
  bookworm: BOOKWORM,
  ubuntu: UBUNTU_SERVER,
  debian: DEBIAN,
} as const satisfies Record<string, Layout>;
