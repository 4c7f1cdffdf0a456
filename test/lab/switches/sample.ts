import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** The block of JSON under that heading of a file in samples/, as the device or its driver sent it. */
export function sample(vendor: 'unifi' | 'mikrotik' | 'openwrt', heading: string): unknown {
  const text = readFileSync(new URL(`./samples/${vendor}.md`, import.meta.url), 'utf8');
  const section = text.split(/^### /m).find((part) => part.startsWith(`${heading}\n`));
  const block =
    /```json\n([\s\S]+?)\n```/.exec(section ?? '')?.[1] ?? assert.fail(`${vendor}.md has no sample ${heading}`);
  return JSON.parse(block);
}
