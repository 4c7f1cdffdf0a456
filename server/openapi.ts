import { readFile, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { describeApi } from './http/describe.ts';

/** Writes openapi.yaml from the schemas, or with --check fails when the committed file differs. */
async function main(argv: readonly string[]): Promise<number> {
  const file = new URL('../openapi.yaml', import.meta.url);
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  const text = stringify(await describeApi(version), { lineWidth: 120 });
  if (!argv.includes('--check')) {
    await writeFile(file, text);
    return 0;
  }
  if ((await readFile(file, 'utf8').catch(() => '')) === text) return 0;
  process.stderr.write('openapi.yaml is not what the schemas say; run: npm run openapi\n');
  return 1;
}

process.exitCode = await main(process.argv.slice(2));
