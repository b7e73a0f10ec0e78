import type {
  CallToolResult,
  ClientCapabilities,
  Server as McpServer,
  ServerContext,
} from '@modelcontextprotocol/server';
import {
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { MeshwrightError } from '../errors.js';
import { isRecord, type JsonObject } from '../json.js';
import type { Jobs } from '../jobs/service.js';
import { isFinal } from '../jobs/transition.js';
import { messageFor } from '../jobs/view.js';
import { redact } from '../log.js';
import type { Job } from '../store/types.js';
import type { ServerDeps } from '../server.js';

/**
 * Our jobs shown as the protocol's tasks, in its two forms: the extension of 2026-07-28
 * (`io.modelcontextprotocol/tasks`) and the experimental one of 2025-11-25. A task's id is its job's id; a task
 * holds nothing that the job's row does not, so it outlives connections and restarts.
 */

export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** What the server says it can do; each protocol revision reads its own key. */
export const TASK_CAPABILITIES = {
  tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
  extensions: { [TASKS_EXTENSION]: {} },
};

export type TaskForm = 'extension' | 'legacy';

const EXTENSION_SINCE = '2026-07-28';
const LEGACY_REVISION = '2025-11-25';
const POLL_MS = 2_000;
const PAGE = 50;
/** How long one `tasks/result` of the older form waits before it looks again. */
const WAIT_MS = 600_000;

const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';
const NEEDED: ClientCapabilities = { extensions: { [TASKS_EXTENSION]: {} } };

/** Whether the one who calls wants the job as a task, and in which form. */
export function taskForm(server: McpServer, params: object, context: ServerContext): TaskForm | undefined {
  if (isModern(server)) return declaresTasks(context) ? 'extension' : undefined;
  return 'task' in params && isRecord(params.task) ? 'legacy' : undefined;
}

/** Whether this connection's `tools/list` must say which tools can be called as tasks. */
export function listsTaskSupport(server: McpServer): boolean {
  return server.getNegotiatedProtocolVersion() === LEGACY_REVISION;
}

/** The answer to a model tool's call: a task while its job goes on, else the answer itself. */
export async function asTask(
  form: TaskForm,
  result: CallToolResult,
  jobs: Jobs,
  principal: string,
): Promise<CallToolResult> {
  const id = isRecord(result.structuredContent) ? result.structuredContent['job_id'] : undefined;
  if (typeof id !== 'string') return result;
  const job = await jobs.get(principal, id);
  // The older form has no way to answer such a request but with a task.
  if (form === 'legacy') return { content: [], task: legacyTask(job) };
  return isFinal(job) ? result : { content: [], resultType: 'task', ...extensionTask(job) };
}

/**
 * Registers the methods of both forms.
 *
 * @param answer - what the job's tool answers when the job has ended
 */
export function serveTasks(
  server: McpServer,
  deps: Pick<ServerDeps, 'jobs' | 'principal'>,
  answer: (job: Job) => Promise<CallToolResult>,
): void {
  const { principal } = deps;
  const params = z.looseObject({ taskId: z.string() });
  const find = async (taskId: string): Promise<{ jobs: Jobs; job: Job }> => {
    const jobs = await deps.jobs();
    return { jobs, job: await jobs.get(principal, taskId).catch(noTask) };
  };

  server.setRequestHandler('tasks/get', { params }, async ({ taskId }, context) => {
    demandTasks(server, context);
    const { job } = await find(taskId);
    if (!isModern(server)) return legacyTask(job);
    const ended = isFinal(job) && job.state !== 'cancelled' ? await answer(job) : undefined;
    return { ...extensionTask(job), ...(ended ? { result: { resultType: 'complete', ...ended } } : {}) };
  });

  server.setRequestHandler('tasks/cancel', { params }, async ({ taskId }, context) => {
    demandTasks(server, context);
    const { jobs, job } = await find(taskId);
    if (isModern(server)) {
      if (!isFinal(job)) await jobs.cancel(principal, job.id, 0);
      return {};
    }
    if (isFinal(job)) {
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `The task has ended (${job.state}); it cannot be cancelled any more.`,
      );
    }
    // A provider that cannot stop the job leaves it running: then the task says so instead of "cancelled".
    return legacyTask(await jobs.cancel(principal, job.id));
  });

  server.setRequestHandler('tasks/update', { params }, async ({ taskId }, context) => {
    if (!isModern(server)) throw new ProtocolError(ProtocolErrorCode.MethodNotFound, 'Method not found');
    demandTasks(server, context);
    // Nothing is ever asked in the middle of a job.
    await find(taskId);
    return {};
  });

  server.setRequestHandler('tasks/result', { params }, async ({ taskId }, context) => {
    const { jobs, job } = await find(taskId);
    const { signal } = context.mcpReq;
    let now = job;
    while (!isFinal(now) && !signal.aborted) {
      now = await jobs.wait(principal, job.id, { ms: WAIT_MS, signal });
    }
    const related = { 'io.modelcontextprotocol/related-task': { taskId } };
    return { ...(await answer(now)), _meta: related };
  });

  server.setRequestHandler(
    'tasks/list',
    { params: z.looseObject({ cursor: z.string().optional() }) },
    async ({ cursor }) => {
      const jobs = await deps.jobs();
      const page = await jobs.list(principal, { limit: PAGE, cursor }).catch(invalid);
      return {
        tasks: page.rows.map(legacyTask),
        ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
      };
    },
  );
}

/** The tasks of the extension are for those who declare it, in every request. */
function demandTasks(server: McpServer, context: ServerContext): void {
  if (isModern(server) && !declaresTasks(context)) {
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities: NEEDED });
  }
}

function declaresTasks({ mcpReq: { envelope } }: ServerContext): boolean {
  const capabilities: unknown = isRecord(envelope) ? envelope[CAPABILITIES_KEY] : undefined;
  const extensions = isRecord(capabilities) ? capabilities['extensions'] : undefined;
  return isRecord(extensions) && isRecord(extensions[TASKS_EXTENSION]);
}

/** Revisions are dates, so they compare as texts. */
export function isModern(server: McpServer): boolean {
  return (server.getNegotiatedProtocolVersion() ?? '') >= EXTENSION_SINCE;
}

/** A tool's error is a result here: `failed` is for protocol errors only. */
function extensionTask(job: Job): JsonObject {
  const status = !isFinal(job) ? 'working' : job.state === 'cancelled' ? 'cancelled' : 'completed';
  return { ...taskOf(job, status), ttlMs: null, pollIntervalMs: POLL_MS };
}

function legacyTask(job: Job): JsonObject {
  const status = !isFinal(job)
    ? 'working'
    : job.state === 'succeeded'
      ? 'completed'
      : job.state === 'cancelled'
        ? 'cancelled'
        : 'failed';
  return { ...taskOf(job, status), ttl: null, pollInterval: POLL_MS };
}

function taskOf(job: Job, status: string): JsonObject {
  const elapsed = ((job.finishedAt ?? Date.now()) - job.createdAt) / 1000;
  return {
    taskId: job.id,
    status,
    statusMessage: redact(messageFor(job, undefined, elapsed)),
    createdAt: new Date(job.createdAt).toISOString(),
    lastUpdatedAt: new Date(job.updatedAt).toISOString(),
  };
}

function noTask(error: unknown): never {
  if (error instanceof MeshwrightError && error.code === 'not_found') {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no such task.');
  }
  throw error;
}

function invalid(error: unknown): never {
  if (error instanceof MeshwrightError)
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, error.message);
  throw error;
}
