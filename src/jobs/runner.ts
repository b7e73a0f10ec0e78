import { randomUUID } from 'node:crypto';
import { MeshwrightError, messageOf } from '../errors.js';
import type { JsonObject } from '../json.js';
import type { Log } from '../log.js';
import { redact } from '../log.js';
import { type Provider, type ProviderContext, ProviderFailure, SubmitError } from '../providers/provider.js';
import type { AssetStore, Bus, ImageRef, Job, JobError, JobStore, ProviderId } from '../store/types.js';
import { collect, type Settle, storeError } from './collect.js';
import type { Model, ModelImages, Route } from './model.js';
import { chooseRoutes, type Health } from './routes.js';
import { apply, isFinal, type JobEvent, type NextAttempt } from './transition.js';

/**
 * Carries one job on: reads the row and does what its state asks, until the job ends or has to wait. `step` may
 * run any number of times at once in any number of processes; the transitions decide whose word counts.
 */
export interface RunnerDeps {
  jobs: JobStore;
  files: AssetStore;
  bus: Bus;
  log: Log;
  /** This process. */
  owner: string;
  isDead: (owner: string) => boolean;
  provider: (id: ProviderId, principal: string) => Provider | undefined;
  model: (tool: string) => Promise<Model | undefined>;
  estimateUsd: (route: Route, args: JsonObject) => number | null;
  health: Health;
  /** Fetches and keeps an image for a provider that does not read URLs itself. */
  fetchImage: (url: string, field: string) => Promise<Extract<ImageRef, { kind: 'blob' }>>;
  settle: Settle;
}

/** A process that stops renewing is taken for dead after this time. */
const LEASE_MS = 15_000;
/** A submit that takes longer has an unknown outcome. */
const SUBMIT_DEADLINE_MS = 60_000;
/** A process that was paused longer than this between claiming and sending must not send. */
const SEND_WITHIN_MS = 2_000;
/** A provider that asks for a pause no longer than this is asked again; a longer one means the next route. */
const SHORT_WAIT_MS = 20_000;
const MAX_RETRIES = 3;
/** How long a provider that refused is tried last. */
const REFUSED_FOR_MS = 300_000;
/** Least time between two progress rows of one job. */
const REPORT_EVERY_MS = 500;
/** Longest wait between two attempts to store the files of a finished job. */
const STORE_RETRY_MAX_MS = 300_000;

export class Runner {
  readonly #deps: RunnerDeps;
  readonly #stopping = new AbortController();

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
  }

  /** Lets go of every job; another process, or the next start, carries on. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Writes what an event makes of the job, and tells who waits for it. */
  async advance(id: string, event: JobEvent): Promise<Job | undefined> {
    const changed = await this.#deps.jobs.change(id, (job) => apply(job, event, Date.now()));
    if (changed && event.type !== 'lease' && event.type !== 'release') this.#deps.bus.publish(id);
    return changed;
  }

  async step(id: string): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const { owner, isDead } = this.#deps;
    const lease = (): Promise<Job | undefined> =>
      this.advance(id, { type: 'lease', owner, until: Date.now() + LEASE_MS, isDead });
    const leased = await lease();
    if (!leased) return;
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
        await this.#postpone(id, 5_000).catch(() => undefined);
      }
    } finally {
      clearInterval(renewing);
      working.abort();
      await this.advance(id, { type: 'release', owner }).catch(() => undefined);
    }
  }

  async #carryOn(first: Job, signal: AbortSignal): Promise<void> {
    let job: Job | undefined = first;
    while (job && !isFinal(job) && !signal.aborted) {
      if (job.state !== 'submitting' && job.dueAt > Date.now()) return;
      const before: Job = job;
      const model = await this.#deps.model(job.tool);
      const route = model?.routes.find(({ provider }) => provider === before.provider);
      const provider = this.#deps.provider(job.provider, job.principal);
      if (!model || !route || !provider) {
        this.#deps.log.warn('nobody here can carry this job on', {
          job: job.id,
          tool: job.tool,
          provider: job.provider,
        });
        await this.#postpone(job.id, 60_000);
        return;
      }
      const context = this.#context(signal);
      if (job.state === 'intent') await this.#submit(job, model, route, provider, context);
      else if (job.state === 'submitting') await this.#recover(job, provider);
      else if (job.state === 'submitted') await this.#follow(job, provider, context);
      else await this.#store(job, route, provider, context);
      job = await this.#deps.jobs.get(before.id);
      if (job?.state === before.state && job.state !== 'intent') return;
      if (job && isFinal(job) && job.operation !== undefined) provider.release?.(job.operation);
    }
  }

  #context(signal: AbortSignal): ProviderContext {
    return { signal, log: this.#deps.log, readInput: (key) => this.#deps.files.read(key) };
  }

  async #submit(
    job: Job,
    model: Model,
    route: Route,
    provider: Provider,
    context: ProviderContext,
  ): Promise<void> {
    const token = randomUUID();
    let body;
    try {
      body = route.request(job.args, await this.#upload(job, provider, context));
    } catch (error) {
      if (context.signal.aborted) return;
      await this.#turnedDown(job, model, token, error, false);
      return;
    }
    const claimedAt = performance.now();
    const claimed = await this.advance(job.id, { type: 'claim', token });
    if (!claimed) return;
    if (performance.now() - claimedAt > SEND_WITHIN_MS && !provider.repeatable) {
      // This process was paused; somebody else may have looked at the job meanwhile.
      await this.advance(job.id, { type: 'refused', token, next: sameRoute(job), dueAt: Date.now() });
      return;
    }
    try {
      // Stopping the server does not cut a submit off: its answer says whether the job was bought.
      const operation = await provider.submit(
        { jobId: job.id, model: route.endpoint, body },
        { ...context, signal: AbortSignal.timeout(SUBMIT_DEADLINE_MS) },
      );
      this.#deps.health.accepted(job.provider);
      await this.advance(job.id, { type: 'accepted', token, operation });
    } catch (error) {
      await this.#turnedDown(job, model, token, error, true);
    }
  }

  async #upload(job: Job, provider: Provider, context: ProviderContext): Promise<ModelImages> {
    const send = async (ref: ImageRef, field: string): Promise<string> => {
      if (ref.kind === 'url' && provider.takesUrls) return ref.url;
      const held = ref.kind === 'blob' ? ref : await this.#deps.fetchImage(ref.url, field);
      const { key, sha256, mimeType } = held;
      return provider.upload({ key, sha256, mimeType, read: () => context.readInput(key) }, context);
    };
    const images: ModelImages = {};
    for (const [field, refs] of Object.entries(job.images)) {
      images[field] = Array.isArray(refs)
        ? await Promise.all(refs.map((ref) => send(ref, field)))
        : await send(refs, field);
    }
    return images;
  }

  /** A submit that did not succeed: the next route, a failure, or an outcome that nobody knows. */
  async #turnedDown(job: Job, model: Model, token: string, error: unknown, claimed: boolean): Promise<void> {
    const failure = error instanceof SubmitError ? error : undefined;
    const outcome = failure?.outcome ?? (claimed ? 'unclear' : 'refused');
    const message = redact(messageOf(error));
    this.#deps.log.warn('a submit did not succeed', {
      job: job.id,
      provider: job.provider,
      outcome,
      error: message,
    });
    if (outcome === 'unclear') {
      await this.advance(job.id, { type: 'lost', token, error: unconfirmedError(job, message) });
      return;
    }
    const next =
      outcome === 'refused' ? this.#nextAttempt(job, model, message, failure?.retryAfterMs) : undefined;
    if (next) {
      const { dueAt, ...attempt } = next;
      await this.advance(job.id, {
        type: 'refused',
        token: claimed ? token : undefined,
        next: attempt,
        dueAt,
      });
      return;
    }
    await this.advance(job.id, { type: 'failed', error: refusalError(error, message) });
  }

  /** A short wait on the same route, or another route; never after an outcome that is not known. */
  #nextAttempt(
    job: Job,
    model: Model,
    refusal: string,
    retryAfterMs: number | undefined,
  ): (NextAttempt & { dueAt: number }) | undefined {
    const { provider, estimateUsd, health } = this.#deps;
    const retries = job.retries ?? 0;
    if (retryAfterMs !== undefined && retryAfterMs <= SHORT_WAIT_MS && retries < MAX_RETRIES) {
      return { ...sameRoute(job), retries: retries + 1, dueAt: Date.now() + retryAfterMs };
    }
    health.refused(job.provider, Math.max(retryAfterMs ?? 0, REFUSED_FOR_MS));
    if (job.providerChoice !== 'auto') return undefined;
    const tried = [...(job.tried ?? []), { provider: job.provider, refusal }];
    const { choices } = chooseRoutes({
      model,
      args: job.args,
      choice: 'auto',
      tried,
      hasKey: (id) => provider(id, job.principal) !== undefined,
      isHealthy: (id) => health.isHealthy(id),
      price: (route) => estimateUsd(route, job.args),
    });
    const [best] = choices;
    if (!best) return undefined;
    const { route, reason } = best;
    return {
      provider: route.provider,
      model: route.endpoint,
      estimateUsd: estimateUsd(route, job.args),
      routeReason: reason,
      tried,
      retries: 0,
      dueAt: Date.now(),
    };
  }

  /** A submit that some process began and nobody finished. */
  async #recover(job: Job, provider: Provider): Promise<void> {
    if (provider.repeatable) {
      await this.advance(job.id, { type: 'repeat' });
      return;
    }
    // The lease was free, so whoever made the attempt is gone or beyond its deadline.
    await this.advance(job.id, {
      type: 'lost',
      token: undefined,
      error: unconfirmedError(job, 'meshwright was stopped while it sent the job'),
    });
  }

  async #follow(job: Job, provider: Provider, context: ProviderContext): Promise<void> {
    const { id, operation } = job;
    if (operation === undefined) return;
    let reportedAt = 0;
    let stage = '';
    let asked = false;
    const cancelIfAsked = async (): Promise<void> => {
      const row = await this.#deps.jobs.get(id);
      if (!row?.cancelRequested || row.state !== 'submitted' || asked) return;
      asked = true;
      const outcome = await provider.cancel(operation, context);
      await this.advance(id, { type: 'cancelAnswered', outcome });
    };
    const watch = (): void => {
      cancelIfAsked().catch((error: unknown) => {
        asked = false;
        this.#deps.log.warn('cannot cancel', { job: id, error: messageOf(error) });
      });
    };
    const unsubscribe = this.#deps.bus.subscribe(id, watch);
    watch();
    try {
      await provider.follow(operation, {
        ...context,
        report: (status) => {
          const now = Date.now();
          if (status.stage === stage && now - reportedAt < REPORT_EVERY_MS) return;
          reportedAt = now;
          stage = status.stage ?? stage;
          this.advance(id, { type: 'observed', status }).catch((error: unknown) =>
            this.#deps.log.warn('cannot write progress', { job: id, error: messageOf(error) }),
          );
        },
      });
      const { body, billedUsd, billedUnits } = await provider.result(operation, context);
      await this.advance(id, { type: 'completed', result: body, billedUsd, billedUnits });
    } catch (error) {
      if (error instanceof ProviderFailure) await this.#failedThere(id, error);
      else if (!context.signal.aborted) throw error;
    } finally {
      unsubscribe();
    }
  }

  async #failedThere(id: string, failure: ProviderFailure): Promise<void> {
    const error: JobError = {
      code:
        failure.kind === 'cancelled'
          ? 'cancelled'
          : failure.kind === 'expired'
            ? 'result_expired'
            : 'provider_failed',
      message: redact(failure.message),
      ...(failure.field === undefined ? {} : { field: failure.field }),
      retryable: failure.retryable,
      charged: failure.charged,
    };
    await this.advance(
      id,
      failure.kind === 'cancelled' ? { type: 'cancelled', error } : { type: 'failed', error },
    );
  }

  async #store(job: Job, route: Route, provider: Provider, context: ProviderContext): Promise<void> {
    try {
      const { assets, seed, report } = await collect(this.#deps.settle, job, route, provider, context);
      const stored = await this.advance(job.id, { type: 'stored', assets, seed, report });
      // Another process was faster: its files are the job's, ours are nobody's.
      if (!stored) await Promise.all(assets.map(({ key }) => this.#deps.files.delete(key)));
    } catch (error) {
      if (context.signal.aborted) return;
      if (error instanceof ProviderFailure) {
        await this.#failedThere(job.id, error);
        return;
      }
      const wait = Math.min(STORE_RETRY_MAX_MS, 2_000 * 2 ** job.storeAttempts);
      await this.advance(job.id, {
        type: 'storeFailed',
        error: storeError(job, error),
        dueAt: Date.now() + wait,
      });
    }
  }

  async #postpone(id: string, ms: number): Promise<void> {
    await this.#deps.jobs.change(id, (row) =>
      isFinal(row) ? undefined : { job: { ...row, dueAt: Date.now() + ms } },
    );
  }
}

function sameRoute({ provider, model, estimateUsd, routeReason, tried }: Job): NextAttempt {
  return {
    provider,
    model,
    estimateUsd,
    ...(routeReason === undefined ? {} : { routeReason }),
    ...(tried === undefined ? {} : { tried }),
  };
}

function unconfirmedError(job: Job, why: string): JobError {
  return {
    code: 'unconfirmed',
    message:
      `It is not known whether ${job.provider} accepted this job (${why}), so it may have been charged. ` +
      `It was not sent again. Look in the console of ${job.provider} before you buy it anew.`,
    retryable: false,
    charged: 'unknown',
  };
}

/** Nothing was accepted, so nothing was charged. */
function refusalError(error: unknown, message: string): JobError {
  if (error instanceof SubmitError) {
    const rejected = error.outcome === 'rejected';
    return {
      code: rejected ? 'provider_refused' : 'provider_unreachable',
      message,
      ...(error.field === undefined ? {} : { field: error.field }),
      retryable: !rejected,
      charged: 'no',
    };
  }
  if (error instanceof MeshwrightError) {
    return { code: error.code, message, retryable: error.retryable, charged: 'no' };
  }
  return {
    code: 'internal',
    message: 'Something in meshwright broke before the job was sent; its log has the details.',
    retryable: true,
    charged: 'no',
  };
}
