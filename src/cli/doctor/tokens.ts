import type { Config } from '../../config.js';
import { MeshwrightError } from '../../errors.js';
import { readTokenFile, tokenFileOf } from '../../http/token-file.js';
import { type Check, fail, ok, warn } from './check.js';
import { kindOf } from './folders.js';

/** Whether the HTTP server can use the token file; nothing where there is none and none is named. */
export async function checkTokens(config: Config): Promise<Check[]> {
  const name = 'tokens';
  const file = tokenFileOf(config);
  if (config.tokens === undefined && (await kindOf(file).catch(() => 'none')) === 'none') return [];
  try {
    const { length } = (await readTokenFile(file)).principals;
    if (length === 0) {
      return [warn(name, `${file} lets nobody in`, '`meshwright token add NAME` makes a principal.')];
    }
    const use = config.tokens === undefined ? `; MESHWRIGHT_TOKENS=${file} lets the HTTP server use it` : '';
    return [ok(name, `${length} ${length === 1 ? 'principal' : 'principals'} in ${file}${use}`)];
  } catch (error) {
    if (error instanceof MeshwrightError) return [fail(name, error.message)];
    throw error;
  }
}
