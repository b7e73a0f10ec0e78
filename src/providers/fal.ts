import type { Json } from '../json.js';
import { keepSecret } from '../log.js';
import type { Clock } from './clock.js';
import type { FalSession } from './fal/session.js';
import type {
  CancelOutcome,
  FollowContext,
  InputFile,
  Provider,
  ProviderContext,
  ProviderResult,
  SubmitRequest,
} from './provider.js';

export interface FalOptions {
  /** `id:secret` */
  key: string;
  /** Base URLs without a slash at the end. */
  queueUrl: string;
  restUrl: string;
  /** `host[:port]` that images may be uploaded to although none of fal's. */
  allowHosts: readonly string[];
  /** Polls at this interval instead of listening to the status stream. */
  pollMs?: number | undefined;
  /** Seconds that jobs of an endpoint usually take, where that is known: for progress and the times of polls. */
  typicalSeconds?: ((endpoint: string) => number | undefined) | undefined;
  /** For tests, as the rest. */
  clock?: Clock | undefined;
  firstEventMs?: number | undefined;
  silenceMs?: number | undefined;
}

/**
 * fal.ai: its queue and its storage. What is known of both is in fal's documents and in the behaviour of
 * `@fal-ai/client` 1.10.1, which does the talking on a fetch of our own. Nothing is loaded before the first use.
 */
export class FalProvider implements Provider {
  readonly id = 'fal';
  readonly title = 'fal';
  readonly repeatable = false;
  readonly takesUrls = true;
  readonly #options: FalOptions;
  #session: Promise<FalSession> | undefined;

  constructor(options: FalOptions) {
    keepSecret(options.key);
    this.#options = options;
  }

  async upload(file: InputFile, context: ProviderContext): Promise<string> {
    return (await this.#open()).upload(file, context);
  }

  async submit(request: SubmitRequest, context: ProviderContext): Promise<Json> {
    return (await this.#open()).submit(request, context);
  }

  async follow(operation: Json, context: FollowContext): Promise<void> {
    return (await this.#open()).follow(operation, context);
  }

  async result(operation: Json, context: ProviderContext): Promise<ProviderResult> {
    return (await this.#open()).result(operation, context);
  }

  async cancel(operation: Json, context: ProviderContext): Promise<CancelOutcome> {
    return (await this.#open()).cancel(operation, context);
  }

  #open(): Promise<FalSession> {
    this.#session ??= import('./fal/session.js').then(({ FalSession }) => new FalSession(this.#options));
    return this.#session;
  }
}
