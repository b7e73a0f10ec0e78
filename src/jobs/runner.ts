import { MeshwrightError, messageOf } from '../errors.js';
import { type LogFields, redact } from '../log.js';
import { type Provider, type ProviderContext, ProviderFailure } from '../providers/provider.js';
import { inTrace } from '../trace.js';
import { type AssetStore, type Bus, isDue, type Job, type JobError, type JobStore } from '../store/types.js';
import { chargedOf, collect, type Settle, storeError } from './collect.js';
import type { Model, Route } from './model.js';
import type { Settled } from './settle.js';
import { deniedUnderOtherKey, underOtherKey } from './other-key.js';
import { passOnCancellations } from './cancelling.js';
import { lookOnce, search, type SearchDeps } from './search.js';
import { recover, submit, type SubmitDeps } from './submit.js';
import { apply, isFinal, type JobEvent } from './transition.js';
import { Unwritten } from './unwritten.js';

/**
 * Carries one job on: reads the row and does what its state asks, until the job ends or has to wait. `step` may
 * run any number of times at once in any number of processes; the transitions decide whose word counts.
 */
export interface RunnerDeps extends Omit<SubmitDeps, 'advance'> {
  jobs: JobStore;
  files: AssetStore;
  bus: Bus;
  model: (tool: string) => Promise<Model | undefined>;
  settle: Settle;
  pollMs?: number | undefined;
  /** How long jobs of an endpoint usually run. */
  typicalSeconds: (endpoint: string) => number | undefined;
}

/** A process that stops renewing is taken for dead after this time. */
const LEASE_MS = 15_000;
/** Least time between two progress rows of one job. */
const REPORT_EVERY_MS = 500;
/** Longest wait between two attempts to store the files of a finished job. */
const STORE_RETRY_MAX_MS = 300_000;
/** Between two rounds of asking about a job that the key which is set does not know. */
const OTHER_KEY_AGAIN_MS = 5_000;

export class Runner {
  readonly #deps: RunnerDeps;
  readonly #stopping = new AbortController();
  readonly #unwritten = new Unwritten();
  readonly #startedAt = Date.now();
  /** Jobs of an earlier run, once the log has told of them. */
  readonly #takenUp = new Set<string>();

  readonly #advance: SubmitDeps['advance'] = (id, event) => this.advance(id, event);

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
  }

  /** Lets go of every job; another process, or the next start, carries on. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Writes what an event makes of the job, and tells who waits for it. */
  async advance(id: string, event: JobEvent): Promise<Job | undefined> {
    let changed;
    let hadEnded = true;
    try {
      changed = await this.#deps.jobs.change(id, (job) => {
        hadEnded = isFinal(job);
        return apply(job, event, Date.now());
      });
    } catch (error) {
      if (this.#unwritten.failed(id, event, error)) this.#deps.bus.publish(id);
      throw error;
    }
    // What changes nothing needs no room.
    if (changed || event.type === 'accepted') this.#unwritten.written(id, event);
    if (changed && event.type !== 'lease' && event.type !== 'release') this.#deps.bus.publish(id);
    if (changed && isFinal(changed) && !hadEnded) this.#logEnd(changed);
    return changed;
  }

  #logEnd(job: Job): void {
    this.#takenUp.delete(job.id);
    this.#deps.log.info('a job ended', {
      ...named(job),
      status: job.state,
      seconds: Math.round(((job.finishedAt ?? Date.now()) - job.createdAt) / 100) / 10,
      code: job.error?.code,
    });
  }

  /** The job of a row with what is known of it here and could not be written yet. */
  withUnwritten(job: Job): Job {
    return this.#unwritten.withIt(job);
  }

  /**
   * One more look for a job whose outcome is not known, where its provider lists its jobs. Takes it up if it is found.
   */
  async lookFor(job: Job, signal: AbortSignal): Promise<void> {
    const provider = this.#deps.provider(job.provider, job.principal);
    if (provider) await lookOnce(this.#searchDeps(), job, provider, { signal });
  }

  async step(id: string): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    // A job of a provider that has no key here is left to a process that has it.
    const row = await this.#deps.jobs.get(id);
    if (!row || isFinal(row) || !this.#deps.provider(row.provider, row.principal)) return;
    await inTrace(row.trace, () => this.#work(id));
  }

  async #work(id: string): Promise<void> {
    const { owner, isDead } = this.#deps;
    const lease = (): Promise<Job | undefined> =>
      this.advance(id, { type: 'lease', owner, until: Date.now() + LEASE_MS, isDead });
    const leased = await lease();
    if (!leased) return;
    if (leased.createdAt < this.#startedAt && !this.#takenUp.has(id)) {
      this.#takenUp.add(id);
      this.#deps.log.info('a job is taken up again', named(leased));
    }
    const working = new AbortController();
    const signal = AbortSignal.any([working.signal, this.#stopping.signal]);
    const renewing = setInterval(() => {
      lease().then(
        (job) => (job ? undefined : working.abort()),
        (error: unknown) =>
          this.#deps.log.warn('cannot renew the lease', { job: id, error: messageOf(error) }),
      );
    }, LEASE_MS / 3);
    renewing.unref();
    try {
      await this.#carryOn(leased, signal);
    } catch (error) {
      if (!signal.aborted) {
        // A defect, or a store that cannot be written: the job stays where it is and is looked at again.
        this.#deps.log.error('a step failed', { job: id, error: messageOf(error) });
        await this.#lookAgain(id, Date.now() + 5_000).catch(() => undefined);
      }
    } finally {
      clearInterval(renewing);
      working.abort();
      await this.advance(id, { type: 'release', owner }).catch(() => undefined);
    }
  }

  /** One state after the other, as long as the job moves. */
  async #carryOn(first: Job, signal: AbortSignal): Promise<void> {
    const submitDeps: SubmitDeps = { ...this.#deps, advance: this.#advance };
    let job: Job | undefined = first;
    while (job && !isFinal(job) && !signal.aborted) {
      const now: Job = job;
      if (now.state !== 'submitting' && !isDue(now, Date.now())) return;
      const model = await this.#deps.model(now.tool);
      const route = model?.routes.find(({ provider }) => provider === now.provider);
      const provider = this.#deps.provider(now.provider, now.principal);
      if (!provider) return;
      if (!model || !route) {
        this.#deps.log.warn('this version does not know the model of a job', { job: now.id, tool: now.tool });
        await this.#lookAgain(now.id, Date.now() + 60_000);
        return;
      }
      const context = this.#context(signal);
      let moved;
      if (now.state === 'intent') moved = await submit(submitDeps, now, model, route, provider, context);
      else if (now.state === 'submitting') moved = await recover(submitDeps, now, provider);
      else if (now.state === 'searching') moved = await search(this.#searchDeps(), now, provider, context);
      else if (now.state === 'submitted') moved = await this.#follow(now, provider, context);
      else moved = await this.#store(now, route, provider, context);
      if (typeof moved === 'number') await this.#lookAgain(now.id, moved);
      if (moved !== true) return;
      job = await this.#deps.jobs.get(now.id);
      if (job && isFinal(job) && job.operation !== undefined) provider.release?.(job.operation);
    }
  }

  #searchDeps(): SearchDeps {
    return {
      pollMs: this.#deps.pollMs,
      advance: this.#advance,
      bind: async (id, since, step) => {
        const bound = await this.#deps.jobs.bind(id, since, step);
        if (bound) this.#deps.bus.publish(id);
        return bound;
      },
    };
  }

  #context(signal: AbortSignal): ProviderContext {
    return { signal, log: this.#deps.log, readInput: (key) => this.#deps.files.read(key) };
  }

  async #follow(job: Job, provider: Provider, context: ProviderContext): Promise<boolean | number> {
    const { id, operation } = job;
    if (operation === undefined) return false;
    let reportedAt = 0;
    let stage = '';
    const write = (event: JobEvent): void => {
      this.advance(id, event).catch((error: unknown) =>
        this.#deps.log.warn('cannot write progress', { job: id, error: messageOf(error) }),
      );
    };
    let told = job.trouble?.why;
    const trouble = (why: string | undefined): void => {
      if (why === told) return;
      told = why;
      write({ type: 'troubled', why });
    };
    const asked: ProviderContext = { ...context, trouble };
    const cancelling = { ...this.#deps, advance: this.#advance };
    const unsubscribe = passOnCancellations(cancelling, id, operation, provider, context);
    try {
      await provider.follow(operation, {
        ...asked,
        report: (status) => {
          const now = Date.now();
          if (status.stage === stage && now - reportedAt < REPORT_EVERY_MS) return;
          reportedAt = now;
          stage = status.stage ?? stage;
          const typicalSeconds = this.#deps.typicalSeconds(job.model);
          write({ type: 'observed', status, typicalSeconds });
        },
      });
      const { body, billedUsd, billedUnits } = await provider.result(operation, asked);
      return Boolean(await this.advance(id, { type: 'completed', result: body, billedUsd, billedUnits }));
    } catch (error) {
      if (!(error instanceof ProviderFailure)) {
        if (!context.signal.aborted) throw error;
        return false;
      }
      const why = deniedUnderOtherKey(job, provider, error);
      if (why === undefined) return await this.#failedThere(job, error, provider);
      trouble(why);
      return Date.now() + OTHER_KEY_AGAIN_MS;
    } finally {
      unsubscribe();
    }
  }

  async #failedThere(
    job: Job,
    failure: ProviderFailure,
    provider: Provider,
    type: 'failed' | 'cancelled' = failure.kind === 'cancelled' ? 'cancelled' : 'failed',
  ): Promise<boolean> {
    const otherKey = failure.kind === 'expired' ? underOtherKey(job, provider) : undefined;
    const error: JobError = {
      code: failure.code ?? CODES[failure.kind],
      message: redact(otherKey === undefined ? failure.message : `${failure.message} Maybe ${otherKey}.`),
      ...(failure.field === undefined ? {} : { field: failure.field }),
      retryable: failure.retryable,
      // A bill that came with the result says more than a refusal afterwards.
      charged: failure.charged === 'unknown' ? chargedOf(job) : failure.charged,
    };
    return Boolean(await this.advance(job.id, { type, error, billedUnits: failure.billedUnits }));
  }

  async #store(job: Job, route: Route, provider: Provider, context: ProviderContext): Promise<boolean> {
    let settled: Settled | undefined;
    let stored: Job | undefined;
    try {
      settled = await collect(this.#deps.settle, job, route, provider, context);
      const { assets, seed, report } = settled;
      stored = await this.advance(job.id, { type: 'stored', assets, seed, report });
      return Boolean(stored);
    } catch (error) {
      if (context.signal.aborted) return false;
      const otherKey = deniedUnderOtherKey(job, provider, error);
      if (error instanceof ProviderFailure && otherKey === undefined) {
        // Whatever it says now, the job was done: it cannot have been cancelled.
        return await this.#failedThere(job, error, provider, 'failed');
      }
      const again = storeError(
        job,
        otherKey === undefined
          ? error
          : new MeshwrightError('download_failed', `Its files are refused, maybe because ${otherKey}.`, {
              retryable: true,
            }),
      );
      if (!again.retryable) {
        return Boolean(await this.advance(job.id, { type: 'failed', error: again }));
      }
      const wait = Math.min(STORE_RETRY_MAX_MS, 2_000 * 2 ** job.storeAttempts);
      await this.advance(job.id, { type: 'storeFailed', error: again, dueAt: Date.now() + wait });
      return false;
    } finally {
      // Another process was faster, or the row could not be written: these files are nobody's.
      const { files } = this.#deps;
      const left = (settled?.assets ?? []).map(({ key }) =>
        stored ? files.confirm(key) : files.delete(key),
      );
      for (const { status } of await Promise.allSettled(left)) {
        // It goes with the next sweep.
        if (status === 'rejected')
          this.#deps.log.warn('cannot remove a file that no job needs', { job: job.id });
      }
    }
  }

  async #lookAgain(id: string, dueAt: number): Promise<void> {
    await this.#deps.jobs.change(id, (row) => (isFinal(row) ? undefined : { job: { ...row, dueAt } }));
  }
}

const CODES = { failed: 'provider_failed', cancelled: 'cancelled', expired: 'result_expired' } as const;

function named({ id, tool, provider, principal }: Job): LogFields {
  return { job: id, tool, provider, principal };
}
