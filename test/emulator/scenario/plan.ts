import { z } from 'zod';
import { commonActionSchema } from '../common/actions.js';
import { fixtureKinds } from '../common/fixtures/named.js';
import { settingsSchema } from './settings.js';

const duration = z.union([z.number().min(0), z.literal('never')]);

/** How one job behaves; what is left out is usual. */
export const jobPlanSchema = z.strictObject({
  queueMs: duration.optional(),
  runMs: duration.optional(),
  /** What is reported instead of the true state until the job is done: `processing`, unknown words, steps backwards. */
  timeline: z.array(z.strictObject({ afterMs: z.number().min(0), status: z.string() })).optional(),
  /** The progress that is reported until the job is done, 0 to 1: it may jump, also backwards. */
  progress: z.array(z.strictObject({ afterMs: z.number().min(0), value: z.number() })).optional(),
  /** Fields that are missing from the job, at its top level. */
  omit: z.array(z.string()).optional(),
  /** `text` and `object` are the two shapes of `metadata.error`. */
  failure: z
    .union([
      z.enum(['text', 'object']),
      z.strictObject({
        error: z.json().optional(),
        /** `failed` is a word to tolerate. */
        status: z.enum(['failure', 'failed', 'canceled']).optional(),
        refunded: z.boolean().optional(),
      }),
    ])
    .optional(),
  /** Part of the run after which it fails, 0 to 1. */
  failAt: z.number().min(0).max(1).optional(),
  /** What a success brings: several assets must be told apart by type, not by place. */
  outputs: z.enum(['model', 'none', 'preview-first', 'preview-last', 'preview-only']).optional(),
  /** What the model's file holds, whatever its type says. */
  content: z.enum(fixtureKinds).optional(),
  /** Total size of the GLB, bytes. */
  modelBytes: z.number().int().positive().optional(),
  mimeType: z.string().optional(),
  /** Laid over the job in every reply. */
  body: z.record(z.string(), z.json()).optional(),
  /** Creative units instead of those of the price rule. */
  units: z.number().min(0).optional(),
  cancelReply: settingsSchema.shape.cancelReply.removeDefault().optional(),
  /** Time from a cancellation to its effect, milliseconds. */
  cancelMs: z.number().min(0).optional(),
});
export type JobPlan = z.output<typeof jobPlanSchema>;

export const jobActionSchema = z.strictObject({ type: z.literal('job'), ...jobPlanSchema.shape });

/** A documented refusal, in the documents' words. */
export const refusalActionSchema = z.strictObject({
  type: z.literal('refusal'),
  kind: z.enum(['plan', 'no-units', 'limit', 'bad-input', 'project', 'forbidden']),
});
export type RefusalKind = z.output<typeof refusalActionSchema>['kind'];

/** How an upload goes on; a fault on `upload-create`. */
export const uploadActionSchema = z.strictObject({
  type: z.literal('upload'),
  validateMs: duration.optional(),
  /** Where it fails. */
  failure: z.enum(['validation', 'import']).optional(),
  partUrlLifeMs: z.number().min(0).optional(),
});
export type UploadPlan = Omit<z.output<typeof uploadActionSchema>, 'type'>;

/** How the read of an asset comes out; a fault on `asset`. */
export const assetActionSchema = z.strictObject({
  type: z.literal('asset'),
  /** Life of the URL that this read hands out; 0: it is dead already. */
  urlLifeMs: z.number().min(0).optional(),
  /** Laid over the asset. */
  body: z.record(z.string(), z.json()).optional(),
  omit: z.array(z.string()).optional(),
});

export const scenarioActionSchema = z.union([
  commonActionSchema,
  jobActionSchema,
  refusalActionSchema,
  uploadActionSchema,
  assetActionSchema,
]);
export type ScenarioAction = z.input<typeof scenarioActionSchema>;
export type ParsedScenarioAction = z.output<typeof scenarioActionSchema>;
