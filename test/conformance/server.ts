import { loadConfig } from '../../src/config.js';
import { type HttpServer, startHttp } from '../../src/http.js';
import { silentLog } from '../../src/log.js';
import { fixtureRegistry } from './registry.js';

/**
 * The HTTP server as it is, with the tools, resources and prompts in place of its own that the official conformance
 * runner looks for by name.
 */
export function startFixtureServer(dataDir: string): Promise<HttpServer> {
  const config = loadConfig({ HOME: dataDir }, { MESHWRIGHT_DATA_DIR: dataDir, MESHWRIGHT_ALLOWED_DIRS: '' });
  return startHttp(config, { host: '127.0.0.1', port: 0, registry: fixtureRegistry() }, silentLog);
}
