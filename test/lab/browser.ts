import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Debian's package is `chromium`. */
const CHROMIUM = '/usr/bin/chromium';

/** A real browser without a window, which asks nobody but the pages it is sent to. */
export async function openBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM))
    throw new Error('this test needs a browser: apt-get install --no-install-recommends chromium');
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      // Root has no sandbox to begin with; the page is our own.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
