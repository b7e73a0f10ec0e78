import type { Json, JsonObject } from '../common/json.js';
import { without } from '../common/json.js';
import type { LedgerEntry } from '../common/ledger.js';
import type { Run } from '../common/runs.js';
import { toldStatus } from '../common/runs.js';
import type { JobPlan, WebhookPlan } from './plan.js';
import type { Settings } from './settings.js';

export interface Job extends Run {
  /** Defaults filled in. */
  input: JsonObject;
  plan: JobPlan;
  webhook: { url: string; mode: 'terminal' | 'sync'; plan: WebhookPlan } | undefined;
  ledger: LedgerEntry;
  /** How it will end, known from the start. */
  failure: { status: 'FAILED' | 'ERROR'; error: Json; billed: boolean } | undefined;
  /** URL of the model, once there is one. */
  modelUrl?: string;
}

/** The state in the documents' words, or what the plan's timeline says until the job is done. */
export function stateOf(job: Job, now: number): string {
  const told = toldStatus(job, job.plan.timeline, now);
  if (told !== undefined) return told;
  if (job.state === 'waiting') return 'QUEUED';
  if (job.state === 'running') return 'PROCESSING';
  return job.failure?.status ?? 'COMPLETED';
}

/** The reply of the status route, which is also what a webhook brings. */
export function statusBody(job: Job, now: number, settings: Settings, to: 'poll' | 'webhook'): JsonObject {
  const { plan } = job;
  const style = plan.statusStyle ?? settings.statusStyle;
  const state = stateOf(job, now);
  const word = job.state === 'done' && !job.failure && plan.doneWord !== undefined ? plan.doneWord : state;
  const status = style === 'documented' ? word : word.toLowerCase();
  const failed = job.state === 'done' && job.failure !== undefined;
  const hideTimes = failed && to === 'poll' && !settings.failureTimes;
  const error = failed ? (job.failure?.error ?? null) : null;
  const urls = outputUrls(job);
  const body: JsonObject =
    style === 'skills'
      ? {
          task_id: job.id,
          status,
          ...(failed ? { error } : {}),
          ...(urls ? { output_url: urls.at(-1) ?? null } : {}),
        }
      : {
          request_id: job.id,
          status,
          model_id: 'pixal3d',
          error,
          output: urls && {
            media_url: mediaUrl(plan.mediaUrl ?? settings.mediaUrl, urls),
            media_type: plan.mediaType ?? 'model/glb',
          },
          ...(hideTimes ? {} : timesOf(job, plan.times ?? settings.times)),
        };
  return without({ ...body, ...plan.body }, plan.omit);
}

function outputUrls({ modelUrl, plan }: Job): string[] | null {
  return modelUrl === undefined ? null : [...(plan.extraUrls ?? []), modelUrl];
}

function mediaUrl(kind: Settings['mediaUrl'], urls: string[]): Json {
  switch (kind) {
    case 'array':
      return urls;
    case 'string':
      return urls.at(-1) ?? null;
    case 'empty-array':
      return [];
    default:
      return null;
  }
}

function timesOf(job: Job, style: Settings['times']): JsonObject {
  if (style === 'missing') return {};
  const later = style === 'iso' ? iso : plain;
  return {
    created_at: (style === 'plain' ? plain : iso)(job.createdAt),
    updated_at: later(job.doneAt ?? job.startedAt ?? job.createdAt),
    completed_at: job.doneAt === undefined ? null : later(job.doneAt),
  };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

/** `2026-05-22 13:19:23`, UTC without saying so. */
function plain(time: number): string {
  return iso(time).slice(0, 19).replace('T', ' ');
}
