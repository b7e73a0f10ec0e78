import { keepSecret } from '../log.js';
import type { Resolve } from './address.js';
import type { Clock } from './clock.js';
import { LazyProvider, type ObserveCall } from './lazy.js';

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
  resolve?: Resolve | undefined;
  clock?: Clock | undefined;
  firstEventMs?: number | undefined;
  silenceMs?: number | undefined;
  /** Told of every call. */
  observe?: ObserveCall | undefined;
}

/**
 * fal.ai: its queue and its storage. What is known of both is in fal's documents and in the behaviour of
 * `@fal-ai/client` 1.10.1, which does the talking on a fetch of our own. Nothing is loaded before the first use.
 */
export class FalProvider extends LazyProvider {
  readonly id = 'fal';
  readonly title = 'fal';
  readonly takesUrls = true;

  constructor(options: FalOptions) {
    keepSecret(options.key);
    super(
      options.key,
      () => import('./fal/session.js').then(({ FalSession }) => new FalSession(options)),
      options.observe,
    );
  }
}
