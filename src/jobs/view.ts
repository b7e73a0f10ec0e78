import * as z from 'zod';
import { isRecord, type JsonObject, snakeObject } from '../json.js';
import { redact } from '../log.js';
import type { Asset, Job } from '../store/types.js';
import { isFinal } from './transition.js';
import { assetUri } from './uris.js';
import { DAMAGED, isDamaged, messageFor, nextFor } from './words.js';

/** How a job and its assets look from outside: the contract's result shape, for tools, resources and the terminal. */

const chargedSchema = z.enum(['no', 'yes', 'unknown']);

export const errorSchema = z.object({
  code: z.string(),
  message: z.string(),
  field: z.string().optional(),
  retryable: z.boolean(),
  charged: chargedSchema,
});

export const assetSchema = z.object({
  asset_id: z.string(),
  uri: z.string(),
  role: z.enum(['model', 'preview', 'texture', 'archive', 'other']),
  format: z.string(),
  mime_type: z.string(),
  size_bytes: z.int().min(0),
  sha256: z.string(),
  path: z.string().optional(),
  url: z.string().optional(),
  vertices: z.int().min(0).optional(),
  triangles: z.int().min(0).optional(),
  size_meters: z.array(z.number()).optional(),
  warnings: z.array(z.string()).optional(),
});

export const jobSchema = z.object({
  job_id: z.string(),
  status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled', 'unconfirmed']),
  tool: z.string(),
  provider: z.string(),
  model: z.string(),
  progress: z.number().min(0).max(1),
  /** How many jobs are before it. */
  queue_position: z.int().min(0).optional(),
  message: z.string(),
  created_at: z.string(),
  elapsed_seconds: z.number().min(0),
  seed: z.int().optional(),
  deduplicated: z.boolean().optional(),
  cost_usd: z.object({
    estimate: z.number().nullable(),
    billed: z.number().optional(),
    billed_units: z.number().optional(),
  }),
  assets: z.array(assetSchema),
  report: z.record(z.string(), z.unknown()).optional(),
  error: errorSchema.optional(),
  next: z.string(),
});

export type JobView = z.infer<typeof jobSchema>;
export type AssetView = z.infer<typeof assetSchema>;
export type JobStatus = JobView['status'];

/** How a file is reached from outside: a path on stdio, a signed link on HTTP. */
export type Locate = (asset: Asset) => { path?: string | undefined; url?: string | undefined };

export function statusOf(job: Job): JobStatus {
  switch (job.state) {
    case 'intent':
    case 'submitting':
      return 'queued';
    case 'submitted':
      return job.running ? 'running' : 'queued';
    case 'storing':
      return 'running';
    case 'searching':
      return 'unconfirmed';
    default:
      return job.state;
  }
}

export function viewAsset(asset: Asset, locate: Locate): AssetView {
  const { inspection } = asset;
  const { path, url } = locate(asset);
  const count = (name: string): number | undefined => {
    const value = inspection?.[name];
    return typeof value === 'number' ? value : undefined;
  };
  const size = inspection?.['size'];
  const warnings = inspection?.['warnings'];
  return compact({
    asset_id: asset.id,
    uri: assetUri(asset.id),
    role: asset.role,
    format: asset.format,
    mime_type: asset.mimeType,
    size_bytes: asset.sizeBytes,
    sha256: asset.sha256,
    path,
    url,
    vertices: count('vertices'),
    triangles: count('triangles'),
    size_meters: Array.isArray(size) ? size.filter((value) => typeof value === 'number') : undefined,
    warnings: isDamaged(asset)
      ? [DAMAGED]
      : Array.isArray(warnings)
        ? warnings.flatMap((item) =>
            isRecord(item) && typeof item['message'] === 'string' ? [item['message']] : [],
          )
        : undefined,
  });
}

export interface ViewOptions {
  locate: Locate;
  deduplicated?: boolean | undefined;
  /** Why the job does not move here, and what to do. */
  stalled?: string | undefined;
  /** Milliseconds since 1970. */
  now?: number;
}

export function viewJob(job: Job, assets: readonly Asset[], options: ViewOptions): JobView {
  const status = statusOf(job);
  const end = job.finishedAt ?? options.now ?? Date.now();
  const error = job.error;
  const views = assets.map((asset) => viewAsset(asset, options.locate));
  // Without a path the files are on another machine.
  const isRemote = views.some(({ url, path }) => url !== undefined && path === undefined);
  return compact({
    job_id: job.id,
    status,
    tool: job.tool,
    provider: job.provider,
    model: job.model,
    progress: Math.round(job.progress * 1000) / 1000,
    queue_position: status === 'queued' ? job.queuePosition : undefined,
    message: messageFor(job, assets, (end - job.createdAt) / 1000),
    created_at: new Date(job.createdAt).toISOString(),
    elapsed_seconds: Math.max(0, Math.round((end - job.createdAt) / 100) / 10),
    seed: job.seed,
    deduplicated: options.deduplicated ? true : undefined,
    cost_usd: compact({ estimate: job.estimateUsd, billed: job.billedUsd, billed_units: job.billedUnits }),
    assets: views,
    report: job.report && snakeObject(job.report),
    error: error && { ...error, message: redact(error.message) },
    next: (isFinal(job) ? undefined : options.stalled) ?? nextFor(job, assets, isRemote),
  });
}

type Compact<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The object without the keys whose value is `undefined`. */
export function compact<T extends object>(object: T): Compact<T>;
export function compact(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
