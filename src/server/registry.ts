import type {
  CallToolResult,
  InputRequiredResult,
  RequestStateCodec,
  Server as McpServer,
  ServerCapabilities,
  ServerContext,
  Tool as ToolDefinition,
} from '@modelcontextprotocol/server';
import type { AskedState } from './asked-state.js';
import type { PromptEntry } from './prompts.js';
import type { ResourceSource } from './resources.js';
import type { Task, TaskSource } from './tasks.js';

/** What a server offers to one caller; `createServer` speaks the protocol for it. */
export interface Registry {
  /** What it can do beyond tools, resources, prompts, completion and tasks. */
  capabilities?: ServerCapabilities;
  tools: ToolSource;
  prompts: readonly PromptEntry[];
  resources: ResourceSource;
  tasks: TaskSource;
}

export interface ToolLists {
  list: { tools: ToolDefinition[] };
  /** For the protocol revision whose lists say which tools can be called as tasks. */
  withTasks: { tools: ToolDefinition[] };
}

export interface ToolSource {
  lists: ToolLists;
  /** Names of tools that answer at once: over HTTP no stream is opened for them. */
  quick: ReadonlySet<unknown>;
  call: (call: ToolCall) => Promise<Called>;
  /** What is said of a tool that is not in the list, after its name. */
  hint?: (name: string) => string;
  /**
   * Answers a call of a quick tool that needs nothing of what a server object is for; `undefined` when it has to go
   * through one.
   */
  direct?: (name: string, args: unknown) => Promise<CallToolResult | undefined>;
}

/** A call of a tool that is in the list. */
export interface ToolCall {
  name: string;
  args: unknown;
  server: McpServer;
  context: ServerContext;
  /** The seal of what goes out with a question. */
  states: RequestStateCodec<AskedState>;
  /** The caller follows what the call begins as a task: nothing is waited for. */
  background: boolean;
}

export interface Called {
  result: CallToolResult | InputRequiredResult;
  /** What the call has begun, for those who follow it. */
  task?: Task;
}
