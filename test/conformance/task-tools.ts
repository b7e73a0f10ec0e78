import {
  acceptedContent,
  type CallToolResult,
  inputRequired,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import { setTimeout as pause } from 'node:timers/promises';
import { isRecord, type JsonObject } from '../../src/json.js';
import type { Called, ToolCall } from '../../src/server/registry.js';
import { TASKS_EXTENSION } from '../../src/server/tasks.js';
import type { MemoryTasks, Running } from './tasks.js';
import { fixture, type FixtureTool, said, textOf } from './tool.js';

/** What can be followed as a task. */

const FAILS_AFTER_MS = 1_000;
const STEP_MS = 100;

const confirm = (message: string): ReturnType<typeof inputRequired.elicit> =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties: { confirm: { type: 'boolean' } }, required: ['confirm'] },
  });

export function taskTools(tasks: MemoryTasks): FixtureTool[] {
  const follow = async (
    { background }: ToolCall,
    work: (running: Running) => Promise<CallToolResult>,
  ): Promise<Called> => {
    const task = tasks.begin(work);
    if (background) return { result: { content: [] }, task };
    const { error, answer } = await tasks.wait(task.id);
    if (error) throw new ProtocolError(error.code, error.message);
    return { result: await answer() };
  };
  const tool = (
    name: string,
    taskSupport: 'optional' | 'required',
    run: FixtureTool['run'],
    properties: JsonObject = {},
  ): FixtureTool => ({
    definition: {
      name,
      description: 'Goes on as a task',
      inputSchema: { type: 'object', properties },
      execution: { taskSupport },
    },
    run: async (call) => {
      if (taskSupport === 'required' && !call.background) {
        const requiredCapabilities = { extensions: { [TASKS_EXTENSION]: {} } };
        throw new MissingRequiredClientCapabilityError({ requiredCapabilities });
      }
      return run(call);
    },
  });

  return [
    fixture('greet', 'Greets', (call) => said(`Hello, ${textOf(call, 'name')}!`), {
      inputSchema: { type: 'object', properties: { name: { type: 'string' } } },
    }),
    tool(
      'slow_compute',
      'optional',
      (call) => {
        const seconds = isRecord(call.args) ? Number(call.args['seconds'] ?? 0) : 0;
        return follow(call, async ({ signal }) => {
          await pause(seconds * 1000, undefined, { signal });
          return said(`Computed for ${seconds} s.`);
        });
      },
      { seconds: { type: 'number' }, label: { type: 'string' } },
    ),
    tool('failing_job', 'required', (call) =>
      follow(call, async ({ signal }) => {
        await pause(FAILS_AFTER_MS, undefined, { signal });
        return { ...said('It failed, as it always does.'), isError: true };
      }),
    ),
    tool('protocol_error_job', 'optional', (call) =>
      follow(call, async ({ signal }) => {
        await pause(STEP_MS, undefined, { signal });
        throw new ProtocolError(ProtocolErrorCode.InternalError, 'It broke, as it always does.');
      }),
    ),
    tool(
      'confirm_delete',
      'optional',
      (call) =>
        follow(call, async ({ ask }) => {
          const answers = await ask({ confirm: confirm(`Delete ${textOf(call, 'filename')}?`) });
          return said(JSON.stringify(answers));
        }),
      { filename: { type: 'string' } },
    ),
    tool('multi_input', 'optional', (call) =>
      follow(call, async ({ ask }) => {
        const answers = await ask({ first: confirm('The first?'), second: confirm('The second?') });
        return said(JSON.stringify(answers));
      }),
    ),
    tool('test_tool_with_task', 'required', async (call) => {
      const name = acceptedContent(call.context.mcpReq.inputResponses, 'user_name')?.['name'];
      if (typeof name === 'string') return follow(call, () => pause(STEP_MS, said(`Hello, ${name}!`)));
      const user_name = inputRequired.elicit({
        message: 'What is your name?',
        requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      });
      return { result: inputRequired({ inputRequests: { user_name } }) };
    }),
  ];
}
