import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** The first block of code under that heading of a Markdown file of this repository. */
export function documented(file: string, heading: string): string {
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
  const section = text.split(/^#{2,3} /m).find((part) => part.startsWith(`${heading}\n`));
  return /```[a-z]+\n([\s\S]+?)```/.exec(section ?? '')?.[1] ?? assert.fail(`${file} has no block under ${heading}`);
}
