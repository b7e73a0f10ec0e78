import type { ServerContext } from '@modelcontextprotocol/server';
import { isInputRequiredResult } from '@modelcontextprotocol/server';
import { isRecord } from '../json.js';
import { type Log, logFor } from '../log.js';
import type { ServerDeps } from '../server.js';
import { taskOfJob } from './job-tasks.js';
import { ProgressReporter } from './progress.js';
import { requestIdOf } from './request-id.js';
import type { Called, ToolCall, ToolSource } from './registry.js';
import { missingKey, toolLists } from './tool-list.js';

/** Our tools as the protocol sees them; what runs them is loaded by the first call. */

const QUICK_TOOLS: ReadonlySet<unknown> = new Set([
  'list_models',
  'get_job',
  'list_jobs',
  'list_assets',
  'upload_image',
  'delete_asset',
]);

/** An abort that never comes, for what has answered before anybody could give up. */
const NEVER = new AbortController().signal;

const loadTools = () => import('../tools/index.js');
let loading: ReturnType<typeof loadTools> | undefined;

export function ownTools(deps: ServerDeps): ToolSource {
  const { config, principal, uploadLink } = deps;
  const log = logFor(deps.log, { principal });
  return {
    lists: toolLists(config, uploadLink !== undefined),
    quick: QUICK_TOOLS,
    hint: missingKey,
    call(call) {
      return callOwn(deps, call);
    },
    async direct(name, args) {
      loading ??= loadTools().catch((error: unknown) => {
        loading = undefined;
        throw error;
      });
      const { callTool, errorResult, tools } = await loading;
      const tool = tools().find((one) => one.name === name);
      if (tool?.effect !== 'reads') return undefined;
      try {
        const jobs = await deps.jobs();
        const locate = deps.locate(jobs);
        const progress = (): void => undefined;
        const context = { principal, config, log, jobs, locate, signal: NEVER, uploadLink, progress };
        const result = await callTool(tool, args, context);
        return isInputRequiredResult(result) ? undefined : result;
      } catch (error) {
        return errorResult(error, name, log);
      }
    },
  };
}

async function callOwn(deps: ServerDeps, call: ToolCall): Promise<Called> {
  const { config, principal, uploadLink } = deps;
  const { name, args, server, context, states, background } = call;
  const request = requestIdOf(context);
  const log = logFor(deps.log, { principal, request });
  const [{ callTool, errorResult, tools }, { askerOf }] = await Promise.all([
    import('../tools/index.js'),
    import('./asking.js'),
  ]);
  const tool = tools().find((one) => one.name === name);
  if (!tool) throw new Error(`${name} is in the list and cannot be called`);
  const progress = reporterOf(context, log);
  try {
    const jobs = await deps.jobs();
    const locate = deps.locate(jobs);
    const result = await callTool(tool, args, {
      principal,
      config,
      log,
      jobs,
      locate,
      signal: context.mcpReq.signal,
      ask: askerOf({ server, context, states, progress, log, config }),
      progress: (job) => progress.update(job),
      uploadLink,
      background,
      request,
    });
    const id = background && 'structuredContent' in result ? jobIdIn(result.structuredContent) : undefined;
    if (id === undefined) return { result };
    return { result, task: taskOfJob(await jobs.get(principal, id), jobs, locate) };
  } catch (error) {
    // The data folder cannot be opened.
    return { result: errorResult(error, name, log) };
  } finally {
    await progress.stop();
  }
}

function jobIdIn(structured: unknown): string | undefined {
  const id = isRecord(structured) ? structured['job_id'] : undefined;
  return typeof id === 'string' ? id : undefined;
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
