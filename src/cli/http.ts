import type { Command } from 'commander';
import { environment } from '../config.js';
import { MeshwrightError } from '../errors.js';
import { serveOverHttp } from '../http.js';
import { configFrom } from './settings.js';
import { plain } from './text.js';

const MAX_PORT = 65_535;

/** `meshwright http`: serves until it is stopped. */
export async function serve(command: Command): Promise<void> {
  const { host, port, ...settings } = command.optsWithGlobals<{
    host: string;
    port: string;
    [setting: string]: unknown;
  }>();
  const number = Number(port);
  // An empty text is the number 0 as well, and that is any port.
  if (!/^\d+$/.test(port) || number > MAX_PORT) {
    throw new MeshwrightError(
      'invalid_arguments',
      `--port must be a whole number from 0 to ${MAX_PORT}, not "${plain(port)}".`,
    );
  }
  // Where a variable of a deployment did not arrive, it must not stand for "nobody is asked".
  const tokens = settings['tokens'] ?? environment()['MESHWRIGHT_TOKENS'];
  if (typeof tokens === 'string' && tokens.trim() === '') {
    throw new MeshwrightError(
      'configuration',
      'MESHWRIGHT_TOKENS is set but empty. Set it to a token file (`meshwright token add NAME` makes one), or leave it out.',
    );
  }
  // Callers are elsewhere: no folder of this machine is open to them unless somebody says so.
  const config = configFrom(settings, { MESHWRIGHT_ALLOWED_DIRS: '' });
  await serveOverHttp(config, { host, port: number });
}
