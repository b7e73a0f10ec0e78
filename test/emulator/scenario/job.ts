import type { Json, JsonObject } from '../common/json.js';
import { without } from '../common/json.js';
import type { LedgerEntry } from '../common/ledger.js';
import type { Run } from '../common/runs.js';
import { toldStatus } from '../common/runs.js';
import type { JobPlan } from './plan.js';

export interface Job extends Run {
  modelId: string;
  /** As it was sent. */
  body: JsonObject;
  plan: JobPlan;
  ledger: LedgerEntry;
  /** Creative units that were charged at submission. */
  units: number;
  /** How it will end, known from the start unless it is canceled. */
  failure: { status: string; error: Json | undefined; refunded: boolean } | undefined;
  assetIds: string[];
  seed: number;
}

/** The six states on the way, in order, with the time at which each begins. */
function history(job: Job): { status: string; at: number }[] {
  const started = job.startedAt ?? job.createdAt + job.queueMs;
  // A run without end shows its stages as if it took two minutes, and never finalizes.
  const length = Number.isFinite(job.runMs) ? job.runMs : 120_000;
  const stages = [
    { status: 'pending', at: job.createdAt },
    { status: 'queued', at: job.createdAt + Math.min(1000, job.queueMs / 2) },
    { status: 'warming-up', at: started },
    { status: 'in-progress', at: started + length * 0.1 },
    { status: 'finalizing', at: started + (Number.isFinite(job.runMs) ? length * 0.95 : Infinity) },
  ].filter(({ at }) => Number.isFinite(at) && at < (job.doneAt ?? Infinity));
  const end = { status: job.failure?.status ?? 'success', at: job.doneAt ?? Infinity };
  return [...stages, ...(job.state === 'done' ? [end] : [])];
}

export function statusOf(job: Job, now: number): string {
  const told = toldStatus(job, job.plan.timeline, now);
  return told ?? history(job).findLast(({ at }) => at <= now)?.status ?? 'pending';
}

function progressOf(job: Job, now: number): number {
  if (job.state === 'done') return job.failure ? 0 : 1;
  const told = job.plan.progress?.findLast(({ afterMs }) => now >= job.createdAt + afterMs);
  if (told) return told.value;
  if (job.state === 'waiting') return 0;
  const length = Number.isFinite(job.runMs) ? job.runMs : 120_000;
  // In steps, as providers report it.
  return Math.min(0.95, Math.floor(((now - (job.startedAt ?? now)) / Math.max(1, length)) * 20) / 20);
}

/** The job as every route shows it. */
export function jobBody(job: Job, now: number): JsonObject {
  const failed = job.state === 'done' && job.failure !== undefined;
  const past = history(job).filter(({ at }) => at <= now);
  const body: JsonObject = {
    jobId: job.id,
    jobType: 'custom',
    status: statusOf(job, now),
    progress: progressOf(job, now),
    metadata: {
      input: { modelId: job.modelId, ...job.body },
      assetIds: [...job.assetIds],
      ...(failed && job.failure?.error !== undefined ? { error: job.failure.error } : {}),
    },
    billing: { cuCost: failed && job.failure?.refunded ? 0 : job.units, cuDiscount: 0 },
    statusHistory: past.map(({ status, at }) => ({ status, date: new Date(at).toISOString() })),
    createdAt: new Date(job.createdAt).toISOString(),
    updatedAt: new Date(past.at(-1)?.at ?? job.createdAt).toISOString(),
    ownerId: 'proj_emulator',
  };
  return without({ ...body, ...job.plan.body }, job.plan.omit);
}
