import { inTrace } from '../trace.js';
import { isDeadOwner } from './owner.js';
import type { JobStore, Waker } from './types.js';

/** How often rows are looked for that nobody here knows of: those of other processes, dead ones above all. */
const SWEEP_MS = 10_000;
/** Steps at once. A step follows its job to the end, which is mostly waiting. */
const MAX_STEPS = 4096;
/** Longest wait before a job is stepped again whose row stays due after a step. */
const MAX_BACKOFF_MS = 10_000;
/** How long `stop` waits for the steps that run. What they leave behind is taken up like that of a dead process. */
const STOP_MS = 5_000;

export interface WakerOptions {
  clock?: () => number;
  isDead?: (owner: string) => boolean;
  sweepMs?: number;
  maxSteps?: number;
  stopMs?: number;
  /** Gets what `step` or the store threw; the job is tried again later. */
  onError?: (error: unknown, jobId: string | undefined) => void;
}

/**
 * Timers in this process over the `due` rows of the store. The rows decide: a wake-up that is lost, comes twice or
 * comes to two processes does no harm. No timer keeps the process alive; with no live job there is only the sweep.
 */
export class LocalWaker implements Waker {
  readonly #jobs: Pick<JobStore, 'due' | 'nextDue'>;
  readonly #clock: () => number;
  readonly #isDead: (owner: string) => boolean;
  readonly #sweepMs: number;
  readonly #maxSteps: number;
  readonly #stopMs: number;
  readonly #onError: (error: unknown, jobId: string | undefined) => void;

  #step: ((jobId: string) => Promise<void>) | undefined;
  #interval: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #running = new Map<string, Promise<void>>();
  /** Ids to step as soon as they do not run and there is room, first come first served. */
  readonly #waiting = new Set<string>();
  /** Ids whose row was still due after a step: how often in a row, and when they may be stepped again. */
  readonly #stuck = new Map<string, { times: number; notBefore: number }>();
  #sweeping: Promise<void> | undefined;
  #sweepAgain = false;

  constructor(jobs: Pick<JobStore, 'due' | 'nextDue'>, options: WakerOptions = {}) {
    this.#jobs = jobs;
    this.#clock = options.clock ?? Date.now;
    this.#isDead = options.isDead ?? isDeadOwner;
    this.#sweepMs = options.sweepMs ?? SWEEP_MS;
    this.#maxSteps = options.maxSteps ?? MAX_STEPS;
    this.#stopMs = options.stopMs ?? STOP_MS;
    this.#onError = options.onError ?? (() => undefined);
  }

  start(step: (jobId: string) => Promise<void>): void {
    if (this.#step) throw new Error('The waker runs already.');
    this.#step = step;
    this.#interval = setInterval(() => this.#sweep(), this.#sweepMs).unref();
    this.#sweep();
    this.#fill();
  }

  wake(jobId: string): void {
    this.#stuck.delete(jobId);
    this.#waiting.add(jobId);
    // What comes of it outlives the call that woke the job, and is done for other jobs as well.
    inTrace(undefined, () => this.#fill());
  }

  async stop(): Promise<void> {
    this.#step = undefined;
    clearInterval(this.#interval);
    clearTimeout(this.#timer);
    this.#waiting.clear();
    this.#stuck.clear();
    const ended = Promise.all([...this.#running.values(), this.#sweeping]);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#stopMs)));
    await Promise.race([ended, late]);
    clearTimeout(timer);
  }

  /** Starts what waits, as far as there is room. */
  #fill(): void {
    for (const id of this.#waiting) {
      if (!this.#step || this.#running.size >= this.#maxSteps) return;
      if (this.#running.has(id)) continue;
      this.#waiting.delete(id);
      this.#running.set(id, this.#run(id, this.#step));
    }
  }

  async #run(id: string, step: (jobId: string) => Promise<void>): Promise<void> {
    try {
      // Not in the caller's turn: `wake` returns at once.
      await Promise.resolve();
      await step(id);
    } catch (error) {
      this.#onError(error, id);
    } finally {
      this.#running.delete(id);
      const times = (this.#stuck.get(id)?.times ?? 0) + 1;
      this.#stuck.set(id, { times, notBefore: this.#clock() + Math.min(MAX_BACKOFF_MS, 2 ** times) });
      this.#fill();
      // In a rush the next look can wait until there is room. What still waits with room to spare waits for its own
      // step to end, which may take hours.
      if (this.#running.size < this.#maxSteps) this.#sweep();
    }
  }

  /** Looks for due rows, then sets the timer for the next one. Never twice at once. */
  #sweep(): void {
    if (!this.#step) return;
    if (this.#sweeping) {
      this.#sweepAgain = true;
      return;
    }
    this.#sweepAgain = false;
    this.#sweeping = this.#look()
      .catch((error: unknown) => this.#onError(error, undefined))
      .finally(() => {
        this.#sweeping = undefined;
        if (this.#sweepAgain) this.#sweep();
      });
  }

  async #look(): Promise<void> {
    const now = this.#clock();
    const due = new Set(await this.#jobs.due(now, this.#isDead, 2 * this.#maxSteps));
    for (const id of this.#stuck.keys()) if (!due.has(id) && !this.#running.has(id)) this.#stuck.delete(id);
    for (const id of due) {
      if (this.#running.has(id) || this.#isHeldBack(id, now)) continue;
      this.#waiting.add(id);
    }
    this.#fill();
    const next = (await this.#jobs.nextDue(now)) ?? Infinity;
    clearTimeout(this.#timer);
    if (!this.#step) return;
    const wait = Math.min(next, this.#nextRetry(now)) - now;
    // Later ones are found by the sweep.
    if (wait < this.#sweepMs) this.#timer = setTimeout(() => this.#sweep(), wait).unref();
  }

  /** After a step that changed nothing; no longer than the clock can be trusted. */
  #isHeldBack(id: string, now: number): boolean {
    const left = (this.#stuck.get(id)?.notBefore ?? 0) - now;
    return left > 0 && left <= MAX_BACKOFF_MS;
  }

  /** When the first id that is held back may be stepped again. The end of a step is heard of without a timer. */
  #nextRetry(now: number): number {
    let next = Infinity;
    for (const { notBefore } of this.#stuck.values()) if (notBefore > now) next = Math.min(next, notBefore);
    return next;
  }
}
