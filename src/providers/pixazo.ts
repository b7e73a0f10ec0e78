import { keepSecret } from '../log.js';
import type { Clock } from './clock.js';
import { LazyProvider, type ObserveCall } from './lazy.js';
import type { InputFile, ProviderContext } from './provider.js';

export interface PixazoOptions {
  key: string;
  /** Base URL without a slash at the end. */
  url: string;
  /** Polls at this interval instead of an adaptive one. */
  pollMs?: number | undefined;
  /** Seconds that jobs of a model usually take, where that is known. */
  typicalSeconds?: ((model: string) => number | undefined) | undefined;
  /** Publishes an image and answers its URL; absent when there is nobody who could. */
  hostImage?: ((file: InputFile, context: ProviderContext) => Promise<string>) | undefined;
  /** Who that is, for people. */
  hostTitle?: string | undefined;
  /** For tests. */
  clock?: Clock | undefined;
  /** Told of every call. */
  observe?: ObserveCall | undefined;
}

/**
 * Pixazo: models behind a gateway that takes public image URLs and answers a request to be asked for. It has no
 * uploads, no cancelling, no prices. What is known of it is in its model pages alone.
 */
export class PixazoProvider extends LazyProvider {
  readonly id = 'pixazo';
  readonly title = 'Pixazo';
  readonly takesUrls = true;

  constructor(options: PixazoOptions) {
    keepSecret(options.key);
    super(
      options.key,
      () => import('./pixazo/session.js').then(({ PixazoSession }) => new PixazoSession(options)),
      options.observe,
    );
  }
}
