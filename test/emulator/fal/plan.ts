import { z } from 'zod';
import { commonActionSchema } from '../common/actions.js';
import { failureNames } from './failures.js';

const duration = z.union([z.number().min(0), z.literal('never')]);

/** How one job behaves; what is left out is usual. */
export const jobPlanSchema = z.strictObject({
  /** Wait for a runner, milliseconds. */
  queueMs: duration.optional(),
  runMs: duration.optional(),
  /** The place in the queue that is reported first (0: next); it falls as the wait goes by. */
  queuePosition: z.number().int().min(0).optional(),
  /** What is reported instead of the true state until the job is done: unknown words, steps backwards. */
  timeline: z.array(z.strictObject({ afterMs: z.number().min(0), status: z.string() })).optional(),
  /** Fields that are missing from the submit reply and from statuses. */
  omit: z.array(z.string()).optional(),
  /** `long`: 500 lines of 2,000 characters. */
  logs: z.union([z.enum(['null', 'long']), z.array(z.string())]).optional(),
  failure: z
    .union([
      z.enum(failureNames),
      z.strictObject({
        status: z.number().int(),
        json: z.json().optional(),
        text: z.string().optional(),
        headers: z.record(z.string(), z.string()).optional(),
        errorType: z.string().optional(),
        billed: z.boolean().optional(),
      }),
    ])
    .optional(),
  /** Part of the run after which it fails, 0 to 1. */
  failAt: z.number().min(0).max(1).optional(),
  seed: z.number().int().optional(),
  /** Billed units instead of those of the price rules. */
  units: z.number().min(0).optional(),
  /** Total size of each GLB, bytes. */
  modelBytes: z.number().int().positive().optional(),
  /**
   * How files are described: as in the documents, by `url` alone, with the placeholder type and name of the
   * documents' own examples, or with an empty `url`.
   */
  files: z.enum(['documented', 'url-only', 'placeholder', 'empty-url']).optional(),
  /** Laid over the output: `{model_mesh: null}`. */
  output: z.record(z.string(), z.json()).optional(),
  /** Fields that are missing from the output. */
  omitOutput: z.array(z.string()).optional(),
  /** Least size of the result's JSON, bytes. */
  resultBytes: z.number().int().positive().optional(),
  /** The app does not listen to cancellation: it runs on, completes and is charged. */
  ignoreCancel: z.boolean().optional(),
  /** Time from a cancellation to its effect, milliseconds. */
  cancelMs: z.number().min(0).optional(),
  /** Origin of the URLs in the submit reply: what a hostile or broken reply would hold. */
  urlOrigin: z.string().optional(),
});
export type JobPlan = z.output<typeof jobPlanSchema>;

export const jobActionSchema = z.strictObject({ type: z.literal('job'), ...jobPlanSchema.shape });

/** How the webhook of one job is delivered; a fault on `submit`. */
export const webhookActionSchema = z.strictObject({
  type: z.literal('webhook'),
  /** Deliveries of the same body. */
  copies: z.number().int().positive().default(1),
  /** Late: after completion, milliseconds. */
  delayMs: z.number().min(0).default(0),
  /** Sent before the submit reply leaves; the job is over at once. */
  early: z.boolean().default(false),
  signature: z
    .enum(['valid', 'wrong-key', 'altered-body', 'stale', 'future', 'missing-header', 'unsigned'])
    .default('valid'),
  /** `payload-error`: the result could not be serialised; `invalid`: cut JSON, signed all the same. */
  body: z.enum(['valid', 'payload-error', 'invalid']).default('valid'),
});
export type WebhookPlan = Omit<z.output<typeof webhookActionSchema>, 'type'>;

export const falActionSchema = z.union([commonActionSchema, jobActionSchema, webhookActionSchema]);
export type FalAction = z.input<typeof falActionSchema>;
export type ParsedFalAction = z.output<typeof falActionSchema>;
