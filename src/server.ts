import type { Server as McpServer, ServerOptions } from '@modelcontextprotocol/server';
import { isInputRequiredResult, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { Config } from './config.js';
import type { Jobs } from './jobs/service.js';
import type { Locate } from './jobs/view.js';
import type { Log } from './log.js';
import type { UploadLink } from './tools/tool.js';
import { version } from './version.js';
import { askedStates } from './server/asked-state.js';
import { JobUpdates } from './server/job-updates.js';
import { forRevision } from './server/old-revisions.js';
import { OpenCalls } from './server/open-calls.js';
import { ownRegistry } from './server/own.js';
import { servePrompts } from './server/prompts.js';
import type { Registry, ToolSource } from './server/registry.js';
import { serveResources } from './server/resources.js';
import {
  asTask,
  canBeTask,
  listsTaskSupport,
  serveTasks,
  TASK_CAPABILITIES,
  taskForm,
} from './server/tasks.js';
import { TracedServer } from './server/traced.js';

/**
 * The MCP server: a factory that answers every protocol revision. A server object holds nothing but its
 * client's subscriptions; what is offered is the registry's, and what that needs is loaded by the first call.
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
  /** What is being answered; whoever stops the server waits for it. */
  calls?: OpenCalls | undefined;
  /** What is offered in place of meshwright's own; the conformance runner has tools that it must find. */
  registry?: ((deps: ServerDeps) => Registry) | undefined;
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

/** How long a client may keep the list of tools, and for whom. */
export const LIST_CACHE_HINT = { ttlMs: 300_000, cacheScope: 'private' } as const;

export function serverInfo(): { name: string; title: string; version: string } {
  return { name: 'meshwright', title: 'meshwright', version: version() };
}

/** What is offered to the caller. */
export function registryOf(deps: ServerDeps): Registry {
  return (deps.registry ?? ownRegistry)(deps);
}

export function createServer(deps: ServerDeps): Serving {
  const { capabilities, tools, prompts, resources, tasks } = registryOf(deps);
  const states = askedStates(deps);
  const options: ServerOptions = {
    capabilities: {
      tools: { listChanged: false },
      resources: { subscribe: true, listChanged: false },
      completions: {},
      prompts: { listChanged: false },
      ...TASK_CAPABILITIES,
      ...capabilities,
    },
    instructions: instructions(deps.uploadLink === undefined),
    requestState: { verify: (state, context) => states.verify(state, context) },
    // Keys are a caller's own, and so is the list.
    cacheHints: { 'tools/list': LIST_CACHE_HINT },
  };
  const { log, principal, calls = new OpenCalls() } = deps;
  const server = new TracedServer(serverInfo(), options, { log, principal, calls });
  const { list, withTasks } = tools.lists;
  server.setRequestHandler('tools/list', () => (listsTaskSupport(server) ? withTasks : list));
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const { name, arguments: args } = params;
    if (!list.tools.some((tool) => tool.name === name)) throw noTool(name, tools);
    const form = canBeTask(withTasks.tools, name) ? taskForm(server, params, context) : undefined;
    const background = form !== undefined;
    const { result, task } = await tools.call({ name, args, server, context, states, background });
    if (isInputRequiredResult(result)) return result;
    if (form && task) return asTask(form, result, task);
    return forRevision(result, server.getNegotiatedProtocolVersion());
  });
  serveTasks(server, tasks);
  servePrompts(server, prompts);
  const updates = new JobUpdates(deps, (uri) => server.sendResourceUpdated({ uri }));
  serveResources(server, resources, updates, log);
  return { server, updates };
}

function noTool(name: string, { lists, hint }: ToolSource): ProtocolError {
  const names = lists.list.tools.map((tool) => tool.name).join(', ');
  return new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `There is no tool ${name.slice(0, 80)}${hint?.(name) ?? ''}; there are ${names}.`,
  );
}
