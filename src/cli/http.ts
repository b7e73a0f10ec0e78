import type { Command } from 'commander';
import { MeshwrightError } from '../errors.js';
import { serveOverHttp } from '../http.js';
import { configFrom } from './settings.js';

const MAX_PORT = 65_535;

/** `meshwright http`: serves until it is stopped. */
export async function serve(command: Command): Promise<void> {
  const { host, port, ...settings } = command.optsWithGlobals<{ host: string; port: string }>();
  const number = Number(port);
  if (!Number.isInteger(number) || number < 0 || number > MAX_PORT) {
    throw new MeshwrightError(
      'invalid_arguments',
      `--port must be a whole number from 0 to ${MAX_PORT}, not ${port}.`,
    );
  }
  // Callers are elsewhere: no folder of this machine is open to them unless somebody says so.
  const config = configFrom(settings, { MESHWRIGHT_ALLOWED_DIRS: '' });
  await serveOverHttp(config, { host, port: number });
}
