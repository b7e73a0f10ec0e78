import type { FileStore } from '../common/cdn.js';
import type { Clock } from '../common/clock.js';
import type { Identifiers } from '../common/identifiers.js';
import { infrastructureError } from './answers.js';
import type { Failure } from './failures.js';
import { failed, failureOf } from './failures.js';
import { inputFileFailure } from './input-files.js';
import type { Job } from './job.js';
import { makeOutput } from './outputs.js';
import { dollars, PRICES } from './pricing.js';
import type { Settings } from './settings.js';

export interface BoardParts {
  settings: Settings;
  clock: Clock;
  ids: Identifiers;
  files: FileStore;
  /** Origin of the CDN as told to clients, and all that lead to its files. */
  cdnOrigin: () => string;
  cdnOrigins: () => readonly string[];
}

/** All jobs, and what moves them from waiting over running to done. */
export class JobBoard {
  readonly #parts: BoardParts;
  readonly #jobs = new Map<string, Job>();
  #waiting: Job[] = [];
  #running = 0;
  /** Called when a job has reached its end. */
  onDone: (job: Job) => void = () => undefined;

  constructor(parts: BoardParts) {
    this.#parts = parts;
  }

  get(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  all(): Job[] {
    return [...this.#jobs.values()];
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Jobs that must start before this one; undefined while runners are unlimited. */
  ahead(job: Job): number | undefined {
    return this.#parts.settings.concurrency === undefined
      ? undefined
      : Math.max(0, this.#waiting.indexOf(job));
  }

  add(job: Job, startTimeoutMs: number | undefined): void {
    const { clock } = this.#parts;
    this.#jobs.set(job.id, job);
    this.#waiting.push(job);
    clock.at(job.createdAt + job.queueMs, (time) => {
      if (this.#parts.settings.concurrency !== undefined) this.#startNext(time);
      else if (this.#waiting.includes(job)) this.#start(job, time);
    });
    if (startTimeoutMs === undefined) return;
    clock.at(job.createdAt + startTimeoutMs, (time) => {
      if (job.state === 'waiting') this.#finish(job, time, failureOf('user-timeout', '', null));
    });
  }

  /** @returns what the cancellation found */
  cancel(job: Job): 'removed' | 'requested' | 'too-late' {
    const { clock, settings } = this.#parts;
    if (job.state === 'done') return 'too-late';
    const cancelled = failed(infrastructureError(499), 'client_cancelled', settings.billCancelled);
    if (job.state === 'waiting') {
      this.#finish(job, clock.now(), { ...cancelled, billed: false }, 'cancelled');
      return 'removed';
    }
    job.cancelRequested = true;
    if (!job.plan.ignoreCancel) {
      clock.at(clock.now() + (job.plan.cancelMs ?? 0), (time) =>
        this.#finish(job, time, cancelled, 'cancelled'),
      );
    }
    return 'requested';
  }

  /** Ends a job now, well or as its plan says: for tests that do not want to wait. */
  complete(id: string): void {
    const job = this.#jobs.get(id);
    if (!job) throw new Error(`The emulator has no job ${id}.`);
    const now = this.#parts.clock.now();
    if (job.state === 'waiting') this.#start(job, now);
    this.#finish(job, now, this.#plannedFailure(job));
  }

  clear(): void {
    for (const job of this.#jobs.values()) job.watchers.clear();
    this.#jobs.clear();
    this.#waiting = [];
    this.#running = 0;
  }

  #startNext(time: number): void {
    const { concurrency = Infinity } = this.#parts.settings;
    for (const job of this.#waiting.filter(({ createdAt, queueMs }) => createdAt + queueMs <= time)) {
      if (this.#running >= concurrency) return;
      this.#start(job, time);
    }
  }

  #start(job: Job, time: number): void {
    const { clock, files, cdnOrigins } = this.#parts;
    this.#waiting.splice(this.#waiting.indexOf(job), 1);
    this.#running += 1;
    job.state = 'running';
    job.startedAt = time;
    notify(job);
    const unreadable = inputFileFailure(job.endpoint.fields, job.input, files, cdnOrigins());
    const failure = unreadable ?? this.#plannedFailure(job);
    const part = unreadable ? 0.02 : failure ? (job.plan.failAt ?? 1) : 1;
    clock.at(time + job.runMs * part, (end) => this.#finish(job, end, failure));
  }

  #plannedFailure(job: Job): Failure | undefined {
    const { failure } = job.plan;
    if (failure === undefined) return job.failure;
    if (typeof failure === 'string') {
      const field = Object.keys(job.input).find((name) => name.includes('image')) ?? 'prompt';
      return failureOf(failure, field, job.input[field] ?? null);
    }
    const { status, json, text = '', headers, errorType = 'internal_error', billed = false } = failure;
    const type = json === undefined ? 'text/plain' : 'application/json';
    const body = json === undefined ? text : JSON.stringify(json);
    return failed({ status, headers: { 'content-type': type, ...headers }, body }, errorType, billed);
  }

  #finish(job: Job, time: number, failure: Failure | undefined, outcome?: 'cancelled'): void {
    if (job.state === 'done' || this.#jobs.get(job.id) !== job) return;
    if (job.state === 'waiting') this.#waiting.splice(this.#waiting.indexOf(job), 1);
    else this.#running -= 1;
    job.state = 'done';
    job.doneAt = time;
    job.doneNs = process.hrtime.bigint();
    job.outcome = outcome ?? (failure ? 'failed' : 'succeeded');
    if (failure) job.failure = failure;
    else this.#store(job, time);
    this.#bill(job, failure);
    notify(job);
    // Made again if somebody asks: a thousand finished jobs need not hold their logs.
    delete job.lines;
    this.onDone(job);
    this.#startNext(time);
  }

  #store(job: Job, time: number): void {
    const { settings, ids, files, cdnOrigin } = this.#parts;
    const { seconds, access } = job.lifecycle;
    const output = makeOutput(
      job.endpoint.id,
      job.input,
      job.seed,
      job.plan,
      (fileName, bytes, contentType) => {
        const path = `/files/b/${ids.uuid().slice(0, 8)}/${ids.token()}_${fileName}`;
        files.put({
          path,
          bytes,
          contentType,
          access,
          expiresAt: seconds === undefined ? undefined : time + seconds * 1000,
        });
        return cdnOrigin() + path;
      },
    );
    const json = JSON.stringify(output);
    const life = json.length >= 10 * 1024 ? settings.largeResultLifeMs : settings.resultLifeMs;
    job.result = { json, expiresAt: time + life };
  }

  #bill(job: Job, failure: Failure | undefined): void {
    const price = PRICES[job.endpoint.id];
    const { ledger } = job;
    if (!price || (failure && !failure.billed)) {
      Object.assign(ledger, { state: 'free', note: failure?.errorType ?? 'no price' });
      return;
    }
    const units = job.plan.units ?? price.units(job.input);
    const note = failure ? `${failure.errorType}, charged all the same` : 'completed';
    Object.assign(ledger, { state: 'billed', units, usd: dollars(price, units), note });
  }
}

function notify(job: Job): void {
  for (const watcher of job.watchers) watcher();
}
