import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

/**
 * Writes the types of a client from openapi.yaml, or with --check fails when the committed ones differ. They are the proof that
 * a client generated from the document fits the server (test/wire/every-call.test.ts).
 */
async function main(argv: readonly string[]): Promise<number> {
  const file = new URL('./lab/api-types.d.ts', import.meta.url);
  const text = `// Generated from openapi.yaml by openapi-typescript: npm run openapi\n${astToString(
    await openapiTS(new URL('../openapi.yaml', import.meta.url), { silent: true }),
  )}`;
  if (!argv.includes('--check')) {
    await writeFile(file, text);
    return 0;
  }
  if ((await readFile(file, 'utf8').catch(() => '')) === text) return 0;
  process.stderr.write('test/lab/api-types.d.ts is not what openapi.yaml says; run: npm run openapi\n');
  return 1;
}

process.exitCode = await main(process.argv.slice(2));
