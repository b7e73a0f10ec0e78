import { setTimeout as pause } from 'node:timers/promises';
import type { ToolCall } from '../../src/server/registry.js';
import dialect from './dialect-2020-12.json' with { type: 'json' };
import { fixture, type FixtureTool, PNG, said, shown, WAV } from './tool.js';

/** Content of every kind, progress, logging, a stream that breaks. */

const STEP_MS = 50;

export const contentTools: readonly FixtureTool[] = [
  fixture('test_simple_text', 'Answers with a text', () =>
    said('This is a simple text response for testing.'),
  ),
  fixture('test_image_content', 'Answers with a picture', () =>
    shown({ type: 'image', data: PNG, mimeType: 'image/png' }),
  ),
  fixture('test_audio_content', 'Answers with a sound', () =>
    shown({ type: 'audio', data: WAV, mimeType: 'audio/wav' }),
  ),
  fixture('test_embedded_resource', 'Answers with a resource', () =>
    shown({
      type: 'resource',
      resource: {
        uri: 'test://embedded-resource',
        mimeType: 'text/plain',
        text: 'This is an embedded resource content.',
      },
    }),
  ),
  fixture('test_multiple_content_types', 'Answers with several kinds of content', () =>
    shown(
      { type: 'text', text: 'Multiple content types test:' },
      { type: 'image', data: PNG, mimeType: 'image/png' },
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: '{"test":"data","value":123}',
        },
      },
    ),
  ),
  fixture('test_error_handling', 'Always fails', () => ({
    ...said('This tool intentionally returns an error for testing'),
    isError: true,
  })),
  fixture('json_schema_2020_12_tool', 'Takes what only the 2020-12 dialect can say', () => said('Taken.'), {
    inputSchema: { ...dialect, type: 'object' },
  }),
  fixture(
    'test_header_argument',
    'Wants its argument repeated in a header',
    () => said('Both said the same.'),
    {
      inputSchema: {
        type: 'object',
        properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
      },
    },
  ),
  fixture('test_tool_with_logging', 'Logs three times', logThrice, { slow: true }),
  fixture('test_logging_tool', 'Logs three times', logThrice, { slow: true }),
  fixture('test_tool_with_progress', 'Tells its progress', tellProgress, { slow: true }),
  fixture(
    'test_reconnection',
    'Closes its stream before it answers',
    async ({ context }) => {
      context.http?.closeSSE?.();
      await pause(2 * STEP_MS);
      return said('The answer came after the stream had been closed.');
    },
    { slow: true },
  ),
];

async function logThrice({ context: { mcpReq } }: ToolCall): Promise<ReturnType<typeof said>> {
  await mcpReq.log('info', 'Tool execution started');
  await pause(STEP_MS);
  await mcpReq.log('info', 'Tool processing data');
  await pause(STEP_MS);
  await mcpReq.log('info', 'Tool execution completed');
  return said('Logged three times.');
}

async function tellProgress({ context: { mcpReq } }: ToolCall): Promise<ReturnType<typeof said>> {
  const { _meta: meta } = mcpReq;
  const progressToken = meta?.progressToken;
  for (const progress of [0, 50, 100]) {
    if (progressToken !== undefined) {
      const params = { progressToken, progress, total: 100 };
      await mcpReq.notify({ method: 'notifications/progress', params });
    }
    await pause(STEP_MS);
  }
  return said('Done.');
}
