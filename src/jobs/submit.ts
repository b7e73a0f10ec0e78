import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { MeshwrightError, messageOf } from '../errors.js';
import type { JsonObject } from '../json.js';
import { type Log, redact } from '../log.js';
import { type Provider, type ProviderContext, SubmitError } from '../providers/provider.js';
import type { ImageRef, Job, JobError, Json, ProviderId } from '../store/types.js';
import type { Model, ModelImages, Route } from './model.js';
import { chooseRoutes, type Health, tellTried } from './routes.js';
import { isListed, lostEvent } from './search.js';
import { isWithin } from './spending.js';
import type { JobEvent, NextAttempt } from './transition.js';

/** How a job is sent: one attempt, whose outcome is either known or said to be unknown. */

export interface SubmitDeps {
  log: Log;
  /** This process. */
  owner: string;
  isDead: (owner: string) => boolean;
  provider: (id: ProviderId, principal: string) => Provider | undefined;
  estimateUsd: (route: Route, args: JsonObject) => number | null;
  health: Health;
  /** Fetches and keeps an image for a provider that does not read URLs itself. */
  fetchImage: (url: string, field: string) => Promise<Extract<ImageRef, { kind: 'blob' }>>;
  advance: (id: string, event: JobEvent) => Promise<Job | undefined>;
  /** Where a provider may call about a job, if it can reach us. */
  callbackUrl?: ((provider: ProviderId, jobId: string) => string | undefined) | undefined;
}

/** A submit that takes longer has an unknown outcome. */
const SUBMIT_DEADLINE_MS = 60_000;
/** A process that was paused longer than this between claiming and sending must not send. */
const SEND_WITHIN_MS = 2_000;
/** A provider that asks for a pause no longer than this is asked again; a longer one means the next route. */
const SHORT_WAIT_MS = 20_000;
const MAX_RETRIES = 3;
/** How long a provider that refused is tried last. */
const REFUSED_FOR_MS = 300_000;

/** @returns whether the job moved on */
export async function submit(
  deps: SubmitDeps,
  job: Job,
  model: Model,
  route: Route,
  provider: Provider,
  context: ProviderContext,
): Promise<boolean> {
  const { advance, owner } = deps;
  let body;
  try {
    body = route.request(job.args, await upload(deps, job, provider, context));
    // Whoever dies between the claim and the sending leaves a job of which nobody knows whether it was bought.
    await provider.prepare?.();
  } catch (error) {
    if (context.signal.aborted) return false;
    return turnedDown(deps, job, model, undefined, error);
  }
  if (context.signal.aborted) return false;
  const token = randomUUID();
  const claimedAt = performance.now();
  const claimedOn = Date.now();
  const sent = provider.findLost ? body : undefined;
  if (!(await advance(job.id, { type: 'claim', token, owner, sent, keyMark: provider.keyMark })))
    return false;
  // One of the clocks stands still while a machine sleeps, the other may be set.
  const waited = Math.max(performance.now() - claimedAt, Date.now() - claimedOn);
  if (waited > SEND_WITHIN_MS && !provider.repeatable) {
    // This process was paused; somebody else may have looked at the job meanwhile.
    return Boolean(
      await advance(job.id, { type: 'refused', token, next: sameRoute(job), dueAt: Date.now() }),
    );
  }
  let operation;
  try {
    // Stopping the server does not cut a submit off: its answer says whether the job was bought.
    operation = await provider.submit(
      {
        jobId: job.id,
        model: route.endpoint,
        body,
        callbackUrl: deps.callbackUrl?.(job.provider, job.id),
      },
      { ...context, signal: AbortSignal.timeout(SUBMIT_DEADLINE_MS) },
    );
  } catch (error) {
    return turnedDown(deps, job, model, token, error, sent !== undefined);
  }
  deps.health.accepted(job.provider, job.principal);
  return bind(deps, job, token, operation);
}

/** The job is bought: its handle is written, however often that takes. */
async function bind(
  { advance, log }: SubmitDeps,
  job: Job,
  token: string,
  operation: Json,
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      return Boolean(await advance(job.id, { type: 'accepted', token, operation }));
    } catch (error) {
      log.error('the handle of a submitted job cannot be written', {
        job: job.id,
        provider: job.provider,
        operation: JSON.stringify(operation),
        error: messageOf(error),
      });
      // As long as this process lives: there is no other place that knows it.
      await pause(Math.min(5_000, 100 * 2 ** Math.min(attempt, 6)));
    }
  }
}

async function upload(
  { fetchImage }: SubmitDeps,
  job: Job,
  provider: Provider,
  context: ProviderContext,
): Promise<ModelImages> {
  const send = async (ref: ImageRef, field: string): Promise<string> => {
    if (ref.kind === 'url' && provider.takesUrls) return ref.url;
    const held = ref.kind === 'blob' ? ref : await fetchImage(ref.url, field);
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

/**
 * A submit that did not succeed: the next route, a failure, or an outcome that nobody knows.
 *
 * @param token of the attempt; absent when nothing was claimed yet
 * @param listed whether the provider lists its jobs
 */
async function turnedDown(
  deps: SubmitDeps,
  job: Job,
  model: Model,
  token: string | undefined,
  error: unknown,
  listed = false,
): Promise<boolean> {
  const failure = error instanceof SubmitError ? error : undefined;
  const outcome = failure?.outcome ?? (token === undefined ? 'rejected' : 'unclear');
  const message = redact(messageOf(error));
  deps.log.warn('a submit did not succeed', { job: job.id, provider: job.provider, outcome, error: message });
  if (outcome === 'unclear') {
    return Boolean(await deps.advance(job.id, lostEvent(job, token, message, listed)));
  }
  const next =
    outcome === 'refused'
      ? nextAttempt(
          deps,
          job,
          model,
          message,
          failure?.retryAfterMs,
          token !== undefined && isAboutProvider(failure),
        )
      : undefined;
  if (next) {
    const { dueAt, ...attempt } = next;
    return Boolean(await deps.advance(job.id, { type: 'refused', token, next: attempt, dueAt }));
  }
  return Boolean(
    await deps.advance(job.id, {
      type: 'turnedDown',
      token,
      error: lastError(job, refusalError(error, message)),
    }),
  );
}

/** The key, the credit, the rate or the connection: the next job would be refused as well. */
function isAboutProvider(failure: SubmitError | undefined): boolean {
  const status = failure?.status;
  return status === undefined || status === 401 || status === 402 || status === 429;
}

/** A short wait on the same route, or another route; never after an outcome that is not known. */
function nextAttempt(
  { provider, estimateUsd, health }: SubmitDeps,
  job: Job,
  model: Model,
  refusal: string,
  retryAfterMs: number | undefined,
  isOfProvider: boolean,
): (NextAttempt & { dueAt: number }) | undefined {
  const retries = job.retries ?? 0;
  if (retryAfterMs !== undefined && retryAfterMs <= SHORT_WAIT_MS && retries < MAX_RETRIES) {
    return { ...sameRoute(job), retries: retries + 1, dueAt: Date.now() + retryAfterMs };
  }
  if (isOfProvider) health.refused(job.provider, job.principal, Math.max(retryAfterMs ?? 0, REFUSED_FOR_MS));
  if (job.providerChoice !== 'auto') return undefined;
  const tried = [...(job.tried ?? []), { provider: job.provider, refusal }];
  const price = (route: Route): number | null => estimateUsd(route, job.args);
  const { choices } = chooseRoutes({
    model,
    args: job.args,
    choice: 'auto',
    tried,
    hasKey: (id) => provider(id, job.principal) !== undefined,
    isHealthy: (id) => health.isHealthy(id, job.principal),
    price,
  });
  const best = choices.find(({ route }) => isWithin(job.ceiling, price(route)));
  if (!best) return undefined;
  return {
    provider: best.route.provider,
    model: best.route.endpoint,
    estimateUsd: price(best.route),
    routeReason: best.reason,
    tried,
    retries: 0,
    dueAt: Date.now(),
  };
}

/**
 * A submit that some process began and nobody finished. While its process may still be at it, it is left alone.
 *
 * @returns when to look again, in milliseconds since 1970, or whether the job moved on
 */
export async function recover(deps: SubmitDeps, job: Job, provider: Provider): Promise<boolean | number> {
  const { attempt } = job;
  if (provider.repeatable)
    return Boolean(await deps.advance(job.id, { type: 'repeat', token: attempt?.token }));
  const overAt = (attempt?.at ?? 0) + SUBMIT_DEADLINE_MS + SEND_WITHIN_MS;
  const left = overAt - Date.now();
  // More than all of it: the clock was set back since.
  const inTime = left > 0 && left <= SUBMIT_DEADLINE_MS + SEND_WITHIN_MS;
  const mayRun = attempt?.owner !== undefined && !deps.isDead(attempt.owner) && inTime;
  if (mayRun) return overAt;
  const why = 'meshwright was stopped while it sent the job';
  return Boolean(await deps.advance(job.id, lostEvent(job, attempt?.token, why, isListed(job, provider))));
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

/** No route is left: whoever reads the last refusal has to know of those before, which may be easier to mend. */
function lastError({ tried = [], provider }: Job, error: JobError): JobError {
  if (tried.length === 0) return error;
  const refusals = tellTried([...tried, { provider, refusal: error.message }]);
  return { ...error, message: `No provider took the job. ${refusals}` };
}

/** Nothing was accepted, so nothing was charged. */
function refusalError(error: unknown, message: string): JobError {
  if (error instanceof SubmitError) {
    if (error.cause instanceof MeshwrightError) return refusalError(error.cause, message);
    const unreached = error.outcome === 'refused' && error.status === undefined;
    return {
      code: unreached ? 'provider_unreachable' : 'provider_refused',
      message,
      ...(error.field === undefined ? {} : { field: error.field }),
      retryable: unreached || error.status === 429,
      charged: 'no',
    };
  }
  if (error instanceof MeshwrightError) {
    const { code, field, retryable } = error;
    return { code, message, ...(field === undefined ? {} : { field }), retryable, charged: 'no' };
  }
  return {
    code: 'internal',
    message: 'Something in meshwright broke before the job was sent; its log has the details.',
    retryable: true,
    charged: 'no',
  };
}
