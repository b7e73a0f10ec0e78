import type { Config } from '../../src/config.js';
import type { Jobs } from '../../src/jobs/service.js';
import { silentLog } from '../../src/log.js';
import { LOCAL_PRINCIPAL, locateOnDisk } from '../../src/open.js';
import type { ToolContext } from '../../src/tools/tool.js';

/** What a tool is called with on this machine. */
export function localContext(config: Config, jobs: Jobs): ToolContext {
  return {
    principal: LOCAL_PRINCIPAL,
    config,
    jobs,
    log: silentLog,
    locate: locateOnDisk(jobs),
    signal: new AbortController().signal,
    progress: () => undefined,
  };
}
