import type {
  CallToolResult,
  ClientCapabilities,
  InputRequests,
  Server as McpServer,
  ServerContext,
  Tool as ToolDefinition,
} from '@modelcontextprotocol/server';
import {
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { isRecord, type JsonObject } from '../json.js';

/**
 * The protocol's tasks in its two forms: the extension of 2026-07-28 (`io.modelcontextprotocol/tasks`) and the
 * experimental one of 2025-11-25.
 */

/** Work that a call began and that can be followed. */
export interface Task {
  id: string;
  /** `failed` also when the tool answers with an error. */
  status: 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';
  message: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  updatedAt: number;
  /** What it waits for, by the key under which it is answered. */
  inputRequests?: InputRequests;
  /** Why there is no answer of a tool, when it failed without one. */
  error?: { code: number; message: string };
  /** What the tool answers, once the task has ended. */
  answer: () => Promise<CallToolResult>;
}

/** The tasks of one caller; nobody else's exist. */
export interface TaskSource {
  /** @throws ProtocolError when there is none */
  get: (id: string) => Promise<Task>;
  /** @param ms how long the end is waited for; a while where nothing is said */
  cancel: (id: string, ms?: number) => Promise<Task>;
  /** Answers what a task waits for; what it does not wait for is left alone. */
  update: (id: string, responses: Record<string, unknown>) => Promise<void>;
  /**
   * The task once it has ended, or has not for long.
   *
   * @throws ProtocolError when the server stops before that
   */
  wait: (id: string, signal: AbortSignal) => Promise<Task>;
  /** @throws ProtocolError for a cursor that is not one */
  list: (cursor: string | undefined) => Promise<{ tasks: Task[]; nextCursor?: string | undefined }>;
}

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

const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';
const NEEDED: ClientCapabilities = { extensions: { [TASKS_EXTENSION]: {} } };

const TASK = z.looseObject({ taskId: z.string() });
const PAGE = z.looseObject({ cursor: z.string().optional() });

/** Whether the one who calls wants the job as a task, and in which form. */
export function taskForm(server: McpServer, params: object, context: ServerContext): TaskForm | undefined {
  if (isModern(server)) return declaresTasks(context) ? 'extension' : undefined;
  return 'task' in params && isRecord(params.task) ? 'legacy' : undefined;
}

/** Whether this connection's `tools/list` must say which tools can be called as tasks. */
export function listsTaskSupport(server: McpServer): boolean {
  return server.getNegotiatedProtocolVersion() === LEGACY_REVISION;
}

/** Whether the tool's entry in the list says that its calls can become tasks. */
export function canBeTask(tools: readonly ToolDefinition[], name: string): boolean {
  return tools.some((tool) => tool.name === name && tool.execution?.taskSupport !== undefined);
}

/** The answer to a call that began a task: the task while it goes on, else the answer itself. */
export function asTask(form: TaskForm, result: CallToolResult, task: Task): CallToolResult {
  // The older form has no way to answer such a request but with a task.
  if (form === 'legacy') return { content: [], task: legacyTask(task) };
  return hasEnded(task) ? result : { content: [], resultType: 'task', ...extensionTask(task) };
}

/** Registers the methods of both forms. */
export function serveTasks(server: McpServer, tasks: TaskSource): void {
  server.setRequestHandler('tasks/get', { params: TASK }, async ({ taskId }, context) => {
    demandTasks(server, context);
    const task = await tasks.get(taskId);
    return isModern(server) ? { ...extensionTask(task), ...(await outcomeOf(task)) } : legacyTask(task);
  });

  server.setRequestHandler('tasks/cancel', { params: TASK }, async ({ taskId }, context) => {
    demandTasks(server, context);
    const task = await tasks.get(taskId);
    if (isModern(server)) {
      if (!hasEnded(task)) await tasks.cancel(taskId, 0);
      return {};
    }
    if (hasEnded(task)) {
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `The task has ended (${task.status}); it cannot be cancelled any more.`,
      );
    }
    return legacyTask(await tasks.cancel(taskId));
  });

  server.setRequestHandler('tasks/update', { params: TASK }, async ({ taskId }, context) => {
    if (!isModern(server)) throw new ProtocolError(ProtocolErrorCode.MethodNotFound, 'Method not found');
    demandTasks(server, context);
    await tasks.get(taskId);
    // The protocol entry takes them out of the parameters, as it does for a call that comes again.
    await tasks.update(taskId, context.mcpReq.inputResponses ?? {});
    return {};
  });

  server.setRequestHandler('tasks/result', { params: TASK }, async ({ taskId }, context) => {
    const { signal } = context.mcpReq;
    let task = await tasks.get(taskId);
    while (!hasEnded(task) && !signal.aborted) task = await tasks.wait(taskId, signal);
    if (task.error) throw new ProtocolError(task.error.code, task.error.message);
    const related = { 'io.modelcontextprotocol/related-task': { taskId } };
    return { ...(await task.answer()), _meta: related };
  });

  server.setRequestHandler('tasks/list', { params: PAGE }, async (given) => {
    const page = await tasks.list(given.cursor);
    return {
      tasks: page.tasks.map(legacyTask),
      ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
    };
  });
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

function hasEnded({ status }: Task): boolean {
  return status !== 'working' && status !== 'input_required';
}

/** A tool's error is a result here: `failed` is for protocol errors only. */
function extensionTask(task: Task): JsonObject {
  const status = task.status === 'failed' && !task.error ? 'completed' : task.status;
  return { ...taskFields(task, status), ttlMs: null, pollIntervalMs: POLL_MS };
}

/** What came of it or is missing, as the extension tells it beside the task. */
async function outcomeOf(task: Task): Promise<object> {
  if (task.status === 'input_required') return { inputRequests: task.inputRequests ?? {} };
  if (task.error) return { error: task.error };
  if (!hasEnded(task) || task.status === 'cancelled') return {};
  return { result: { resultType: 'complete', ...(await task.answer()) } };
}

function legacyTask(task: Task): JsonObject {
  return { ...taskFields(task, task.status), ttl: null, pollInterval: POLL_MS };
}

function taskFields(task: Task, status: Task['status']): JsonObject {
  return {
    taskId: task.id,
    status,
    statusMessage: task.message,
    createdAt: new Date(task.createdAt).toISOString(),
    lastUpdatedAt: new Date(task.updatedAt).toISOString(),
  };
}
