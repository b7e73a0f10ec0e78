import { z } from 'zod';
import { commonActionSchema } from '../common/actions.js';
import { fixtureKinds } from '../common/fixtures/named.js';
import { settingsSchema } from './settings.js';

const duration = z.union([z.number().min(0), z.literal('never')]);
const { statusStyle, mediaUrl, times } = settingsSchema.shape;

/** How one job behaves; what is left out is usual. */
export const jobPlanSchema = z.strictObject({
  queueMs: duration.optional(),
  runMs: duration.optional(),
  /** What is reported instead of the true state until the job is done: unknown words, steps backwards. */
  timeline: z.array(z.strictObject({ afterMs: z.number().min(0), status: z.string() })).optional(),
  /** Fields that are missing from the submit reply and from statuses. */
  omit: z.array(z.string()).optional(),
  /** FAILED with the model's words, ERROR with the queue's, or as told. */
  failure: z
    .union([
      z.enum(['failed', 'error']),
      z.strictObject({
        status: z.enum(['FAILED', 'ERROR']),
        error: z.json(),
        billed: z.boolean().optional(),
      }),
    ])
    .optional(),
  /** Part of the run after which it fails, 0 to 1. */
  failAt: z.number().min(0).max(1).optional(),
  /** The word for success: `succeeded`, `ready`, `done`. */
  doneWord: z.string().optional(),
  /** What the file holds, whatever its name says. */
  content: z.enum(fixtureKinds).optional(),
  /** Total size of the GLB, bytes. */
  modelBytes: z.number().int().positive().optional(),
  mediaType: z.string().optional(),
  /** Put in front of the model's URL in `media_url`: hostile or dead addresses. */
  extraUrls: z.array(z.string()).optional(),
  /** The file is gone so long after completion, milliseconds; retention is not documented. */
  fileLifeMs: z.number().min(0).optional(),
  /** Laid over the status body. */
  body: z.record(z.string(), z.json()).optional(),
  pollingUrl: z.string().optional(),
  unknownMs: z.number().min(0).optional(),
  statusStyle: statusStyle.removeDefault().optional(),
  mediaUrl: mediaUrl.removeDefault().optional(),
  times: times.removeDefault().optional(),
});
export type JobPlan = z.output<typeof jobPlanSchema>;

export const jobActionSchema = z.strictObject({ type: z.literal('job'), ...jobPlanSchema.shape });

/** A documented refusal, in the documents' words. */
export const refusalActionSchema = z.strictObject({
  type: z.literal('refusal'),
  kind: z.enum(['no-balance', 'model-disabled', 'bad-request', 'forbidden', 'internal']),
});

/** How the webhook of one job is delivered; a fault on `submit`. */
export const webhookActionSchema = z.strictObject({
  type: z.literal('webhook'),
  /** Deliveries of the same terminal body. */
  copies: z.number().int().positive().default(1),
  /** Late: after completion, milliseconds. */
  delayMs: z.number().min(0).default(0),
  /** `invalid`: cut JSON. */
  body: z.enum(['valid', 'invalid']).default('valid'),
  /** Somebody else tells that the job is COMPLETED, so long after it was accepted. */
  forgedAfterMs: z.number().min(0).optional(),
});
export type WebhookPlan = Omit<z.output<typeof webhookActionSchema>, 'type'>;

export const pixazoActionSchema = z.union([
  commonActionSchema,
  jobActionSchema,
  refusalActionSchema,
  webhookActionSchema,
]);
export type PixazoAction = z.input<typeof pixazoActionSchema>;
export type ParsedPixazoAction = z.output<typeof pixazoActionSchema>;
