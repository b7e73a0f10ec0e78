#!/usr/bin/env node
import { environment, loadConfig } from './config.js';
import { MeshwrightError } from './errors.js';
import { redact } from './log.js';
import { serveOverStdio } from './stdio.js';

/** `meshwright` alone is the stdio server, and must start fast; everything else loads the command line. */
async function main(): Promise<void> {
  if (process.argv.length <= 2) await serveOverStdio(loadConfig(environment()));
  else await import('./cli/program.js').then(({ run }) => run(process.argv));
}

/** The last words: by Node itself they would be told with whatever hangs on the error, such as request headers. */
function end(error: unknown): void {
  const known = error instanceof MeshwrightError;
  const text = known
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`meshwright: ${redact(text)}\n`);
  process.exit(known ? 2 : 1);
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, end);
main().catch(end);
