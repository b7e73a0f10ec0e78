import type { Config, ProviderId } from '../config.js';
import { MeshwrightError } from '../errors.js';
import type { JsonObject } from '../json.js';
import type { Provider } from '../providers/provider.js';
import { newId } from '../store/ids.js';
import { currentTrace } from '../trace.js';
import type { Job, JobStore } from '../store/types.js';
import { type Ask, consentTo } from './consent.js';
import { digestOf, type Inputs } from './inputs.js';
import type { Model, Route } from './model.js';
import type { Prices } from './prices.js';
import { chooseRoutes, type Health, type RouteChoice } from './routes.js';
import { allowanceFor, capsOf, isAffordable } from './spending.js';

/** From a call to the row of a job: everything that is decided before anything is sent. */

export interface PurchaseCall {
  principal: string;
  model: Model;
  /** Parsed arguments after defaults, images as references. */
  args: JsonObject;
  /** Names that the caller gave, not defaults. */
  given: ReadonlySet<string>;
  provider: string;
  forceNew: boolean;
  /** Asks the one who pays; absent where nobody can be asked. */
  ask?: Ask | undefined;
  /** Fires when the caller does not want the job any more; nothing is begun then. */
  signal?: AbortSignal | undefined;
  /** The id under which the log knows the request. */
  request?: string | undefined;
}

export interface PurchaseDeps {
  /** The server's. */
  config: Config;
  configOf: (principal: string) => Config;
  jobs: JobStore;
  inputs: Inputs;
  prices: Prices;
  health: Health;
  providers: (principal: string) => ReadonlyMap<ProviderId, Provider>;
}

export class Purchases {
  readonly #deps: PurchaseDeps;

  constructor(deps: PurchaseDeps) {
    this.#deps = deps;
  }

  /**
   * The arguments and images are checked, an equal call in the window answers, the caps refuse, the user is asked
   * where the price makes that necessary, and the row is written.
   *
   * @returns the new job, or the one of an equal call
   * @throws MeshwrightError nothing was written
   */
  async make(call: PurchaseCall): Promise<{ job: Job; existing: boolean }> {
    try {
      return await this.#make(call);
    } catch (error) {
      throw error instanceof MeshwrightError && error.code === 'storage' ? notBegun(error) : error;
    }
  }

  async #make(call: PurchaseCall): Promise<{ job: Job; existing: boolean }> {
    const { model, args, principal } = call;
    const { inputs, prices, providers } = this.#deps;
    const { route, reason } = this.#firstRoute(call);
    const broken = model.check?.(args, call.given);
    if (broken) throw new MeshwrightError('invalid_arguments', broken.message, { field: broken.field });
    const provider = providers(principal).get(route.provider);
    const taken = await inputs.take(call, provider?.takesUrls ?? false);
    throwIfCancelled(call);
    const trace = currentTrace();
    return this.#admit(call, {
      id: newId('job'),
      principal,
      tool: model.tool,
      providerChoice: call.provider,
      provider: route.provider,
      model: route.endpoint,
      routeReason: reason,
      digest: digestOf(call, taken),
      state: 'intent',
      args: taken.plain,
      images: taken.images,
      running: false,
      progress: 0,
      stage: 'waiting',
      cancelRequested: false,
      estimateUsd: prices.estimateUsd(route, taken.plain),
      storeAttempts: 0,
      ...(trace ? { trace } : {}),
      ...bornAt(Date.now()),
    });
  }

  /** Writes the row, once the user has agreed and the caps allow it, or finds the job of an equal call. */
  async #admit(call: PurchaseCall, draft: Job): Promise<{ job: Job; existing: boolean }> {
    const { jobs, config, configOf } = this.#deps;
    const { ask, forceNew, principal } = call;
    const caps = capsOf(configOf(principal), config);
    const since = (now: number): number | undefined =>
      forceNew ? undefined : now - config.dedupeSeconds * 1000;
    const {
      existing,
      ceiling,
      jobId = draft.id,
    } = await consentTo({
      jobs,
      ask,
      askUsd: config.askUsd,
      caps,
      job: draft,
      since: since(draft.createdAt),
    });
    if (existing) return { job: existing, existing: true };
    throwIfCancelled(call);
    // An answer may have taken a while.
    const now = Date.now();
    const job: Job = { ...draft, id: jobId, ...(ceiling ? { ceiling } : {}), ...bornAt(now) };
    return jobs.create(job, since(now), allowanceFor(caps, job, now));
  }

  /** The best route of those that the caps leave, or else the best of all, whose refusal says why. */
  #firstRoute({ model, provider, args, principal }: PurchaseCall): RouteChoice {
    const { config, configOf, health, prices } = this.#deps;
    const price = (route: Route): number | null => prices.estimateUsd(route, args);
    const providers = this.#deps.providers(principal);
    const { choices, refusals } = chooseRoutes({
      model,
      args,
      choice: provider,
      tried: [],
      hasKey: (id) => providers.has(id),
      isHealthy: (id) => health.isHealthy(id, principal),
      price,
    });
    const caps = capsOf(configOf(principal), config);
    const best = choices.find(({ route }) => isAffordable(caps, price(route))) ?? choices[0];
    if (best) return best;
    const usable = model.routes.map((route) => route.provider).filter((id) => providers.has(id));
    throw new MeshwrightError(
      'invalid_arguments',
      refusals.length > 0
        ? refusals.join(' ')
        : `${model.tool} is not available over ${provider}; use ${usable.join(' or ')}.`,
      { field: 'provider' },
    );
  }
}

/** Without a row nothing is sent: whoever reads of a full disk or a lock wants to know that first. */
function notBegun(error: MeshwrightError): MeshwrightError {
  const { message, retryable } = error;
  return new MeshwrightError('storage', `${message} Nothing was sent and nothing was charged.`, {
    retryable,
    cause: error,
  });
}

function throwIfCancelled({ signal }: PurchaseCall): void {
  if (!signal?.aborted) return;
  throw new MeshwrightError('cancelled', 'Cancelled before the job began; nothing was sent.');
}

function bornAt(now: number): Pick<Job, 'createdAt' | 'updatedAt' | 'dueAt'> {
  return { createdAt: now, updatedAt: now, dueAt: now };
}
