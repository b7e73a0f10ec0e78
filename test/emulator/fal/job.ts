import type { Reply } from '../common/exchange.js';
import type { JsonObject } from '../common/json.js';
import type { LedgerEntry } from '../common/ledger.js';
import type { Endpoint } from './endpoints.js';
import type { Failure } from './failures.js';
import type { Lifecycle } from './lifecycle.js';
import type { LogLine } from './logs.js';
import { logLines } from './logs.js';
import type { JobPlan, WebhookPlan } from './plan.js';
import type { Settings } from './settings.js';

export interface Job {
  id: string;
  endpoint: Endpoint;
  /** After coercion, defaults filled in. */
  input: JsonObject;
  plan: JobPlan;
  lifecycle: Lifecycle;
  webhook: { url: string; plan: WebhookPlan } | undefined;
  /** Path before `/requests/{id}` in the URLs that were returned, and what follows it for the result. */
  base: string;
  resultSuffix: '' | '/response';
  seed: number;
  ledger: LedgerEntry;
  /** All times are milliseconds on the emulator's clock; lengths may be Infinity. */
  createdAt: number;
  queueMs: number;
  runMs: number;
  state: 'waiting' | 'running' | 'done';
  startedAt?: number;
  doneAt?: number;
  /** `process.hrtime` at completion, comparable between the processes of one machine. */
  doneNs?: bigint;
  outcome?: 'succeeded' | 'failed' | 'cancelled';
  failure?: Failure;
  result?: { json: string; expiresAt: number };
  cancelRequested?: boolean;
  /** Told at every change of state. */
  watchers: Set<() => void>;
  lines?: readonly LogLine[];
}

/** `status` as it is reported: the true state, or what the plan's timeline says until the job is done. */
export function reportedStatus(job: Job, now: number): string {
  if (job.state === 'done') return 'COMPLETED';
  const told = job.plan.timeline?.findLast(({ afterMs }) => now >= job.createdAt + afterMs);
  return told?.status ?? (job.state === 'running' ? 'IN_PROGRESS' : 'IN_QUEUE');
}

/** Zero-based place in the queue: the real one when runners are limited, else falling as the wait goes by. */
export function queuePosition(job: Job, now: number, ahead: number | undefined): number {
  if (job.plan.queuePosition === undefined && ahead !== undefined) return ahead;
  const first = job.plan.queuePosition ?? 1;
  if (job.queueMs === Infinity) return first;
  const left = Math.max(0, job.createdAt + job.queueMs - now);
  return Math.min(first, Math.floor((left / Math.max(1, job.queueMs)) * (first + 1)));
}

export function allLines(job: Job): readonly LogLine[] {
  job.lines ??= linesOf(job);
  return job.lines;
}

function linesOf({ plan, endpoint, input, runMs }: Job): LogLine[] {
  const { logs } = plan;
  if (Array.isArray(logs)) {
    return logs.map((message, i) => ({ at: i / Math.max(1, logs.length), message, level: 'INFO' as const }));
  }
  if (logs === 'null') return [];
  if (logs === 'long') {
    const text = 'long line '.repeat(200);
    return Array.from({ length: 500 }, (_, i) => ({
      at: i / 500,
      message: `${i} ${text}`,
      level: 'STDOUT' as const,
    }));
  }
  return logLines(endpoint.id, input, runMs);
}

/** When a line is printed, milliseconds on the clock; in a run without end, as if it took a minute. */
export function lineTime(job: Job, line: LogLine): number {
  const length = Number.isFinite(job.runMs) ? job.runMs : 60_000;
  return (job.startedAt ?? Infinity) + line.at * length;
}

/** How many lines are out. A job that ended early printed no more after its end. */
export function linesOut(job: Job, now: number): number {
  const until = Math.min(now, job.doneAt ?? Infinity);
  const lines = allLines(job);
  let low = 0;
  for (let high = lines.length; low < high;) {
    const middle = (low + high) >> 1;
    const line = lines[middle];
    if (line && lineTime(job, line) <= until) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function logEntries(job: Job, from: number, to: number): JsonObject[] {
  return allLines(job)
    .slice(from, to)
    .map((line) => ({
      message: line.message,
      level: line.level,
      source: 'USER',
      timestamp: new Date(lineTime(job, line)).toISOString(),
    }));
}

/** The moment of the next thing that a stream would tell of, other than a change of state. */
export function nextChange(job: Job, now: number, withLogs: boolean, linesSent: number): number {
  const times: number[] = [];
  for (const { afterMs } of job.plan.timeline ?? []) times.push(job.createdAt + afterMs);
  if (job.state === 'waiting' && Number.isFinite(job.queueMs)) {
    const places = (job.plan.queuePosition ?? 1) + 1;
    for (let place = 1; place < places; place++) times.push(job.createdAt + (job.queueMs * place) / places);
  }
  if (withLogs && job.state === 'running') {
    const line = allLines(job)[linesSent];
    if (line) times.push(lineTime(job, line));
  }
  return Math.min(Infinity, ...times.filter((time) => time > now));
}

/** The answer to a read of the result. */
export function resultReply(job: Job, now: number): Reply {
  if (job.state !== 'done') {
    return jobReply(job, 400, JSON.stringify({ detail: 'Request is still in progress' }));
  }
  if (job.failure) {
    const { reply } = job.failure;
    return { ...reply, headers: { ...reply.headers, ...billingHeaders(job) } };
  }
  if (!job.result || now >= job.result.expiresAt) {
    return jobReply(job, 404, JSON.stringify({ detail: 'Request not found or its result has expired' }));
  }
  return jobReply(job, 200, job.result.json);
}

function jobReply(job: Job, status: number, body: string): Reply {
  return { status, headers: { 'content-type': 'application/json', ...billingHeaders(job) }, body };
}

function billingHeaders(job: Job): Record<string, string> {
  return {
    'x-fal-request-id': job.id,
    ...(job.state === 'done' ? { 'x-fal-billable-units': String(job.ledger.units) } : {}),
  };
}

/** Lengths of the two phases: from the plan, else from the settings, else the endpoint's usual ones. */
export function durations(
  endpoint: Endpoint,
  plan: JobPlan,
  { jobMs, timeScale }: Settings,
): { queueMs: number; runMs: number } {
  const usual = {
    queueMs: jobMs === undefined ? endpoint.usual.queueMs * timeScale : 0,
    runMs: jobMs ?? endpoint.usual.runMs * timeScale,
  };
  const length = (planned: number | 'never' | undefined, otherwise: number): number =>
    planned === 'never' ? Infinity : (planned ?? otherwise);
  return { queueMs: length(plan.queueMs, usual.queueMs), runMs: length(plan.runMs, usual.runMs) };
}
