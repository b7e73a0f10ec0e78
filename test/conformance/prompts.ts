import { acceptedContent, inputRequired, type PromptMessage } from '@modelcontextprotocol/server';
import type { PromptEntry } from '../../src/server/prompts.js';
import { PNG } from './tool.js';

const user = (content: PromptMessage['content']): PromptMessage => ({ role: 'user', content });
const text = (words: string): PromptMessage => user({ type: 'text', text: words });

export const prompts: readonly PromptEntry[] = [
  {
    definition: { name: 'test_simple_prompt', description: 'A text' },
    messages: () => [text('This is a simple prompt for testing.')],
  },
  {
    definition: {
      name: 'test_prompt_with_arguments',
      description: 'A text with two arguments',
      arguments: [
        { name: 'arg1', description: 'First test argument', required: true },
        { name: 'arg2', description: 'Second test argument', required: true },
      ],
    },
    messages: (given) => [text(`Prompt with arguments: arg1='${given('arg1')}', arg2='${given('arg2')}'`)],
  },
  {
    definition: {
      name: 'test_prompt_with_embedded_resource',
      description: 'A resource and a text',
      arguments: [{ name: 'resourceUri', description: 'URI of the resource to embed', required: true }],
    },
    messages: (given) => [
      user({
        type: 'resource',
        resource: {
          uri: given('resourceUri') ?? '',
          mimeType: 'text/plain',
          text: 'Embedded resource content for testing.',
        },
      }),
      text('Please process the embedded resource above.'),
    ],
  },
  {
    definition: { name: 'test_prompt_with_image', description: 'A picture and a text' },
    messages: () => [
      user({ type: 'image', data: PNG, mimeType: 'image/png' }),
      text('Please analyze the image above.'),
    ],
  },
  {
    definition: { name: 'test_input_required_result_prompt', description: 'Asks before it answers' },
    messages: (_given, { mcpReq }) => {
      const context = acceptedContent(mcpReq.inputResponses, 'user_context')?.['context'];
      if (typeof context === 'string') return [text(`Use the context: ${context}`)];
      const user_context = inputRequired.elicit({
        message: 'What context should the prompt use?',
        requestedSchema: {
          type: 'object',
          properties: { context: { type: 'string' } },
          required: ['context'],
        },
      });
      return inputRequired({ inputRequests: { user_context } });
    },
  },
];
