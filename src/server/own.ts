import type { ServerDeps } from '../server.js';
import { jobTasks } from './job-tasks.js';
import { ownResources } from './own-resources.js';
import { ownTools } from './own-tools.js';
import { PROMPTS } from './prompts.js';
import type { Registry } from './registry.js';

/** What meshwright offers a caller. */
export function ownRegistry(deps: ServerDeps): Registry {
  return {
    tools: ownTools(deps),
    prompts: PROMPTS,
    resources: ownResources(deps),
    tasks: jobTasks(deps),
  };
}
