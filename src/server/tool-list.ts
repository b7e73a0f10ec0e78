import type { Tool as ToolDefinition } from '@modelcontextprotocol/server';
import {
  type Config,
  credentialsOf,
  isProviderId,
  KEY_NAMES,
  PROVIDER_IDS,
  type ProviderId,
} from '../config.js';
import { MeshwrightError } from '../errors.js';
import listed from '../generated/tools.json' with { type: 'json' };
import type { ToolLists } from './registry.js';

/** `tools/list`, from what the build computed. */

interface Listed {
  group: string;
  providers: readonly ProviderId[] | undefined;
  remoteOnly: boolean;
  definition: ToolDefinition;
}

const toolListsOf = new WeakMap<Config, ToolLists>();

/** The answers to `tools/list`, made once: over HTTP there is a server object for every request. */
export function toolLists(config: Config, isRemote: boolean): ToolLists {
  const known = toolListsOf.get(config);
  if (known) return known;
  const visible = visibleTools(config, isRemote);
  const lists = {
    list: { tools: visible.map(({ definition }) => definition) },
    withTasks: {
      tools: visible.map(({ group, definition }) =>
        group === 'models' ? { ...definition, execution: { taskSupport: 'optional' as const } } : definition,
      ),
    },
  };
  toolListsOf.set(config, lists);
  return lists;
}

/**
 * The tools that this configuration shows: those of its groups and names, and of the models those with a key.
 *
 * @throws MeshwrightError `configuration` when `MESHWRIGHT_TOOLS` names something that is not there
 */
export function visibleTools(config: Config, isRemote = false): Listed[] {
  const all = allTools();
  const names = new Set(['all', ...all.flatMap(({ group, definition: { name } }) => [group, name])]);
  const unknown = config.tools.find((name) => !names.has(name));
  if (unknown !== undefined) {
    throw new MeshwrightError(
      'configuration',
      `MESHWRIGHT_TOOLS names "${unknown.slice(0, 60)}", which is neither a tool nor a group; there are ${[...names].join(', ')}.`,
    );
  }
  const wanted = new Set(config.tools);
  const credentials = credentialsOf(config);
  const keys = new Set(PROVIDER_IDS.filter((id) => credentials[id]));
  return (
    all
      .filter(({ group, definition: { name } }) => wanted.has('all') || wanted.has(group) || wanted.has(name))
      .filter(({ providers }) => providers === undefined || providers.some((id) => keys.has(id)))
      .filter(({ remoteOnly }) => isRemote || !remoteOnly)
      // Where no folder is open there is nothing to save to.
      .filter(({ definition: { name } }) => name !== 'save_asset' || config.allowedDirs.length > 0)
      .map((entry) => withProviderChoice(entry, keys))
  );
}

/** Where more than one route has a key, the agent may choose. */
function withProviderChoice(entry: Listed, keys: ReadonlySet<ProviderId>): Listed {
  const choices = entry.providers?.filter((id) => keys.has(id)) ?? [];
  if (choices.length < 2) return entry;
  const { inputSchema } = entry.definition;
  const provider = { type: 'string', enum: ['auto', ...choices], default: 'auto' };
  return {
    ...entry,
    definition: {
      ...entry.definition,
      inputSchema: { ...inputSchema, properties: { ...inputSchema.properties, provider } },
    },
  };
}

/** The generated file's entry as the SDK types it: an object schema says so with a literal. */
function listedDefinition(entry: (typeof listed)[number]['definition']): ToolDefinition {
  const { inputSchema, ...rest } = entry;
  const outputSchema = 'outputSchema' in rest ? rest.outputSchema : undefined;
  return {
    ...rest,
    inputSchema: { ...inputSchema, type: 'object' },
    ...(outputSchema ? { outputSchema: { ...outputSchema, type: 'object' } } : {}),
  };
}

function allTools(): Listed[] {
  return listed.map((entry) => ({
    group: entry.group,
    providers: 'providers' in entry ? entry.providers.filter(isProviderId) : undefined,
    remoteOnly: 'remoteOnly' in entry,
    definition: listedDefinition(entry.definition),
  }));
}

/** What would bring a model's tool that is there but not shown, to be said after its name. */
export function missingKey(name: string): string {
  const tool = allTools().find(({ definition }) => definition.name === name);
  const names = tool?.providers?.map((id) => KEY_NAMES[id]).filter(Boolean) ?? [];
  return names.length === 0
    ? ''
    : ` here: it needs a key (${names.join(', or ')} in the environment of the server)`;
}
