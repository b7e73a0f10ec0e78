import type {
  CallToolResult,
  ContentBlock,
  InputRequiredResult,
  Tool as ToolDefinition,
} from '@modelcontextprotocol/server';
import { isRecord } from '../../src/json.js';
import type { Called, ToolCall } from '../../src/server/registry.js';

/** A tool of the runner. */
export interface FixtureTool {
  definition: ToolDefinition;
  /** Whether something is told before it answers. */
  slow?: boolean;
  run: (call: ToolCall) => Promise<Called>;
}

/** One that answers without a task. */
export function fixture(
  name: string,
  description: string,
  run: (
    call: ToolCall,
  ) => Promise<CallToolResult | InputRequiredResult> | CallToolResult | InputRequiredResult,
  options: { slow?: boolean; inputSchema?: ToolDefinition['inputSchema'] } = {},
): FixtureTool {
  const { slow = false, inputSchema = { type: 'object' } } = options;
  return {
    definition: { name, description, inputSchema },
    slow,
    run: async (call) => ({ result: await run(call) }),
  };
}

export const said = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });
export const shown = (...content: ContentBlock[]): CallToolResult => ({ content });

/** A text argument of the call. */
export function textOf({ args }: Pick<ToolCall, 'args'>, name: string): string {
  return isRecord(args) ? String(args[name]) : '';
}

/** Pictures and sounds as small as they can be. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
export const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=';
