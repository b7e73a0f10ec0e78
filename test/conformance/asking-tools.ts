import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type ElicitRequestFormParams,
  inputRequired,
  type InputRequests,
  inputResponse,
  type InputRequiredResult,
} from '@modelcontextprotocol/server';
import { isRecord } from '../../src/json.js';
import type { ToolCall } from '../../src/server/registry.js';
import { fixture, type FixtureTool, said, textOf } from './tool.js';

/** What asks the client: by a request in the middle of the call until 2025-11-25, by its answer since 2026-07-28. */

type Schema = ElicitRequestFormParams['requestedSchema'];

const object = (properties: Schema['properties'], required?: string[]): Schema => ({
  type: 'object',
  properties,
  ...(required ? { required } : {}),
});
const text = { type: 'string' } as const;

const NAME = inputRequired.elicit({
  message: 'What is your name?',
  requestedSchema: object({ name: text }, ['name']),
});
const CONFIRM = inputRequired.elicit({
  message: 'Please confirm',
  requestedSchema: object({ ok: { type: 'boolean' } }, ['ok']),
});
const COLOUR = inputRequired.elicit({
  message: 'Step 2: What is your favorite color?',
  requestedSchema: object({ color: text }, ['color']),
});
const ROOTS = inputRequired.listRoots();
const sampling = (question: string, maxTokens = 100): InputRequests[string] =>
  inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text: question } }],
    maxTokens,
  });

/** The question, with a seal that names what it is about. */
async function sealed(
  call: ToolCall,
  about: string,
  inputRequests: InputRequests,
): Promise<InputRequiredResult> {
  const requestState = await call.states.mint({ about, jobId: 'none', at: Date.now() }, call.context);
  return inputRequired({ inputRequests, requestState });
}

/** What the question was about that came back with its answer. */
function aboutOf({ context }: ToolCall): unknown {
  const state: unknown = context.mcpReq.requestState();
  return isRecord(state) ? state['about'] : undefined;
}

const DEFAULTS = object({
  name: { ...text, default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { ...text, enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
});

const OPTIONS = ['option1', 'option2', 'option3'];
const titled = (noun: string): { const: string; title: string }[] =>
  ['First', 'Second', 'Third'].map((word, index) => ({
    const: `value${index + 1}`,
    title: `${word} ${noun}`,
  }));
const ENUMS = object({
  untitledSingle: { ...text, enum: OPTIONS },
  titledSingle: { ...text, oneOf: titled('Option') },
  legacyEnum: {
    ...text,
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { ...text, enum: OPTIONS } },
  titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
});

async function elicit({ context }: ToolCall, message: string, requestedSchema: Schema): Promise<string> {
  const { action, content } = await context.mcpReq.elicitInput({ message, requestedSchema });
  return `action=${action}, content=${JSON.stringify(content ?? {})}`;
}

const takes = (argument: string): { inputSchema: FixtureTool['definition']['inputSchema'] } => ({
  inputSchema: { type: 'object', properties: { [argument]: { type: 'string' } }, required: [argument] },
});

export const askingTools: readonly FixtureTool[] = [
  fixture(
    'test_sampling',
    'Asks the model of the client',
    async (call) => {
      const prompt = { type: 'text', text: textOf(call, 'prompt') } as const;
      const { content } = await call.context.mcpReq.requestSampling({
        messages: [{ role: 'user', content: prompt }],
        maxTokens: 100,
      });
      return said(`LLM response: ${JSON.stringify(content)}`);
    },
    { slow: true, ...takes('prompt') },
  ),
  fixture(
    'test_elicitation',
    'Asks the user',
    async (call) => {
      const schema = object(
        {
          username: { ...text, description: "User's response" },
          email: { ...text, description: "User's email address" },
        },
        ['username', 'email'],
      );
      return said(`User response: ${await elicit(call, textOf(call, 'message'), schema)}`);
    },
    { slow: true, ...takes('message') },
  ),
  fixture(
    'test_elicitation_sep1034_defaults',
    'Asks the user, with defaults',
    async (call) => said(`Elicitation completed: ${await elicit(call, 'Please check the values', DEFAULTS)}`),
    { slow: true },
  ),
  fixture(
    'test_elicitation_sep1330_enums',
    'Asks the user to choose',
    async (call) => said(`Elicitation completed: ${await elicit(call, 'Please choose', ENUMS)}`),
    { slow: true },
  ),
  fixture('test_missing_capability', 'Cannot do without sampling', () =>
    inputRequired({ inputRequests: { answer: sampling('Is anybody there?') } }),
  ),
  fixture(
    'test_streaming_elicitation',
    'Asks the user on its stream',
    () => inputRequired({ inputRequests: { user_name: NAME } }),
    { slow: true },
  ),
  fixture('test_input_required_result_elicitation', 'Asks for a name', ({ context }) => {
    const name = acceptedContent(context.mcpReq.inputResponses, 'user_name')?.['name'];
    return typeof name === 'string'
      ? said(`Hello, ${name}!`)
      : inputRequired({ inputRequests: { user_name: NAME } });
  }),
  fixture('test_input_required_result_sampling', 'Asks the model of the client', ({ context }) => {
    const answer = inputResponse(context.mcpReq.inputResponses, 'capital_question');
    return answer.kind === 'sampling'
      ? said(JSON.stringify(answer.result.content))
      : inputRequired({ inputRequests: { capital_question: sampling('What is the capital of France?') } });
  }),
  fixture('test_input_required_result_list_roots', 'Asks for the roots', ({ context }) => {
    const answer = inputResponse(context.mcpReq.inputResponses, 'client_roots');
    return answer.kind === 'roots'
      ? said(`Roots: ${answer.roots.map(({ uri }) => uri).join(', ')}`)
      : inputRequired({ inputRequests: { client_roots: ROOTS } });
  }),
  fixture('test_input_required_result_request_state', 'Asks with a seal', (call) =>
    aboutOf(call) === 'confirm' ? said('state-ok') : sealed(call, 'confirm', { confirm: CONFIRM }),
  ),
  fixture('test_input_required_result_tampered_state', 'Asks with a seal', (call) =>
    aboutOf(call) === 'confirm' ? said('state-ok') : sealed(call, 'confirm', { confirm: CONFIRM }),
  ),
  fixture('test_input_required_result_multiple_inputs', 'Asks for several things at once', (call) => {
    const questions = { user_name: NAME, greeting: sampling('Generate a greeting', 50), client_roots: ROOTS };
    const given = call.context.mcpReq.inputResponses ?? {};
    const isWhole = Object.keys(questions).every((key) => key in given);
    return isWhole && aboutOf(call) === 'all' ? said('All of it was given.') : sealed(call, 'all', questions);
  }),
  fixture('test_input_required_result_multi_round', 'Asks twice', (call) => {
    const about = aboutOf(call);
    if (about === 'step 2') return said('Both steps were answered.');
    return about === 'step 1'
      ? sealed(call, 'step 2', { step2: COLOUR })
      : sealed(call, 'step 1', { step1: NAME });
  }),
  fixture('test_input_required_result_capabilities', 'Asks only what the client can', ({ context }) => {
    const { envelope } = context.mcpReq;
    const can: unknown = isRecord(envelope) ? envelope[CLIENT_CAPABILITIES_META_KEY] : undefined;
    const inputRequests: InputRequests = {};
    if (isRecord(can) && 'sampling' in can)
      inputRequests['question'] = sampling('What is the capital of France?');
    if (isRecord(can) && 'elicitation' in can) inputRequests['user_name'] = NAME;
    return inputRequired({ inputRequests });
  }),
];
