import type { GetPromptResult, Prompt, Server as McpServer } from '@modelcontextprotocol/server';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';

/** What a person can start from the menu of a client; most show it as a slash command. */

interface PromptEntry {
  definition: Prompt;
  /** What the agent is asked to do. */
  text: (given: (name: string) => string | undefined) => string;
}

const MAX_ARGUMENT_CHARACTERS = 4_000;

const PROMPTS: readonly PromptEntry[] = [
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
    text: (given) => {
      const purpose = given('purpose');
      const budget = given('max_usd');
      const target = given('save_to');
      return [
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
    },
  },
];

export function servePrompts(server: McpServer): void {
  const list = { prompts: PROMPTS.map(({ definition }) => definition) };
  server.setRequestHandler('prompts/list', () => list);
  server.setRequestHandler('prompts/get', ({ params }) => promptResult(params.name, params.arguments ?? {}));
}

/** @throws ProtocolError for an unknown prompt or arguments that it does not take */
function promptResult(name: string, args: Record<string, string>): GetPromptResult {
  const entry = PROMPTS.find(({ definition }) => definition.name === name);
  if (!entry) {
    throw invalid(
      `There is no prompt ${name.slice(0, 80)}; there is ${PROMPTS.map(({ definition }) => definition.name).join(', ')}.`,
    );
  }
  const known = entry.definition.arguments ?? [];
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
  const given = (argument: string): string | undefined => args[argument]?.trim() || undefined;
  const missing = known.find((one) => one.required && given(one.name) === undefined);
  if (missing) throw invalid(`${name} needs ${missing.name}: ${missing.description ?? ''}.`);
  return {
    description: entry.definition.description,
    messages: [{ role: 'user', content: { type: 'text', text: entry.text(given) } }],
  };
}

function invalid(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
