import type {
  InputRequiredResult,
  Prompt,
  PromptMessage,
  Server as McpServer,
  ServerContext,
} from '@modelcontextprotocol/server';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';

/** What a person can start from the menu of a client; most show it as a slash command. */

export interface PromptEntry {
  definition: Prompt;
  /** What the agent is told. */
  messages: (given: Given, context: ServerContext) => PromptMessage[] | InputRequiredResult;
}

/** What was given for an argument; nothing counts as not given. */
export type Given = (argument: string) => string | undefined;

const MAX_ARGUMENT_CHARACTERS = 4_000;

/** Ours. */
export const PROMPTS: readonly PromptEntry[] = [
  {
    definition: {
      name: 'make_3d_model',
      title: 'Make a 3D model',
      description: 'From one picture or several to a GLB that was looked at and saved.',
      arguments: [
        {
          name: 'image',
          description: 'Path or URL of a picture; several separated by commas',
          required: true,
        },
        { name: 'purpose', description: 'What the model is for, such as a game, a web page, a 3D print' },
        { name: 'max_usd', description: 'The most that it may cost, in dollars' },
        { name: 'save_to', description: 'File or folder where the GLB goes' },
      ],
    },
    messages: (given) => {
      const purpose = given('purpose');
      const budget = given('max_usd');
      const target = given('save_to');
      const text = [
        `Make a 3D model from ${given('image')}${purpose === undefined ? '' : ` for ${purpose}`}.`,
        '1. Call list_models and choose the model that fits the pictures and the purpose; tell me which one, why, and what it costs.',
        budget === undefined
          ? '2. Ask me before you start a model that costs money.'
          : `2. It may cost ${budget} dollars in all; ask me before you go beyond that.`,
        '3. Call its tool, then wait_for_job until the job has ended. Never start the same job twice.',
        '4. Look at the result with view_asset, compare it with the picture, and tell me honestly what is right and what is not. Read the warnings of inspect_asset.',
        target === undefined
          ? '5. Tell me where the file is, or ask me where to save it.'
          : `5. Save it to ${target} with save_asset.`,
      ].join('\n');
      return [{ role: 'user', content: { type: 'text', text } }];
    },
  },
];

export function servePrompts(server: McpServer, prompts: readonly PromptEntry[]): void {
  const list = { prompts: prompts.map(({ definition }) => definition) };
  server.setRequestHandler('prompts/list', () => list);
  server.setRequestHandler('prompts/get', ({ params }, context) => {
    const entry = prompts.find(({ definition }) => definition.name === params.name);
    if (!entry) {
      const names = list.prompts.map(({ name }) => name).join(', ');
      throw invalid(`There is no prompt ${params.name.slice(0, 80)}; there is ${names}.`);
    }
    const { description } = entry.definition;
    const messages = entry.messages(checked(entry.definition, params.arguments ?? {}), context);
    return Array.isArray(messages) ? { description, messages } : messages;
  });
}

/** @throws ProtocolError for arguments that the prompt does not take */
function checked({ name, arguments: known = [] }: Prompt, args: Record<string, string>): Given {
  for (const [argument, value] of Object.entries(args)) {
    if (!known.some((one) => one.name === argument)) {
      throw invalid(
        `${name} has no argument ${argument.slice(0, 80)}; it has ${known.map((one) => one.name).join(', ')}.`,
      );
    }
    if (value.length > MAX_ARGUMENT_CHARACTERS) {
      throw invalid(`${argument} is too long; give a path or a URL, not the picture itself.`);
    }
  }
  const given: Given = (argument) => args[argument]?.trim() || undefined;
  const missing = known.find((one) => one.required && given(one.name) === undefined);
  if (missing) throw invalid(`${name} needs ${missing.name}: ${missing.description ?? ''}.`);
  return given;
}

function invalid(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
