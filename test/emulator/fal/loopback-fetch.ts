import type { FalEmulator } from '../fal.js';

/**
 * A `fetch` that sends fal's own hosts to the emulator and refuses every other host: the one hook of
 * `@fal-ai/client` that reaches all of its calls, storage included.
 */
export function loopbackFetch(urls: FalEmulator['urls']): typeof fetch {
  const routes: Readonly<Record<string, string>> = {
    'https://queue.fal.run': urls.queue,
    'https://rest.fal.ai': urls.rest,
    'https://api.fal.ai': urls.api,
    'https://v3.fal.media': urls.cdn,
    'https://v3b.fal.media': urls.cdn,
  };
  const own = new Set(Object.values(urls));
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const origin = routes[url.origin] ?? (own.has(url.origin) ? url.origin : undefined);
    if (origin === undefined) return Promise.reject(new Error(`${url.origin} is not part of the emulator.`));
    return fetch(origin + url.pathname + url.search, init);
  };
}
