import { isRecord, type Json, type JsonObject } from '../../json.js';
import type { Clock } from '../clock.js';
import { below, idOf, type JsonApi } from '../json-api.js';
import { untilAnswered } from '../poll.js';
import type { LostAttempt } from '../provider.js';
import { unitsOf } from './job.js';
import { storeOperation } from './operation.js';

/** Scenario lists the jobs of a project: the one thing that tells of a job whose submit got no answer. */

/** As many as a page may have. */
const PAGE_SIZE = 200;
/** More jobs than this are not made in the time of one attempt. */
const MAX_PAGES = 20;
/** How far the clocks may be apart, and how long a slow submit may still lead to a job. */
const BEFORE_MS = 120_000;
const AFTER_MS = 180_000;
const TRIES = 2;
/** Uploads and the like are listed too. */
const MODEL_JOBS: ReadonlySet<string> = new Set(['custom', 'inference']);

export interface FindDeps {
  api: JsonApi;
  clock: Clock;
  /** Base URL. */
  url: string;
}

interface Listed {
  id: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  job: Record<string, unknown>;
}

/**
 * The jobs of that time with the same model and the same input, as operations. Images are among the input as ids of
 * assets that nobody else made, so that a chance likeness is next to impossible.
 *
 * @throws CallError when the list cannot be read
 */
export async function findLost(
  deps: FindDeps,
  { model, body, sentAt }: LostAttempt,
  signal: AbortSignal,
): Promise<Json[]> {
  const from = sentAt - BEFORE_MS;
  const until = sentAt + AFTER_MS;
  const found: Json[] = [];
  for await (const page of pages(deps, signal)) {
    for (const { id, createdAt, job } of page) {
      if (createdAt < from || createdAt > until) continue;
      if (!hasInput(await withInput(deps, id, job, signal), model, body)) continue;
      const units = unitsOf(isRecord(job['billing']) ? job['billing']['cuCost'] : undefined);
      found.push(storeOperation({ jobId: id, model, submittedAt: sentAt, units }));
    }
    // The newest come first.
    if (page.length > 0 && page.every(({ createdAt }) => createdAt < from)) break;
  }
  return found;
}

async function* pages(deps: FindDeps, signal: AbortSignal): AsyncGenerator<Listed[]> {
  let token: string | undefined;
  for (let read = 0; read < MAX_PAGES; read++) {
    const query = { pageSize: String(PAGE_SIZE), ...(token === undefined ? {} : { paginationToken: token }) };
    const value = await get(deps, below(deps.url, '/jobs', query), signal);
    const jobs = isRecord(value) ? value['jobs'] : undefined;
    if (!isRecord(value) || !Array.isArray(jobs))
      throw new Error('Scenario answered something that is no list of jobs');
    yield jobs.flatMap(listed);
    const next = value['nextPaginationToken'];
    if (typeof next !== 'string' || next === '') return;
    token = next;
  }
  throw new Error('Scenario has more jobs than can be looked through');
}

async function get({ api, clock }: FindDeps, url: URL, signal: AbortSignal): Promise<unknown> {
  const { value } = await untilAnswered(() => api.call({ url, signal }), { signal }, { clock, tries: TRIES });
  return value;
}

function listed(job: unknown): Listed[] {
  if (!isRecord(job)) return [];
  const id = idOf(job['jobId']) ?? idOf(job['id']);
  const createdAt = typeof job['createdAt'] === 'string' ? Date.parse(job['createdAt']) : NaN;
  const ofModel = typeof job['jobType'] !== 'string' || MODEL_JOBS.has(job['jobType']);
  return id === undefined || Number.isNaN(createdAt) || !ofModel ? [] : [{ id, createdAt, job }];
}

/** A list may leave out what each job alone tells. */
async function withInput(
  deps: FindDeps,
  id: string,
  job: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  if (inputOf(job)) return job;
  const value = await get(deps, below(deps.url, `/jobs/${id}`), signal);
  const whole = isRecord(value) ? value['job'] : undefined;
  return isRecord(whole) ? whole : job;
}

function inputOf(job: Record<string, unknown>): Record<string, unknown> | undefined {
  const { metadata } = job;
  const input = isRecord(metadata) ? metadata['input'] : undefined;
  return isRecord(input) ? input : undefined;
}

/** Whether a job was made with this model and everything in this body; what Scenario adds to it does not count. */
function hasInput(job: Record<string, unknown>, model: string, body: JsonObject): boolean {
  const input = inputOf(job);
  if (!input) return false;
  const models = [input['modelId'], isRecord(job['metadata']) ? job['metadata']['modelId'] : undefined];
  if (!models.includes(model)) return false;
  return Object.entries(body).every(([name, value]) => isSame(input[name], value));
}

/** A single value may come back as a list of one, and a number as a text. */
function isSame(told: unknown, sent: Json): boolean {
  if (sent === null) return told === null || told === undefined;
  if (Array.isArray(sent)) {
    return Array.isArray(told) && told.length === sent.length && sent.every((it, i) => isSame(told[i], it));
  }
  const [first] = Array.isArray(told) && told.length === 1 ? told : [told];
  if (isRecord(sent)) {
    return isRecord(first) && Object.entries(sent).every(([name, value]) => isSame(first[name], value));
  }
  return typeof first !== 'object' && first !== undefined && String(first) === String(sent);
}
