import type { Registry } from '../../src/server/registry.js';
import type { ServerDeps } from '../../src/server.js';
import { askingTools } from './asking-tools.js';
import { contentTools } from './content-tools.js';
import { prompts } from './prompts.js';
import { resources } from './resources.js';
import { taskTools } from './task-tools.js';
import { MemoryTasks } from './tasks.js';

/** Everything that the runner calls by name; its tasks outlive requests, as ours do. */
export function fixtureRegistry(): (deps: ServerDeps) => Registry {
  const tasks = new MemoryTasks();
  const tools = [...contentTools, ...askingTools, ...taskTools(tasks)];
  const list = tools.map(({ definition: { execution: _execution, ...plain } }) => plain);
  const withTasks = tools.map(({ definition }) => definition);
  const registry: Registry = {
    capabilities: { logging: {} },
    tools: {
      lists: { list: { tools: list }, withTasks: { tools: withTasks } },
      quick: new Set(tools.filter(({ slow }) => !slow).map(({ definition }) => definition.name)),
      call: async (call) => {
        const tool = tools.find(({ definition }) => definition.name === call.name);
        if (!tool) throw new Error(`no fixture is called ${call.name}`);
        return tool.run(call);
      },
    },
    prompts,
    resources,
    tasks,
  };
  return () => registry;
}
