import type {
  Server as McpServer,
  ServerContext,
  Tool as ToolDefinition,
} from '@modelcontextprotocol/server';
import { isInputRequiredResult, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import {
  KEY_NAMES,
  type Config,
  credentialsOf,
  isProviderId,
  PROVIDER_IDS,
  type ProviderId,
  version,
} from './config.js';
import { MeshwrightError } from './errors.js';
import listed from './generated/tools.json' with { type: 'json' };
import type { Jobs } from './jobs/service.js';
import type { Locate } from './jobs/view.js';
import type { Log } from './log.js';
import type { UploadLink } from './tools/tool.js';
import { forRevision } from './server/old-revisions.js';
import { servePrompts } from './server/prompts.js';
import { askedStates } from './server/asked-state.js';
import { ProgressReporter } from './server/progress.js';
import { JobUpdates } from './server/job-updates.js';
import { serveResources } from './server/resources.js';
import { TracedServer } from './server/traced.js';
import { asTask, listsTaskSupport, serveTasks, TASK_CAPABILITIES, taskForm } from './server/tasks.js';

/**
 * The MCP server: a factory that answers every protocol revision. A server object holds nothing but its
 * client's subscriptions; `tools/list` is answered from what the build computed, and tools, jobs and the
 * database are loaded when a call first needs them.
 */

export interface ServerDeps {
  config: Config;
  log: Log;
  /** Opens the jobs on first use. */
  jobs: () => Promise<Jobs>;
  /** Who is calling. */
  principal: string;
  /** How the caller reaches a file. */
  locate: (jobs: Jobs) => Locate;
  /** 32 bytes that seal what a client sends back with its user's answer; where absent, another one for each process. */
  stateKey?: Uint8Array | undefined;
  /** Makes a link by which the caller can send a file; absent when it is on this machine. */
  uploadLink?: () => UploadLink;
  /** Largest file that `resources/read` answers in one piece, in bytes. */
  maxReadBytes: number;
}

export interface Serving {
  server: McpServer;
  /** What its client subscribed to. */
  updates: JobUpdates;
}

/** @param onDisk whether the caller's files are on this machine */
const instructions = (onDisk: boolean): string =>
  'meshwright turns pictures into 3D models (GLB). Call list_models first: it is free and shows prices. ' +
  (onDisk
    ? 'Images: https URL, absolute or ~ path, file:// URL, data URI, or meshwright://assets/… of an earlier file. '
    : 'Images: https URL, data URI, meshwright://assets/… of an earlier file, or a file handed over with upload_image. ') +
  'A model tool waits a while and then answers with a job; while its status is queued or running call wait_for_job with the job_id, ' +
  'and never start the same job again: jobs cost money, go on by themselves and survive restarts. ' +
  'Every answer says in `next` what to do. Look at a result with view_asset before you judge it; ' +
  (onDisk ? 'give files to the user with save_asset. ' : 'give the user the `url` of a file. ') +
  'Never repeat an "unconfirmed" job without asking the user.';

interface Listed {
  group: string;
  providers: readonly ProviderId[] | undefined;
  remoteOnly: boolean;
  definition: ToolDefinition;
}

/** How long a client may keep the list of tools, and for whom. */
export const LIST_CACHE_HINT = { ttlMs: 300_000, cacheScope: 'private' } as const;

export function serverInfo(): { name: string; title: string; version: string } {
  return { name: 'meshwright', title: 'meshwright', version: version() };
}

export function createServer(deps: ServerDeps): Serving {
  const isRemote = deps.uploadLink !== undefined;
  const { list, withTasks } = toolLists(deps);
  const states = askedStates(deps);
  const server = new TracedServer(serverInfo(), {
    capabilities: {
      tools: { listChanged: false },
      resources: { subscribe: true, listChanged: false },
      completions: {},
      prompts: { listChanged: false },
      ...TASK_CAPABILITIES,
    },
    instructions: instructions(!isRemote),
    requestState: { verify: (state, context) => states.verify(state, context) },
    // Keys are a caller's own, and so is the list.
    cacheHints: { 'tools/list': LIST_CACHE_HINT },
  });
  server.setRequestHandler('tools/list', () => (listsTaskSupport(server) ? withTasks : list));
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const known = list.tools.some(({ name }) => name === params.name);
    const [{ callTool, errorResult, tools }, { askerOf }] = await Promise.all([
      import('./tools/index.js'),
      import('./server/asking.js'),
    ]);
    const tool = tools().find(({ name }) => name === params.name);
    if (!tool || !known) {
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `There is no tool ${params.name.slice(0, 80)}${missingKey(tool)}; there are ${list.tools.map(({ name }) => name).join(', ')}.`,
      );
    }
    const progress = reporterOf(context, deps.log);
    const form = tool.effect === 'generates' ? taskForm(server, params, context) : undefined;
    try {
      const jobs = await deps.jobs();
      const result = await callTool(tool, params.arguments, {
        principal: deps.principal,
        config: deps.config,
        log: deps.log,
        jobs,
        locate: deps.locate(jobs),
        signal: context.mcpReq.signal,
        ask: askerOf({ server, context, states, progress, log: deps.log, config: deps.config }),
        progress: (job) => progress.update(job),
        uploadLink: deps.uploadLink,
        background: form !== undefined,
      });
      if (isInputRequiredResult(result)) return result;
      if (form) return await asTask(form, result, jobs, deps.principal);
      return forRevision(result, server.getNegotiatedProtocolVersion());
    } catch (error) {
      // The data folder cannot be opened.
      return errorResult(error, tool.name, deps.log);
    } finally {
      await progress.stop();
    }
  });
  serveTasks(server, deps, async (job) => {
    const { jobResult } = await import('./tools/index.js');
    const jobs = await deps.jobs();
    return jobResult(job, jobs, deps.locate(jobs));
  });
  servePrompts(server);
  const updates = new JobUpdates(deps, (uri) => server.sendResourceUpdated({ uri }));
  serveResources(server, deps, updates);
  return { server, updates };
}

/** What would bring a model's tool that is there but not shown. */
function missingKey(tool: { providers?: readonly ProviderId[] } | undefined): string {
  const names = tool?.providers?.map((id) => KEY_NAMES[id]).filter(Boolean) ?? [];
  return names.length === 0
    ? ''
    : ` here: it needs a key (${names.join(', or ')} in the environment of the server)`;
}

function reporterOf(context: ServerContext, log: Log): ProgressReporter {
  const { _meta: meta, notify } = context.mcpReq;
  const token = meta?.progressToken;
  return new ProgressReporter(
    token === undefined
      ? undefined
      : (progress, message) =>
          notify({
            method: 'notifications/progress',
            params: { progressToken: token, progress, total: 100, message },
          }).catch((error: unknown) => log.debug('cannot send progress', { error: String(error) })),
  );
}

interface ToolLists {
  list: { tools: ToolDefinition[] };
  /** For the protocol revision whose lists say which tools can be called as tasks. */
  withTasks: { tools: ToolDefinition[] };
}

const toolListsOf = new WeakMap<Config, ToolLists>();

/** The answers to `tools/list`, made once: over HTTP there is a server object for every request. */
export function toolLists({ config, uploadLink }: Pick<ServerDeps, 'config' | 'uploadLink'>): ToolLists {
  const known = toolListsOf.get(config);
  if (known) return known;
  const visible = visibleTools(config, uploadLink !== undefined);
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
  const all: Listed[] = listed.map((entry) => ({
    group: entry.group,
    providers: 'providers' in entry ? entry.providers.filter(isProviderId) : undefined,
    remoteOnly: 'remoteOnly' in entry,
    definition: listedDefinition(entry.definition),
  }));
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
