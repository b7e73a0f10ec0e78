import * as z from 'zod';
import { KEY_NAMES } from '../config.js';
import { MeshwrightError } from '../errors.js';
import type { Ask } from '../jobs/consent.js';
import { imageFields, type Model } from '../jobs/model.js';
import { jobSchema, statusOf } from '../jobs/view.js';
import { isFinal } from '../jobs/transition.js';
import { parseArguments } from '../jobs/arguments.js';
import { isRecord } from '../json.js';
import { UPLOAD_HOURS } from '../providers/fal/upload-life.js';
import type { Job } from '../store/types.js';
import {
  cancelledByUser,
  jobAnswer,
  jsonObject,
  type Tool,
  type ToolAnswer,
  type ToolContext,
} from './tool.js';

/** Arguments that every model tool takes beside its model's own. */
export const COMMON_ARGUMENTS = {
  wait_seconds: z.number().min(0).max(600).describe('How long to wait for the result').optional(),
  force_new: z.boolean().default(false).describe('Make it anew although the same call has a job'),
};

/** The tool of a model: everything in it derives from the model's declaration. */
export function modelTool(model: Model): Tool {
  const providers = model.routes.map(({ provider }) => provider);
  const input = z.strictObject({ ...model.input.shape, ...COMMON_ARGUMENTS });
  const withProvider = z.strictObject({
    ...input.shape,
    provider: z.enum(['auto', ...providers]).default('auto'),
  });
  return {
    name: model.tool,
    title: model.title,
    group: 'models',
    effect: 'generates',
    description: `${model.description}${uploadNote(model)}`,
    input,
    output: jobSchema,
    providers,
    run: async (args, context) => {
      const choices = providers.filter((id) => context.jobs.providers(context.principal).has(id));
      if (choices.length === 0) {
        throw new MeshwrightError(
          'invalid_arguments',
          `${model.tool} needs a key of ${providers.map((id) => `${id} (${KEY_NAMES[id]})`).join(' or ')}, in the environment.`,
        );
      }
      const parsed = parseArguments(choices.length > 1 ? withProvider : input, args, model.tool);
      const { wait_seconds: waitSeconds, force_new: forceNew, provider, ...rest } = jsonObject(parsed);
      const asking = timed(context.ask);
      const { job, deduplicated } = await context.jobs.generate({
        principal: context.principal,
        model,
        args: rest,
        given: new Set(isRecord(args) ? Object.keys(args) : []),
        provider: typeof provider === 'string' ? provider : 'auto',
        forceNew: forceNew === true,
        ask: asking.ask,
        signal: stopOf(context.signal),
        request: context.request,
      });
      const wanted = typeof waitSeconds === 'number' ? waitSeconds : context.config.waitSeconds;
      // The client's patience with the call began before the question did.
      const seconds = context.background ? 0 : Math.max(0, wanted - asking.seconds());
      return waitAndAnswer(job, seconds, context, deduplicated).catch((error: unknown) => {
        throw afterStart(error, job);
      });
    },
  };
}

/** Who can see an image that is sent: said before it is sent. */
function uploadNote(model: Model): string {
  const uploads = model.routes.some(({ provider }) => provider === 'fal') && imageFields(model).length > 0;
  return uploads
    ? ` An image that is not a public URL is uploaded; at fal anybody with the link can read it for ${UPLOAD_HOURS} h.`
    : '';
}

/** Waits as long as the caller wants to, and answers the job as it is then. */
export async function waitAndAnswer(
  job: Job,
  seconds: number,
  context: ToolContext,
  deduplicated = false,
): Promise<ToolAnswer> {
  const { jobs, principal, signal } = context;
  context.progress(job);
  const now = await jobs.wait(principal, job.id, { ms: seconds * 1000, signal, onUpdate: context.progress });
  const free = now.provider === 'local' || statusOf(now) === 'queued';
  if (cancelledByUser(signal) && free && !isFinal(now)) await jobs.cancel(principal, job.id, 0);
  return jobAnswer(now, context, { deduplicated, failureIsError: true });
}

/** The same, and how long the answers took. */
function timed(ask: Ask | undefined): { ask: Ask | undefined; seconds: () => number } {
  let ms = 0;
  const timedAsk: Ask | undefined =
    ask &&
    (async (question) => {
      const begun = performance.now();
      const answer = await ask(question);
      ms += performance.now() - begun;
      return answer;
    });
  return { ask: timedAsk, seconds: () => ms / 1000 };
}

/** Fires when the user says stop; a client that only gave up waiting still wants the job. */
function stopOf(signal: AbortSignal): AbortSignal {
  const stop = new AbortController();
  const look = (): void => {
    if (cancelledByUser(signal)) stop.abort();
  };
  look();
  signal.addEventListener('abort', look, { once: true });
  return stop.signal;
}

/** The job exists and goes on, so nobody may take the error for "nothing happened". */
function afterStart(error: unknown, { id, provider }: Job): MeshwrightError {
  const known = error instanceof MeshwrightError ? `: ${error.message}` : '.';
  return new MeshwrightError(
    error instanceof MeshwrightError ? error.code : 'internal',
    `Job ${id} was begun and goes on, but cannot be told of at present${known} Do not start it again; call get_job with this job_id.`,
    { retryable: true, charged: provider === 'local' ? 'no' : 'unknown', cause: error },
  );
}
