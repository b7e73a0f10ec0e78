import * as z from 'zod';
import type { ErrorCode } from '../errors.js';
import { isRecord, type JsonObject, snakeObject } from '../json.js';
import { redact } from '../log.js';
import type { Asset, Job } from '../store/types.js';
import { consoleOf } from '../providers/consoles.js';
import { isFinal } from './transition.js';
import { assetUri } from './uris.js';

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

const DAMAGED = 'The file cannot be read as a GLB: it may be cut or damaged.';

function isDamaged({ format, inspection }: Asset): boolean {
  return format === 'glb' && !inspection;
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

/**
 * One line on where the job stands.
 *
 * @param assets its files; absent where nobody looked
 */
export function messageFor(job: Job, assets: readonly Asset[] | undefined, elapsedSeconds: number): string {
  const elapsed = `${Math.max(0, Math.round(elapsedSeconds * 10) / 10)} s`;
  switch (job.state) {
    case 'intent':
      return `Waiting to be sent (${elapsed}).${troubleNote(job, elapsedSeconds)}`;
    case 'submitting':
      return `Being sent to ${nameOf(job)} (${elapsed}).${troubleNote(job, elapsedSeconds)}`;
    case 'submitted': {
      const place = job.queuePosition === undefined ? '' : `, ${placeText(job.queuePosition)}`;
      const cancelling = job.cancelRequested ? cancelNote(job) : '';
      const what = job.running
        ? `${capital(job.stage)}, ${Math.round(job.progress * 100)} %${timeLeft(job, elapsedSeconds)}`
        : `Queued at ${nameOf(job)}${place}`;
      return `${what} (${elapsed}).${troubleNote(job, elapsedSeconds)}${cancelling}`;
    }
    case 'storing':
      return job.error
        ? job.error.message
        : `Done at ${nameOf(job)}; storing the files (${elapsed}).${troubleNote(job, elapsedSeconds)}`;
    case 'succeeded': {
      if (!assets) return `Done in ${elapsed}${routeNote(job)}.${cancelNote(job)}`;
      const model = assets.find(({ role }) => role === 'model');
      const triangles = model?.inspection?.['triangles'];
      const count = typeof triangles === 'number' ? `, ${triangles.toLocaleString('en-US')} triangles` : '';
      const damaged = model && isDamaged(model) ? ` ${DAMAGED} It is kept as it came.` : '';
      return model
        ? `Done in ${elapsed}${routeNote(job)}: ${model.name}${count}, ${formatBytes(model.sizeBytes)}.${damaged}${cancelNote(job)}`
        : `Done in ${elapsed}; its files were deleted.`;
    }
    case 'failed':
    case 'searching':
    case 'unconfirmed':
      return job.error?.message ?? 'It did not succeed.';
    case 'cancelled':
      return job.error?.message ?? 'Cancelled.';
  }
}

/** @param ahead how many jobs are before this one: what `queue_position` counts */
export function placeText(ahead: number): string {
  if (ahead === 0) return 'next in the queue';
  return `${ahead} ${ahead === 1 ? 'job' : 'jobs'} ahead in the queue`;
}

/** Why what is said of the job may be old. */
function troubleNote({ trouble, createdAt }: Job, elapsedSeconds: number): string {
  if (!trouble) return '';
  const lasts = Math.max(0, elapsedSeconds - (trouble.since - createdAt) / 1000);
  if (trouble.here) return ` For ${roughly(lasts)} nothing of it can be written down: ${redact(trouble.why)}`;
  return ` For ${roughly(lasts)} it could not be asked about: ${redact(trouble.why)}. It goes on there, and is asked about again.`;
}

/** Guessed from the jobs before; it only falls, and says so when a job takes longer. */
function timeLeft({ typicalSeconds, runningSince, createdAt }: Job, elapsedSeconds: number): string {
  if (typicalSeconds === undefined || runningSince === undefined) return '';
  const left = typicalSeconds - (elapsedSeconds - (runningSince - createdAt) / 1000);
  return left > 0 ? `, about ${roughly(left)} left` : `, longer than the usual ${roughly(typicalSeconds)}`;
}

function roughly(seconds: number): string {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

function nameOf(job: Job): string {
  return job.provider === 'local' ? 'the local generator' : job.provider;
}

/** Over which provider, where there was a choice or a refusal on the way. */
function routeNote(job: Job): string {
  return job.provider === 'local'
    ? ''
    : ` over ${job.provider} (${(job.routeReason ?? 'as asked').replace(/\.$/, '')})`;
}

function cancelNote(job: Job): string {
  if (!job.cancelRequested) return '';
  switch (job.cancelOutcome) {
    case 'finished':
      return ' It had finished before the cancellation came.';
    case 'unsupported':
      return ` ${job.provider} cannot cancel jobs: it runs on and is charged.`;
    case 'running':
      return ' The cancellation was asked for, but it runs on and is charged.';
    case 'failed':
      return ` ${job.cancelError ?? `${job.provider} did not take the cancellation; call cancel_job again.`}`;
    default:
      return isFinal(job) ? '' : ' Cancelling.';
  }
}

/** What the agent can do now, with the exact call. */
function nextFor(job: Job, assets: readonly Asset[], isRemote: boolean): string {
  const id = JSON.stringify({ job_id: job.id });
  switch (job.state) {
    case 'intent':
    case 'submitting':
    case 'submitted':
      return `It goes on by itself: call wait_for_job ${id} for the result; do not start it again.`;
    case 'searching':
      return `Call wait_for_job ${id}: it looks for the job and never pays again. Ask the user before buying it again.`;
    case 'storing':
      return `Call wait_for_job ${id}; it fetches the files again without paying again.`;
    case 'succeeded': {
      const model = assets.find(({ role }) => role === 'model');
      if (!model) return `Call ${job.tool} again with force_new: true to make it anew.`;
      const asset = JSON.stringify({ asset_id: model.id });
      if (isDamaged(model))
        return `Tell the user: the job ran, and its file is damaged. ${isRemote ? 'Its url' : `save_asset ${asset}`} keeps it; do not call ${job.tool} again without asking.`;
      if (model.format === 'glb')
        return `Look at it with view_asset ${asset}, or ${isRemote ? 'download it from its url' : 'put it where it is needed with save_asset'}.`;
      return isRemote ? 'Download it from its url.' : `Put it where it is needed with save_asset ${asset}.`;
    }
    case 'failed':
      return job.provider !== 'local' && job.error?.charged !== 'no'
        ? `Tell the user: it was paid for, or may have been. Look at ${consoleOf(job.provider) ?? job.provider}, and do not call ${job.tool} again without asking.`
        : failedNext(job.tool, job.error?.code, job.error?.retryable ?? false);
    case 'cancelled':
      return `Call ${job.tool} again to start it anew.`;
    case 'unconfirmed':
      return `Ask the user before buying it again: look for it at ${consoleOf(job.provider) ?? job.provider}; then call ${job.tool} with force_new: true.`;
  }
}

function failedNext(tool: string, code: ErrorCode | undefined, retryable: boolean): string {
  if (code === 'invalid_image' || code === 'generation_failed')
    return `Call ${tool} again with another image.`;
  return retryable ? `Call ${tool} again later.` : `Change what the message names, then call ${tool} again.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

type Compact<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The object without the keys whose value is `undefined`. */
export function compact<T extends object>(object: T): Compact<T>;
export function compact(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
