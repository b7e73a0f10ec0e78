import type { Command } from 'commander';
import type { Config } from '../../config.js';
import { MeshwrightError } from '../../errors.js';
import { openLog } from '../../open.js';
import { configFrom } from '../settings.js';
import { note, plain, print, printJson } from '../text.js';
import { type Check, fail, ok } from './check.js';
import { checkAllowedFolders, checkDataFolder } from './folders.js';
import { checkJobs } from './jobs.js';
import { checkProviders } from './providers.js';
import { checkGenerator, checkNode, checkTools } from './runtime.js';
import { checkTokens } from './tokens.js';

/** `meshwright doctor`: looks at everything that a job will need, spends nothing, and says what to do. */
export async function doctor(command: Command, json: boolean): Promise<number> {
  const checks = await checkAll(() => configFrom(command.optsWithGlobals(), { MESHWRIGHT_LOG: 'error' }));
  const healthy = checks.every(({ status }) => status !== 'fail');
  if (json) printJson({ healthy, checks });
  else printChecks(checks, healthy);
  return healthy ? 0 : 1;
}

async function checkAll(load: () => Config): Promise<Check[]> {
  let config: Config;
  try {
    config = load();
  } catch (error) {
    if (!(error instanceof MeshwrightError)) throw error;
    // Without settings nothing else can be told for sure.
    return [
      checkNode(),
      fail('settings', error.message, 'Correct it and run doctor again for the other checks.'),
    ];
  }
  openLog(config);
  const [folder, jobs, allowed, tokens, tools, providers, generator] = await Promise.all([
    checkDataFolder(config),
    checkJobs(config),
    checkAllowedFolders(config),
    checkTokens(config),
    checkTools(config),
    checkProviders(config),
    checkGenerator(),
  ]);
  return [
    checkNode(),
    ok('settings', 'well-formed'),
    folder,
    ...jobs,
    allowed,
    ...tokens,
    tools,
    ...providers,
    generator,
  ];
}

function printChecks(checks: readonly Check[], healthy: boolean): void {
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, status, message, fix } of checks) {
    print(`${status.padEnd(4)}  ${name.padEnd(width)}  ${plain(message)}`);
    if (fix !== undefined) print(`${' '.repeat(8 + width)}→ ${fix}`);
  }
  const well = checks.every(({ status }) => status === 'ok');
  note(
    well
      ? 'All is well.'
      : healthy
        ? 'It works; what begins with warn needs a look.'
        : 'Something needs attention.',
  );
}
