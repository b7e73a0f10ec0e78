import type {
  CallToolResult,
  ContentBlock,
  InputRequiredResult,
  Tool as ToolDefinition,
} from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Config, ProviderId } from '../config.js';
import { MeshwrightError, messageOf } from '../errors.js';
import { isRecord, type Json, type JsonObject, toJson } from '../json.js';
import { type JobView, type Locate, viewJob } from '../jobs/view.js';
import { formatBytes } from '../jobs/words.js';
import { parseArguments } from '../jobs/arguments.js';
import type { Ask } from '../jobs/consent.js';
import type { Jobs } from '../jobs/service.js';
import { jobIdIn } from '../jobs/uris.js';
import { type Log, redact } from '../log.js';
import type { Asset, Job } from '../store/types.js';

/** What a tool is, and the one way from its answer or error to a protocol result. */

export type ToolGroup = 'models' | 'jobs' | 'assets';

/** One word from which the annotations follow. */
export type Effect = 'reads' | 'writes' | 'destroys' | 'generates';

export interface ToolContext {
  principal: string;
  config: Config;
  jobs: Jobs;
  log: Log;
  locate: Locate;
  /** Fires when the client gives up; see `cancelledByUser`. */
  signal: AbortSignal;
  /** Asks the one who pays; absent where nobody can be asked. */
  ask?: Ask | undefined;
  /** Tells the client how far the job is, when it asked to be told. */
  progress: (job: Job) => void;
  /** Makes a link; absent for callers on this machine. */
  uploadLink?: (() => UploadLink) | undefined;
  /** The id under which the log knows the request. */
  request?: string | undefined;
  /** The caller follows the job as a task: nothing is waited for. */
  background?: boolean;
}

/** A link by which a file can be sent, once. */
export interface UploadLink {
  url: string;
  /** The asset that the file will be. */
  assetId: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

export interface Picture {
  data: Uint8Array;
  mimeType: string;
}

export interface ToolAnswer {
  structured?: JsonObject;
  /** Files that the answer speaks of. */
  assets?: readonly Asset[];
  /** A picture is the whole answer: some large clients show the model only one of picture and structured content. */
  picture?: Picture;
  /** What was asked for did not happen. */
  isError?: boolean;
}

export interface Tool {
  name: string;
  title: string;
  group: ToolGroup;
  effect: Effect;
  description: string;
  input: z.ZodObject;
  /** Absent where the answer is a picture. */
  output?: z.ZodObject;
  /** Only for callers who are not on this machine. */
  remoteOnly?: true;
  /** The providers of a model's tool, in the order of its routes; it is shown when one of them has a key. */
  providers?: readonly ProviderId[];
  run: (args: unknown, context: ToolContext) => Promise<ToolAnswer>;
}

export const jobId = z.string().min(1).overwrite(jobIdIn).describe('Id or URI of a job');
export const assetId = z.string().min(1).describe('Id or URI of an asset');

/** Ties a schema to the function that takes its arguments. */
export function defineTool<Schema extends z.ZodObject>(
  tool: Omit<Tool, 'input' | 'run'> & {
    input: Schema;
    run: (args: z.infer<Schema>, context: ToolContext) => Promise<ToolAnswer>;
  },
): Tool {
  return {
    ...tool,
    run: (args, context) => tool.run(parseArguments(tool.input, args, tool.name), context),
  };
}

/** What `tools/list` says of a tool; computed when the project is built. */
export function definitionOf(tool: Tool): ToolDefinition {
  const reads = tool.effect === 'reads';
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: objectSchema(tool.input, 'input'),
    ...(tool.output ? { outputSchema: objectSchema(tool.output, 'output') } : {}),
    annotations: {
      title: tool.title,
      readOnlyHint: reads,
      // What replaces a file of the user destroys too.
      destructiveHint: tool.effect === 'destroys' || tool.effect === 'writes',
      idempotentHint: tool.effect !== 'generates',
      openWorldHint: tool.providers?.some((id) => id !== 'local') ?? false,
    },
  };
}

function objectSchema(schema: z.ZodObject, io: 'input' | 'output'): ToolDefinition['inputSchema'] {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io });
  const plain = toJson(json);
  if (!isRecord(plain) || plain['type'] !== 'object') throw new Error('a tool takes and answers objects');
  return { ...plain, type: 'object' };
}

/**
 * Ends a call whose answer is a question: the client puts it to its user and calls again, with the answer. Nothing
 * was begun.
 */
export class AskFirst extends Error {
  override readonly name = 'AskFirst';
  readonly question: InputRequiredResult;

  constructor(question: InputRequiredResult) {
    super('the call is answered by a question');
    this.question = question;
  }
}

/**
 * Runs a tool. A `MeshwrightError` is shown as it is; anything else is a defect: its text goes to the log, and
 * the caller gets an id to quote.
 */
export async function callTool(
  tool: Tool,
  args: unknown,
  context: ToolContext,
): Promise<CallToolResult | InputRequiredResult> {
  try {
    return resultOf(await tool.run(args, context), context.locate);
  } catch (error) {
    if (error instanceof AskFirst) return error.question;
    return errorResult(error, tool.name, context.log);
  }
}

function resultOf(answer: ToolAnswer, locate: Locate): CallToolResult {
  if (answer.picture) {
    const { data, mimeType } = answer.picture;
    return { content: [{ type: 'image', data: Buffer.from(data).toString('base64'), mimeType }] };
  }
  const structured = answer.structured ?? {};
  return {
    content: [
      { type: 'text', text: JSON.stringify(structured) },
      ...(answer.assets ?? []).map((asset) => resourceLink(asset, locate)),
    ],
    structuredContent: structured,
    ...(answer.isError ? { isError: true } : {}),
  };
}

function resourceLink(asset: Asset, locate: Locate): ContentBlock {
  const { url } = locate(asset);
  return {
    type: 'resource_link',
    uri: `meshwright://assets/${asset.id}`,
    name: asset.name,
    mimeType: asset.mimeType,
    size: asset.sizeBytes,
    description: `${asset.role}, ${asset.format.toUpperCase()}, ${formatBytes(asset.sizeBytes)}${url ? `, ${url}` : ''}`,
    annotations: { audience: ['user'], priority: asset.role === 'model' ? 1 : 0.5 },
  };
}

/** Our own messages are shown; a defect becomes an id. */
export function errorResult(error: unknown, tool: string, log: Log): CallToolResult {
  if (error instanceof MeshwrightError) {
    const { code, field, retryable, charged } = error;
    const shown: { [key: string]: Json } = { code, message: redact(error.message), retryable, charged };
    if (field !== undefined) shown['field'] = field;
    log.info('a tool call was refused', { tool, code, error: error.message });
    return textError(shown, nextAfter(error, tool));
  }
  const id = randomUUID().slice(0, 8);
  log.error('a tool call failed', {
    tool,
    id,
    error: messageOf(error),
    stack: error instanceof Error ? (error.stack ?? null) : null,
  });
  return textError(
    {
      code: 'internal',
      message: `Something in meshwright broke (${id}); its log has the details.`,
      retryable: true,
      charged: 'unknown',
    },
    'Call list_jobs to see whether a job was started before you call again.',
  );
}

function nextAfter({ code, retryable }: MeshwrightError, tool: string): string {
  if (code === 'declined') return `Do not call ${tool} again unless the user asks for it.`;
  if (code === 'over_budget') return 'Tell the user, or choose a cheaper model with list_models.';
  return retryable ? `Call ${tool} again later.` : `Mend what the message names, then call ${tool} again.`;
}

function textError(error: JsonObject, next: string): CallToolResult {
  return { isError: true, content: [{ type: 'text', text: JSON.stringify({ error, next }) }] };
}

/** The answer about a job, with its assets. */
export async function jobAnswer(
  job: Job,
  context: Pick<ToolContext, 'jobs' | 'locate'>,
  options: { deduplicated?: boolean; failureIsError?: boolean } = {},
): Promise<ToolAnswer> {
  const assets = await context.jobs.assets.ofJob(job.id);
  const view: JobView = viewJob(job, assets, {
    locate: context.locate,
    deduplicated: options.deduplicated,
    stalled: context.jobs.stalled(job),
  });
  const bad = view.status === 'failed' || view.status === 'unconfirmed';
  return {
    structured: jsonObject(view),
    assets,
    isError: (options.failureIsError ?? false) && bad,
  };
}

/** What the tool of a job that has ended answers, for those who follow it as a task. */
export async function jobResult(job: Job, jobs: Jobs, locate: Locate): Promise<CallToolResult> {
  return resultOf(await jobAnswer(job, { jobs, locate }, { failureIsError: true }), locate);
}

/** A typed value as the JSON object that it is. */
export function jsonObject(value: object): JsonObject {
  const json = toJson(value);
  if (json === null || typeof json !== 'object' || Array.isArray(json)) throw new Error('expected an object');
  return json;
}

/**
 * Whether the person or agent behind a call said stop. A time-out of the client and a closed connection end the
 * waiting, not the job: the official clients send a cancellation at every time-out.
 */
export function cancelledByUser(signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  const reason: unknown = signal.reason;
  if (typeof reason === 'string') return !/time[sd]?[\s-]*out/i.test(reason);
  return reason instanceof DOMException && reason.name === 'AbortError';
}
