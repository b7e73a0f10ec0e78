import type { Json, JsonObject } from '../json.js';
import { keepSecret } from '../log.js';
import type { Resolve } from './address.js';
import type { Clock } from './clock.js';
import { LazyProvider, type ObserveCall } from './lazy.js';
import type { LostAttempt, ProviderContext } from './provider.js';
import type { ScenarioSession } from './scenario/session.js';

export interface ScenarioOptions {
  key: string;
  secret: string;
  /** Base URL without a slash at the end. */
  url: string;
  /** `host[:port]` that parts of large images may be sent to although private or not https. */
  allowHosts: readonly string[];
  /** Polls at this interval instead of an adaptive one. */
  pollMs?: number | undefined;
  /** Seconds that jobs of a model usually take, where that is known. */
  typicalSeconds?: ((model: string) => number | undefined) | undefined;
  /** For tests, as the next. */
  resolve?: Resolve | undefined;
  clock?: Clock | undefined;
  /** Told of every call. */
  observe?: ObserveCall | undefined;
}

/**
 * Scenario: models that take the ids of assets and answer with ids of assets, whose URLs expire. It counts in
 * creative units and tells a job's price before it is run. Facts: its documents and its official clients.
 */
export class ScenarioProvider extends LazyProvider<ScenarioSession> {
  readonly id = 'scenario';
  readonly title = 'Scenario';
  readonly takesUrls = false;

  constructor(options: ScenarioOptions) {
    keepSecret(options.key, options.secret, `${options.key}:${options.secret}`);
    super(
      options.key,
      () => import('./scenario/session.js').then(({ ScenarioSession: Session }) => new Session(options)),
      options.observe,
    );
  }

  /**
   * What a job would cost in creative units; nothing is started. The body is checked as that of a real job.
   *
   * @throws SubmitError as a submit would
   */
  async estimateUnits(
    model: string,
    body: JsonObject,
    context: Pick<ProviderContext, 'signal'>,
  ): Promise<number> {
    return (await this.open()).estimateUnits(model, body, context);
  }

  async findLost(attempt: LostAttempt, context: Pick<ProviderContext, 'signal'>): Promise<Json[]> {
    return (await this.open()).findLost(attempt, context);
  }
}
