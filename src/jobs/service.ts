import { type Config, KEY_NAMES, type ProviderId } from '../config.js';
import { MeshwrightError, messageOf } from '../errors.js';
import { inspectInWorker } from '../glb/run.js';
import type { Log } from '../log.js';
import { type ObserveCall, Providers } from '../providers/index.js';
import type { Callback, Provider } from '../providers/provider.js';
import type { Resolve } from '../providers/address.js';
import type { Clock } from '../providers/clock.js';
import { createFetcher, type Fetcher } from '../providers/fetch.js';
import { openStore, type Store } from '../store/index.js';
import { inTrace } from '../trace.js';
import { isDeadOwner, ownerId } from '../store/owner.js';
import type { Job, JobFilter, Page } from '../store/types.js';
import { Assets } from './assets.js';
import { type Costs, costsOf } from './costs.js';
import { Durations } from './durations.js';
import { Inputs } from './inputs.js';
import type { Model } from './model.js';
import { Prices } from './prices.js';
import { type PurchaseCall, Purchases } from './purchases.js';
import { Health } from './routes.js';
import { Runner } from './runner.js';
import { type Inspect, settle } from './settle.js';
import { DAY_MS, startOfDay } from './spending.js';
import { type WaitOptions, Waits } from './waits.js';

/** Everything that can be done with jobs, for the tools, the command line and whatever serves them. */

export interface Started {
  job: Job;
  /** The call was answered with a job that was there already. */
  deduplicated: boolean;
}

export interface ServiceDeps {
  config: Config;
  /** The settings of a principal: keys, caps and folders may be its own. By default all have the server's. */
  configOf?: ((principal: string) => Config) | undefined;
  log: Log;
  model: (tool: string) => Promise<Model | undefined>;
  /** For tests; the system's resolver of names otherwise. */
  resolve?: Resolve | undefined;
  /** For tests; the time as providers see it. */
  clock?: Clock | undefined;
  /** For tests; a worker thread of its own otherwise. */
  inspect?: Inspect | undefined;
  /** Told of every call to a provider. */
  observe?: ObserveCall | undefined;
  /** Where a provider may call about this job; only where it can reach us. */
  callbackUrl?: ((provider: ProviderId, jobId: string) => string | undefined) | undefined;
}

/** Least time between two attempts to fetch the files of a job, or to find it, although somebody waits for it. */
const RETRY_GAP_MS = 2_000;
/** How old a temporary file or an input image without a live job must be before it is removed. */
const SWEEP_AGE_MS = 3_600_000;

/** A folder that cannot be used says the same every few seconds: that is news now and then. */
const SAME_NEWS_MS = 300_000;

function storeTroubles(log: Log): (error: unknown, jobId: string | undefined) => void {
  let told = { text: '', at: -Infinity };
  return (error, job) => {
    const text = messageOf(error);
    const now = performance.now();
    const known = text === told.text && now - told.at < SAME_NEWS_MS;
    if (!known) told = { text, at: now };
    log[known ? 'debug' : 'error']('the data folder', { job, error: text });
  };
}

export class Jobs {
  readonly assets: Assets;
  readonly store: Store;
  readonly prices: Prices;
  readonly #configOf: (principal: string) => Config;
  readonly #log: Log;
  readonly #fetcher: Fetcher;
  readonly #providers: Providers;
  readonly #runner: Runner;
  readonly #purchases: Purchases;
  readonly #health = new Health();
  readonly #durations: Durations;
  readonly #inputs: Inputs;
  #tidying: NodeJS.Timeout | undefined;
  readonly #waits: Waits;

  constructor(deps: ServiceDeps) {
    const { config, configOf = () => config, log, model, callbackUrl, observe, resolve, clock } = deps;
    const { inspect = inspectInWorker } = deps;
    this.#configOf = configOf;
    this.#log = log;
    this.prices = new Prices(config.prices);
    this.store = openStore(config.dataDir, {
      onError: storeTroubles(log),
    });
    this.#waits = new Waits(this.store.bus);
    this.#fetcher = createFetcher({ allowHosts: config.allowHosts, resolve });
    this.#durations = new Durations(this.store.jobs);
    this.#providers = new Providers({
      typicalSeconds: (endpoint) => this.#durations.ofEndpoint(endpoint),
      resolve,
      clock,
      observe,
    });
    this.assets = new Assets(this.store, configOf);
    this.#inputs = new Inputs({
      allowedDirs: (principal) => configOf(principal).allowedDirs,
      fetcher: this.#fetcher,
      files: this.store.assets,
      readAsset: (principal, id) => this.assets.read(principal, id),
    });
    this.#purchases = new Purchases({
      config,
      configOf,
      jobs: this.store.jobs,
      inputs: this.#inputs,
      prices: this.prices,
      health: this.#health,
      providers: (principal) => this.providers(principal),
    });
    this.#runner = new Runner({
      jobs: this.store.jobs,
      files: this.store.assets,
      bus: this.store.bus,
      log,
      owner: ownerId(),
      isDead: isDeadOwner,
      provider: (id, principal) => this.providers(principal).get(id),
      callbackUrl,
      model: async (tool) => {
        const found = await model(tool);
        if (found) await this.#durations.learn(found);
        return found;
      },
      health: this.#health,
      pollMs: config.pollMs,
      typicalSeconds: (endpoint) => this.#durations.ofEndpoint(endpoint),
      fetchImage: (url, field) => this.#inputs.fetch(url, field),
      estimateUsd: (route, args) => this.prices.estimateUsd(route, args),
      settle: (job, route, files, signal) =>
        settle({ files: this.store.assets, fetcher: this.#fetcher, log, inspect }, job, route, files, signal),
    });
  }

  /** Takes up every unfinished job of the data folder, and keeps it tidy. */
  async start(): Promise<void> {
    const tidy = (): void => {
      this.#tidy().catch((error: unknown) =>
        this.#log.warn('cannot tidy the data folder', { error: messageOf(error) }),
      );
    };
    // The call that opens the data folder may have a trace; what begins here is no part of it.
    inTrace(undefined, () => {
      this.store.waker.start((id) => this.#runner.step(id));
      this.#tidying = setInterval(tidy, SWEEP_AGE_MS).unref();
      tidy();
    });
  }

  /**
   * Ends all waiting, from now on, as if its time were over: a server that stops answers its callers first. Nothing more
   * is sent; the jobs go on with the next server.
   */
  wrapUp(): void {
    this.#runner.stop();
    this.#waits.end();
  }

  get isWrappingUp(): boolean {
    return this.#waits.ended.aborted;
  }

  /** Lets go of every job without ending it. */
  async stop(): Promise<void> {
    clearInterval(this.#tidying);
    this.#runner.stop();
    await this.store.close();
    await this.#fetcher.close();
  }

  /** The providers that this principal has a key of. */
  providers(principal: string): ReadonlyMap<ProviderId, Provider> {
    return this.#providers.of(this.#configOf(principal));
  }

  /**
   * One job from first intent: the images are read and checked, an equal call in the window answers, the user is
   * asked where the price makes that necessary, the row is written, and only then is anything sent.
   *
   * @throws MeshwrightError before anything was spent
   */
  async generate(call: PurchaseCall): Promise<Started> {
    const { job, existing } = await this.#purchases.make(call);
    this.store.waker.wake(job.id);
    this.#log.info(existing ? 'an equal call found its job' : 'a job begins', {
      job: job.id,
      tool: job.tool,
      provider: job.provider,
      principal: job.principal,
      request: call.request,
    });
    return { job, deduplicated: existing };
  }

  /** @throws MeshwrightError `not_found`, also for somebody else's job */
  async get(principal: string, id: string): Promise<Job> {
    const job = await this.store.jobs.get(id);
    if (!job || job.principal !== principal) {
      throw new MeshwrightError(
        'not_found',
        `There is no job ${id.slice(0, 80)}. Call list_jobs to see the jobs there are.`,
        { field: 'job_id' },
      );
    }
    return this.#runner.withUnwritten(job);
  }

  async list(principal: string, filter: Omit<JobFilter, 'principal'>): Promise<Page<Job>> {
    const page = await this.store.jobs.list({ principal, ...filter });
    return { ...page, rows: page.rows.map((job) => this.#runner.withUnwritten(job)) };
  }

  /**
   * What the principal's jobs cost, by UTC day and provider, newest first.
   *
   * @param days how many, today included
   */
  async costs(principal: string, days: number): Promise<Costs> {
    const now = Date.now();
    const rows = await this.store.jobs.costs(principal, startOfDay(now) - (days - 1) * DAY_MS);
    return costsOf(rows, new Date(now).toISOString().slice(0, 10), this.#configOf(principal).maxUsdPerDay);
  }

  /**
   * Waits until the job has ended, the time is over, or the signal fires; answers the job as it is then.
   * A finished job whose files could not be fetched is tried again at once, and one whose outcome is not known is
   * looked for at once.
   */
  async wait(principal: string, id: string, options: WaitOptions): Promise<Job> {
    const first = await this.get(principal, id);
    const missing = (first.state === 'storing' && first.error) || first.state === 'searching';
    if (missing) await this.#tryNow(first);
    else if (first.state === 'unconfirmed' && options.ms > 0) await this.#lookFor(first, options.signal);
    return this.#waits.until(id, () => this.get(principal, id), options);
  }

  /**
   * Asks the provider, each time anew; answers the job when it is known what came of it, or as it is after `ms`.
   */
  async cancel(principal: string, id: string, ms = 10_000): Promise<Job> {
    await this.get(principal, id);
    const asked = await this.#runner.advance(id, { type: 'cancelAsked' });
    if (!asked) return this.get(principal, id);
    this.store.waker.wake(id);
    const answered = ({ cancelOutcome }: Job): boolean =>
      cancelOutcome !== undefined && cancelOutcome !== 'removed';
    return this.wait(principal, id, { ms, until: answered });
  }

  /**
   * What somebody who knows a job's callback URL says of it. It can bring the handle of a job whose submit got no
   * answer, and makes the others be looked at; a lie changes nothing.
   *
   * @returns why it was not believed; `undefined` when it was, or is of no use any more
   * @throws what the provider throws when it cannot be asked; the same call may come again
   */
  async callback(
    providerId: ProviderId,
    jobId: string,
    callback: Callback,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const job = await this.store.jobs.get(jobId);
    if (!job || job.provider !== providerId || !job.attempt) return undefined;
    const provider = this.providers(job.principal).get(providerId);
    const about = { model: job.model, submittedAt: job.attempt.at };
    const verdict = await provider?.callback?.(callback, about, { signal });
    if (verdict?.kind === 'refused') return verdict.why;
    if (verdict?.kind === 'accepted') {
      const { token } = job.attempt;
      const bound = await this.#runner.advance(jobId, {
        type: 'accepted',
        token,
        operation: verdict.operation,
      });
      if (bound)
        this.#log.info('a callback brought the handle of a job', { job: jobId, provider: providerId });
    }
    this.store.waker.wake(jobId);
    return undefined;
  }

  /** What to say of a job that nobody here can carry on. */
  stalled(job: Job): string | undefined {
    if (this.providers(job.principal).has(job.provider)) return undefined;
    return `There is no key of ${job.provider} for it here, so it is not followed here: set ${KEY_NAMES[job.provider]} and start this server again, or leave it to one that has the key. Nothing is lost.`;
  }

  /** How long jobs of this model take, measured here or else as declared; `undefined` where nobody knows. */
  typicalSeconds(model: Model): Promise<number | undefined> {
    return this.#durations.ofModel(model);
  }

  /** Does not wait for the moment at which it would be tried again by itself. */
  async #tryNow({ id, state }: Job): Promise<void> {
    // The last attempt failed when the row was last written; whoever asks in a loop does not hammer the provider.
    await this.store.jobs.change(id, (job) => {
      const soon = Math.max(Date.now(), job.updatedAt + RETRY_GAP_MS);
      return job.state === state && soon < job.dueAt ? { job: { ...job, dueAt: soon } } : undefined;
    });
    this.store.waker.wake(id);
  }

  async #lookFor(job: Job, signal?: AbortSignal): Promise<void> {
    const { ended } = this.#waits;
    try {
      await this.#runner.lookFor(job, signal ? AbortSignal.any([signal, ended]) : ended);
      this.store.waker.wake(job.id);
    } catch (error) {
      this.#log.warn('cannot look for a job', { job: job.id, error: messageOf(error) });
    }
  }

  async #tidy(): Promise<void> {
    const { assets, jobs } = this.store;
    const isUsed = (key: string): Promise<boolean> =>
      key.startsWith('input_') ? jobs.usesBlob(key) : jobs.hasAssetKey(key);
    const removed = await assets.sweep(SWEEP_AGE_MS, isUsed);
    if (removed > 0) this.#log.info('removed files that no job needs', { files: removed });
  }
}
