import type { ServerDeps } from '../server.js';
import { jobTasks } from './job-tasks.js';
import { ownResources } from './own-resources.js';
import { ownTools } from './own-tools.js';
import { PROMPTS } from './prompts.js';
import type { Registry } from './registry.js';

/** What meshwright offers a caller; each part is made when it is asked for, as a direct answer needs but one. */
export function ownRegistry(deps: ServerDeps): Registry {
  return {
    get tools() {
      return ownTools(deps);
    },
    prompts: PROMPTS,
    get resources() {
      return ownResources(deps);
    },
    get tasks() {
      return jobTasks(deps);
    },
  };
}
