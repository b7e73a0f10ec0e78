#!/usr/bin/env node
import { environment, loadConfig } from './config.js';
import { MeshwrightError } from './errors.js';
import { serveOverStdio } from './stdio.js';

/** `meshwright` alone is the stdio server, and must start fast; everything else loads the command line. */
async function main(): Promise<void> {
  if (process.argv.length <= 2) await serveOverStdio(loadConfig(environment()));
  else await import('./cli/program.js').then(({ run }) => run(process.argv));
}

main().catch((error: unknown) => {
  const known = error instanceof MeshwrightError;
  process.stderr.write(
    `meshwright: ${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exit(known ? 2 : 1);
});
